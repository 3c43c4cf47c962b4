"""A reference server on a socket of this machine, for as long as a block lasts."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from tests.conform.reference.server import HONEST, Parts, ReferenceServer
from tests.independent.keys import UserKey


@asynccontextmanager
async def running(key: UserKey, parts: Parts = HONEST, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Give the URL; with a `context` it speaks TLS."""
    server = ReferenceServer(key, parts, context)
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    address = f"127.0.0.1:{listener.socket.getsockname()[1]}/ric0_chat"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, server.handle, [listener])
        yield f"ws://{address}" if context is None else f"wss://{address}"
        nursery.cancel_scope.cancel()
