"""A server on loopback sockets, and what must hold after any client has been there."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
import trio
from structlog.testing import capture_logs
from trio.testing import wait_all_tasks_blocked

from ric0_trio.access.store import OpenAccess
from ric0_trio.protocol import State
from ric0_trio.server import Server, ServerLimits, Settings
from ric0_trio.testing import SERVER_KEY, server_profile
from tests.server.raw_client import RawClient

PATIENCE_S = 10.0  # for what has no bound of its own, on a busy machine


@dataclass(frozen=True)
class Tls:
    server: ssl.SSLContext
    client: ssl.SSLContext


@dataclass
class Site:
    """Where a server listens."""

    server: Server
    port: int
    tls: Tls | None
    logs: list[structlog.typing.EventDict]

    async def socket(self) -> trio.SocketStream:
        """A TCP connection, and nothing on it."""
        return await trio.open_tcp_stream("127.0.0.1", self.port)

    async def stream(self) -> trio.abc.Stream:
        """A connection that carries bytes: over TLS, when the server has it."""
        stream = await self.socket()
        if self.tls is None:
            return stream
        tls_stream = trio.SSLStream(stream, self.tls.client, server_hostname="localhost")
        await tls_stream.do_handshake()
        return tls_stream

    async def client(self, state: State | None = None) -> RawClient:
        """A client that has reached `state`, or has not asked for a WebSocket yet."""
        client = RawClient(await self.stream())
        if state is not None:
            await client.reach(state)
        return client

    async def check_answers(self) -> None:
        """A fresh client is served as if nothing had happened."""
        client = await self.client(State.CHALLENGED)
        await client.close()
        assert await client.closing() == (1000, "")
        await trio.aclose_forcefully(client.stream)

    async def check_empty(self, within_s: float) -> None:
        """No connection is left; it is waited for."""
        with trio.fail_after(within_s):
            while self.server.connections:  # noqa: ASYNC110 - it has no event for this
                await trio.sleep(0.02)


@asynccontextmanager
async def open_site(tls: Tls | None = None, **limits: Any) -> AsyncIterator[Site]:
    """Serve while the block lasts; then see that nothing is left, and that nobody made the server fail.

    Loopback is exempt from the bounds per address, unless `limits` say otherwise.
    """
    with capture_logs() as logs, trio.fail_after(6 * PATIENCE_S):
        bounds = ServerLimits(**({"exempt_networks": ("127.0.0.0/8",)} | limits))
        settings = Settings(server_profile(), None if tls is None else tls.server, bounds)
        server = Server(settings, SERVER_KEY, OpenAccess())
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        tasks_before = trio.lowlevel.current_statistics().tasks_living
        async with trio.open_nursery() as nursery:
            await nursery.start(server.serve, listeners)
            await wait_all_tasks_blocked()
            tasks_idle = trio.lowlevel.current_statistics().tasks_living
            yield Site(server, listeners[0].socket.getsockname()[1], tls, logs)
            await wait_all_tasks_blocked()
            assert trio.lowlevel.current_statistics().tasks_living == tasks_idle
            server.stop()
        assert trio.lowlevel.current_statistics().tasks_living == tasks_before
    assert [entry for entry in logs if entry["log_level"] not in ("debug", "info")] == []
