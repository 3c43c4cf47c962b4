"""A reference server on a socket of this machine, for as long as a block lasts."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from tests.conform.reference.server import HONEST, Parts, ReferenceServer
from tests.independent.keys import UserKey


@asynccontextmanager
async def running(key: UserKey, parts: Parts = HONEST, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Give the URL; with a `context` it speaks TLS, for `localhost`."""
    server = ReferenceServer(key, parts)

    async def handle(stream: trio.SocketStream) -> None:
        stream_or_tls: trio.abc.Stream = stream
        if context is not None:
            stream_or_tls = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        await server.handle(stream_or_tls)

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        yield f"ws://127.0.0.1:{port}/ric0_chat" if context is None else f"wss://localhost:{port}/ric0_chat"
        nursery.cancel_scope.cancel()
