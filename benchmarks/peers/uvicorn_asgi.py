"""The core as an ASGI application under uvicorn, with the settings that cost it least (docs/benchmarks.md).

uvicorn has no deadline for the HTTP head: it does less there than the others.
"""

import argparse
import asyncio
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

import uvicorn

from benchmarks.peers.site import BACKLOG, CODECS, Site, open_site, parse_options
from benchmarks.peers.talk import Talk, ToDo
from ric0_trio.protocol import PATH, Close, Send, Sign

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Tell = Callable[[Event], Awaitable[None]]

IMPLEMENTATIONS: Final = ("websockets-sansio", "websockets", "wsproto")
"""uvicorn's own names for what speaks WebSocket under it, the cheapest first."""


class Application:
    """The ASGI application."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Event, receive: Receive, send: Tell) -> None:
        """Serve one connection."""
        await receive()  # websocket.connect
        if scope["path"] != PATH:
            return await send({"type": "websocket.close"})
        subprotocol = next((name for name in CODECS if name in scope["subprotocols"]), None)
        await send({"type": "websocket.accept", "subprotocol": subprotocol})
        await self._converse(Talk(self._site, subprotocol), receive, send)
        return None

    async def _converse(self, talk: Talk, receive: Receive, send: Tell) -> None:
        try:
            try:
                async with asyncio.timeout_at(talk.deadline) as patience:
                    while (event := await receive())["type"] == "websocket.receive":
                        text = event.get("text")
                        if await self._carry_out(talk, send, talk.receive(event["bytes"] if text is None else text)):
                            return
                        if patience.when() != talk.deadline:  # rarely: a user has come, or left
                            patience.reschedule(talk.deadline)
            except TimeoutError:
                await self._carry_out(talk, send, talk.time_out())
        except (OSError, TimeoutError):
            pass  # the client is gone, or does not read
        finally:
            talk.end()

    async def _carry_out(self, talk: Talk, send: Tell, todo: ToDo) -> bool:
        """Do it, and tell whether that closed the connection."""
        for effect in todo:
            match effect:
                case Send(payload):
                    kind = "text" if isinstance(payload, str) else "bytes"
                    async with asyncio.timeout(self._site.limits.write_timeout_s):
                        await send({"type": "websocket.send", kind: payload})
                case Sign():
                    todo += talk.signed(await asyncio.to_thread(talk.sign, effect))
                case Close(code, reason):
                    await send({"type": "websocket.close", "code": int(code), "reason": reason})
                    return True
        return False


class Announced(uvicorn.Server):
    """Says where it is once it listens."""

    def __init__(self, config: uvicorn.Config, site: Site, port: int) -> None:
        super().__init__(config)
        self._site = site
        self._port = port

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self._site.announce(self._port)


def main(site: Site, implementation: str) -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())  # uvicorn raises it anew when it is done
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    tls = site.tls
    config = uvicorn.Config(
        Application(site),
        loop="uvloop",
        http="httptools",
        ws=implementation,
        ws_max_size=site.limits.max_message_bytes,
        ws_ping_interval=site.limits.ping_interval_s,
        ws_ping_timeout=site.limits.ping_timeout_s,
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=1,
        ssl_context_factory=None if tls is None else lambda config, make: tls,
    )
    Announced(config, site, listener.getsockname()[1]).run([listener])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--ws", choices=IMPLEMENTATIONS, default=IMPLEMENTATIONS[0])
    options = parse_options(parser)
    with open_site(options) as opened:
        main(opened, options.ws)
