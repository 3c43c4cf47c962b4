"""A server under attack, and what must hold after each.

`under_attack` serves on loopback sockets while its block attacks. Then it sees that the server has put all attackers
out, though none of them left; that a user who was on before is still on; that a fresh client gets through; that no task
and no file descriptor is left; that each limit counted what it refused, under its own name; and that nothing was logged
that an operator should read.
"""

import re
import socket
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
import trio
from structlog.testing import capture_logs
from trio.testing import wait_all_tasks_blocked

from ric0_trio.access.store import AccessStore, OpenAccess
from ric0_trio.protocol import Codec, State
from ric0_trio.server import Adapter, Server, ServerLimits, Settings
from ric0_trio.testing import DISCONNECT, SERVER_KEY, server_profile
from tests.hostile.aftermath import POLL_S, Refusals, Resources, check_refusals
from tests.hostile.people import PATIENCE_S, ForwardedClient, Resident
from tests.server.labels import find_unbounded
from tests.server.raw_client import HEAD, JSON, RawClient
from tests.server.site import Tls

ADAPTER = ContextVar[Adapter]("ADAPTER", default="direct")
"""What carries the WebSockets of a server `under_attack`."""

OPENED = b"HTTP/1.1 101 "
TEST_S = 60.0
QUICK = {"close_timeout_s": 0.2, "close_timeout_before_auth_s": 0.2}
"""Most attackers do not close their side."""

ATTACKER, RESIDENT, PROBE, PROXY = "127.0.0.1", "127.0.9.1", "127.0.9.2", "127.0.9.3"


async def until(condition: Callable[[], object]) -> None:
    """Wait for what has no event."""
    with trio.fail_after(PATIENCE_S):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(POLL_S)


async def ask(stream: trio.abc.Stream, head: bytes = HEAD) -> bytes:
    """What is answered to a head: nothing, when the connection is cut."""
    try:
        await stream.send_all(head)
        return bytes(await stream.receive_some())
    except trio.BrokenResourceError:
        return b""


@dataclass
class Site:
    """A server, and the ways to it."""

    server: Server
    port: int
    proxied_port: int
    tls: Tls | None
    logs: list[structlog.typing.EventDict]
    _sockets: list[trio.SocketStream] = field(default_factory=list)

    @property
    def refused(self) -> dict[str, int]:
        """How often each limit was reached."""
        return dict(self.server.refusals)

    async def socket(
        self, address: str = ATTACKER, *, proxied: bool = False, receive_buffer_bytes: int | None = None
    ) -> trio.SocketStream:
        """A TCP connection from one of many addresses, and nothing on it."""
        end = trio.socket.socket()
        stream = trio.SocketStream(end)
        self._sockets.append(stream)
        if receive_buffer_bytes is not None:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        await end.bind((address, 0))
        await end.connect(("127.0.0.1", self.proxied_port if proxied else self.port))
        return stream

    async def stream(self, address: str = ATTACKER) -> trio.abc.Stream:
        """A connection that carries bytes: over TLS, when the server has it."""
        stream = await self.socket(address)
        if self.tls is None:
            return stream
        tls = trio.SSLStream(stream, self.tls.client, server_hostname="localhost")
        await tls.do_handshake()
        return tls

    async def client(self, state: State | None = None, address: str = ATTACKER, codec: Codec = JSON) -> RawClient:
        """A client that has reached `state`, or has not asked for a WebSocket yet."""
        client = RawClient(await self.stream(address), codec)
        if state is not None:
            await client.reach(state)
        return client

    async def clients(self, number: int, state: State | None, address: str = ATTACKER) -> list[RawClient]:
        """So many of them, the oldest first."""
        return [await self.client(state, address) for _ in range(number)]

    async def forwarded(
        self, state: State, forwarded_for: str, address: str = PROXY, *, proxied: bool = True
    ) -> RawClient:
        """A client that comes through a proxy, or says that it does."""
        client = ForwardedClient(await self.socket(address, proxied=proxied), forwarded_for)
        await client.reach(state)
        return client

    def lend(self, nursery: trio.Nursery, peer: str) -> trio.SocketStream:
        """A connection that somebody else has accepted, from anywhere, and that the server serves."""
        ours, theirs = [trio.SocketStream(trio.socket.from_stdlib_socket(end)) for end in socket.socketpair()]
        self._sockets.append(ours)
        nursery.start_soon(self.server.serve_stream, theirs, peer)
        return ours

    async def knock(self, address: str = ATTACKER, head: bytes = HEAD, *, proxied: bool = False) -> bytes:
        """What a newcomer is answered: nothing, when it is cut off."""
        try:
            stream = await (self.socket(address, proxied=True) if proxied else self.stream(address))
        except trio.BrokenResourceError:
            return b""
        return await ask(stream, head)

    async def check_answers(self, address: str = PROBE) -> None:
        """A fresh client goes all the way, and leaves."""
        client = await self.client(State.CONNECTED, address)
        assert (await client.ask(DISCONNECT))["status"] == "success"
        await client.close()
        assert await client.closing() == (1000, "")
        await client.reset()

    async def connections_are(self, number: int) -> None:
        """Wait until there are so many, besides the resident."""
        await until(lambda: self.server.connections == number + 1)

    @asynccontextmanager
    async def visitors(self) -> AsyncIterator[None]:
        """Whoever comes while the block lasts is gone after it."""
        already_here = len(self._sockets)
        try:
            yield
        finally:
            for stream in self._sockets[already_here:]:
                await trio.aclose_forcefully(stream)


@asynccontextmanager
async def under_attack(
    tls: Tls | None = None,
    *,
    refuses: Refusals | None = None,
    complains: Collection[str] = (),
    access: AccessStore | None = None,
    trusted_proxies: Sequence[str] = (),
    allowed_origins: Sequence[str] = (),
    send_buffer_bytes: int | None = None,
    **limits: Any,
) -> AsyncIterator[Site]:
    """Serve while the block attacks, then see that all of the above holds.

    `refuses` are the limits that are reached, and how often; `complains` the warnings that are right.
    """
    with capture_logs() as logs, trio.fail_after(TEST_S):
        settings = Settings(
            server_profile(),
            None if tls is None else tls.server,
            ServerLimits(**(QUICK | limits)),
            trusted_proxies=trusted_proxies,
            allowed_origins=allowed_origins,
            adapter=ADAPTER.get(),
        )
        server = Server(settings, SERVER_KEY, access or OpenAccess())
        direct, proxied = [await _listen(send_buffer_bytes) for _ in range(2)]
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(server.serve, [direct], proxied=[proxied]))
            site = Site(server, _port_of(direct), _port_of(proxied), tls, logs)
            async with _resident_at(site) as resident:
                await wait_all_tasks_blocked()
                before = Resources.now()
                async with site.visitors():
                    yield site
                    await wait_all_tasks_blocked()  # whoever came is counted by now
                    await site.connections_are(0)
                await site.check_answers()
                await resident.check_is_on()
                await before.check_all_are_back()
                check_refusals(site.refused, refuses or {})
            server.stop()
    assert list(find_unbounded(server.metrics)) == []
    assert {entry["event"] for entry in logs if entry["log_level"] not in ("debug", "info")} == set(complains)


async def _listen(send_buffer_bytes: int | None) -> trio.SocketListener:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    if send_buffer_bytes is not None:  # each connection has it from its listener
        listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
    return listener


def _port_of(listener: trio.SocketListener) -> int:
    return int(listener.socket.getsockname()[1])


@asynccontextmanager
async def _resident_at(site: Site) -> AsyncIterator[Resident]:
    client = await site.client(State.CONNECTED, RESIDENT)
    resident = Resident(client)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(resident.live)
            yield resident
            nursery.cancel_scope.cancel()
    finally:
        await client.reset()


def retry_after_s(answer: bytes) -> int:
    """When a newcomer who is refused may come back."""
    refused = re.match(rb"HTTP/1\.1 503 .*\r\nRetry-After: (\d+)\r\n", answer, re.DOTALL)
    assert refused, answer
    return int(refused[1])
