"""Streams that send at once: nothing is lost when a wait is given up, and every end is one that Trio's streams have."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from ric0_trio.transport.eager import EagerSocket, EagerStream
from ric0_trio.transport.eager_tls import EagerTls
from ric0_trio.transport.readiness import Readiness
from ric0_trio.transport.turns import Turnstile
from tests.server.conftest import tls
from tests.server.site import Tls

__all__ = ["tls"]

MORE_THAN_A_BUFFER_HOLDS = 4 * 1024 * 1024


def socket_pair() -> tuple[trio.SocketStream, EagerSocket]:
    peer, ours = socket.socketpair()
    ours.setblocking(False)
    return trio.SocketStream(trio.socket.from_stdlib_socket(peer)), EagerSocket(ours, Readiness(Turnstile()))


@asynccontextmanager
async def secure_pair(tls: Tls) -> AsyncIterator[tuple[trio.SSLStream[trio.SocketStream], EagerTls]]:
    """A client's end that has shaken hands, and the server's."""
    peer, ours = socket_pair()
    client = trio.SSLStream(peer, tls.client, server_hostname="localhost")
    server = EagerTls(ours, tls.server)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.do_handshake)
        await server.do_handshake()
    yield client, server
    await server.abort()
    await trio.aclose_forcefully(client)


def is_waiting(stream: EagerStream) -> bool:
    return not stream.is_flushed


async def receive(stream: trio.abc.ReceiveStream, count: int) -> bytes:
    received = b""
    while len(received) < count:
        received += await stream.receive_some(count - len(received))
    return received


async def check_that_nothing_is_lost(peer: trio.abc.Stream, ours: EagerStream) -> None:
    """Put more than goes out, give up waiting for it, and go on."""
    data = bytes(range(256)) * (MORE_THAN_A_BUFFER_HOLDS // 256)
    ours.put(data)
    assert is_waiting(ours)
    for _ in range(3):
        with trio.CancelScope() as scope:
            scope.cancel()
            await ours.flush()
        assert scope.cancelled_caught
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ours.flush)
        assert await receive(peer, len(data)) == data
    assert not is_waiting(ours)
    ours.put(b"more")
    assert await receive(peer, 4) == b"more"


async def test_nothing_is_lost_when_a_wait_is_given_up() -> None:
    peer, ours = socket_pair()
    await check_that_nothing_is_lost(peer, ours)
    await ours.aclose()
    assert await peer.receive_some() == b""
    await peer.aclose()


async def test_nothing_is_lost_over_tls(tls: Tls) -> None:
    async with secure_pair(tls) as (client, server):
        await check_that_nothing_is_lost(client, server)
        await client.send_all(b"x" * 100_000)
        assert await receive(server, 100_000) == b"x" * 100_000


async def test_a_peer_that_is_gone() -> None:
    peer, ours = socket_pair()
    await peer.aclose()
    assert await ours.receive_some() == b""
    with pytest.raises(trio.BrokenResourceError):
        ours.put(b"x")
    await ours.aclose()


async def test_a_stream_that_is_closed() -> None:
    peer, ours = socket_pair()
    async with trio.open_nursery() as nursery:

        async def find_it_closed() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await ours.receive_some()

        nursery.start_soon(find_it_closed)
        await trio.testing.wait_all_tasks_blocked()
        await ours.aclose()
    with pytest.raises(trio.ClosedResourceError):
        ours.put(b"x")
    with pytest.raises(trio.ClosedResourceError):
        await ours.receive_some()
    await ours.abort()
    await peer.aclose()


async def test_an_end_that_tls_says(tls: Tls) -> None:
    async with secure_pair(tls) as (client, server), trio.open_nursery() as nursery:
        nursery.start_soon(client.aclose)
        assert await server.receive_some() == b""
        await server.aclose()


async def test_an_end_that_tls_is_told(tls: Tls) -> None:
    async with secure_pair(tls) as (client, server):
        server.finish()
        assert server.is_flushed
        assert await client.receive_some() == b""


async def test_tls_that_is_cut_off(tls: Tls) -> None:
    async with secure_pair(tls) as (client, server):
        await client.transport_stream.aclose()
        with pytest.raises(trio.BrokenResourceError):
            await server.receive_some()


async def test_tls_that_is_none(tls: Tls) -> None:
    peer, ours = socket_pair()
    await peer.send_all(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(trio.BrokenResourceError):
        await EagerTls(ours, tls.server).do_handshake()
    await ours.abort()
    assert await peer.receive_some() == b""
    await peer.aclose()
