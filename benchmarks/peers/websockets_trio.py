"""The core with the `websockets` library on Trio."""

import math
import time
from functools import partial
from http import HTTPStatus

import trio
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.trio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from benchmarks.peers.site import BACKLOG, CODECS, Site, open_site, parse_options
from benchmarks.peers.stopping import until_told_to_stop
from benchmarks.peers.talk import Talk, ToDo
from ric0_trio.protocol import PATH, Close, Send, Sign


class Conversations:
    """The handler of every connection."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._threads = trio.CapacityLimiter(2)

    async def converse(self, socket: ServerConnection) -> None:
        """Converse until either side ends it."""
        talk = Talk(self._site, socket.subprotocol)
        offset = trio.current_time() - time.monotonic()
        try:
            with trio.CancelScope() as patience:
                while True:
                    patience.deadline = math.inf if talk.deadline is None else talk.deadline + offset
                    if await self._carry_out(talk, socket, talk.receive(await socket.recv())):
                        return
            await self._carry_out(talk, socket, talk.time_out())
        except (ConnectionClosed, trio.TooSlowError):
            pass
        finally:
            talk.end()

    async def _carry_out(self, talk: Talk, socket: ServerConnection, todo: ToDo) -> bool:
        """Do it, and tell whether that closed the connection."""
        for effect in todo:
            match effect:
                case Send(payload):
                    with trio.fail_after(self._site.limits.write_timeout_s):
                        await socket.send(payload)
                case Sign():
                    todo += talk.signed(await trio.to_thread.run_sync(talk.sign, effect, limiter=self._threads))
                case Close(code, reason):
                    await socket.aclose(code, reason)
                    return True
        return False


def check_path(socket: ServerConnection, request: Request) -> Response | None:
    return None if request.path == PATH else socket.respond(HTTPStatus.NOT_FOUND, f"the chat is at {PATH}\n")


async def main(site: Site) -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=BACKLOG)
    site.announce(listeners[0].socket.getsockname()[1])
    await until_told_to_stop(
        partial(
            serve,
            Conversations(site).converse,
            listeners=listeners,
            ssl=site.tls,
            subprotocols=[Subprotocol(name) for name in CODECS],
            process_request=check_path,
            compression=None,
            open_timeout=site.limits.opening_timeout_s,
            ping_interval=site.limits.ping_interval_s,
            ping_timeout=site.limits.ping_timeout_s,
            close_timeout=site.limits.close_timeout_s,
            max_size=site.limits.max_message_bytes,
        )
    )


if __name__ == "__main__":
    with open_site(parse_options()) as opened:
        trio.run(main, opened)
