"""The core with the `websockets` library, on asyncio's own event loop (`websockets_uvloop` runs it on the other)."""

import asyncio
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from benchmarks.peers.site import BACKLOG, CODECS, Site, open_site, parse_options
from benchmarks.peers.stopping import told_to_stop
from benchmarks.peers.talk import Talk, ToDo
from ric0_trio.protocol import PATH, Close, Send, Sign


class Conversations:
    """The handler of every connection."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def converse(self, socket: ServerConnection) -> None:
        """Converse until either side ends it."""
        talk = Talk(self._site, socket.subprotocol)
        try:
            try:
                async with asyncio.timeout_at(talk.deadline) as patience:
                    while True:
                        if await self._carry_out(talk, socket, talk.receive(await socket.recv())):
                            return
                        if patience.when() != talk.deadline:  # rarely: a user has come, or left
                            patience.reschedule(talk.deadline)
            except TimeoutError:
                await self._carry_out(talk, socket, talk.time_out())
        except (ConnectionClosed, TimeoutError):
            socket.transport.abort()
        finally:
            talk.end()

    async def _carry_out(self, talk: Talk, socket: ServerConnection, todo: ToDo) -> bool:
        """Do it, and tell whether that closed the connection."""
        for effect in todo:
            match effect:
                case Send(payload):
                    async with asyncio.timeout(self._site.limits.write_timeout_s):
                        await socket.send(payload)
                case Sign():
                    todo += talk.signed(await asyncio.to_thread(talk.sign, effect))
                case Close(code, reason):
                    await socket.close(code, reason)
                    return True
        return False


def check_path(socket: ServerConnection, request: Request) -> Response | None:
    return None if request.path == PATH else socket.respond(HTTPStatus.NOT_FOUND, f"the chat is at {PATH}\n")


async def main(site: Site) -> None:
    async with serve(
        Conversations(site).converse,
        "127.0.0.1",
        0,
        ssl=site.tls,
        subprotocols=[Subprotocol(name) for name in CODECS],
        process_request=check_path,
        compression=None,
        open_timeout=site.limits.opening_timeout_s,
        ping_interval=site.limits.ping_interval_s,
        ping_timeout=site.limits.ping_timeout_s,
        close_timeout=site.limits.close_timeout_s,
        max_size=site.limits.max_message_bytes,
        backlog=BACKLOG,
    ) as server:
        site.announce(next(iter(server.sockets)).getsockname()[1])
        await told_to_stop()


if __name__ == "__main__":
    with open_site(parse_options()) as opened:
        asyncio.run(main(opened))
