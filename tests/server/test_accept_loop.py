"""The accept loop outlives a machine that is out of room, and lets in no more than it may."""

import errno

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock, wait_all_tasks_blocked

from ric0_trio.protocol import State
from tests.server.listener import MemoryListener, as_sockets
from tests.server.raw_client import RawClient
from tests.server.stage import make_server

OUT_OF_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


@pytest.mark.parametrize("number", OUT_OF_ROOM, ids=errno.errorcode.__getitem__)
async def test_accepting_goes_on_when_there_is_room_again(number: int, autojump_clock: MockClock) -> None:
    listener, server = MemoryListener(), make_server(max_connections=1)
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            await nursery.start(server.serve, as_sockets(listener))
            for _ in range(5):
                listener.fail(OSError(number, "no room"))
            client = RawClient(listener.connect())
            await client.reach(State.CHALLENGED)
            assert trio.current_time() == pytest.approx(0.5)  # it paused after each
            nursery.cancel_scope.cancel()
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["server.out_of_resources"] * 5


async def test_a_listener_that_is_broken_ends_the_server(autojump_clock: MockClock) -> None:
    listener, server = MemoryListener(), make_server()
    with pytest.RaisesGroup(OSError, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            listener.fail(OSError(errno.EBADF, "not a socket any more"))
            await server.serve(as_sockets(listener))
            nursery.cancel_scope.cancel()
    assert listener.closed


async def test_a_server_is_served_once() -> None:
    server = make_server()
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, [])
        with pytest.raises(RuntimeError, match="serving already"):
            await server.serve([])
        server.stop()


async def test_no_more_than_max_connections_are_served(autojump_clock: MockClock) -> None:
    listener, server = MemoryListener(), make_server(max_connections=3)
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, as_sockets(listener))
        clients = []
        for _ in range(3):
            clients.append(RawClient(listener.connect()))
            await clients[-1].reach(State.CONNECTED)
        refused = await RawClient(listener.connect()).gone()
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 5\r\n" in refused
        assert server.refusals == {"max_connections": 1}
        await clients[0].reset()
        await wait_all_tasks_blocked()
        await RawClient(listener.connect()).reach(State.CHALLENGED)
        nursery.cancel_scope.cancel()


PEERS: dict[str, tuple[object, str]] = {
    "IPv4": (("198.51.100.7", 50_000), "198.51.100.7"),
    "IPv4 in IPv6": (("::ffff:198.51.100.7", 50_000, 0, 0), "198.51.100.7"),
    "IPv6": (("2001:db8::7", 50_000, 0, 0), "2001:db8::7"),
    "IPv6 with a zone": (("fe80::1%lo", 50_000, 0, 1), "fe80::1"),
    "gone already": (OSError(errno.ENOTCONN, "not connected"), "unknown"),
    "a unix socket": ("", "unix"),
}


@pytest.mark.parametrize(("name", "shown"), PEERS.values(), ids=PEERS)
async def test_the_log_says_who_is_there(name: object, shown: str, autojump_clock: MockClock) -> None:
    listener, server = MemoryListener(), make_server()
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            await nursery.start(server.serve, as_sockets(listener))
            client = RawClient(listener.connect(name))
            await client.reach(State.CHALLENGED)
            nursery.cancel_scope.cancel()
    assert {entry["peer"] for entry in logs} == {shown}


class FaultyStream(trio.abc.Stream):
    """What no stream should do: it fails in a way that nobody expects."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        raise RuntimeError("a fault")

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        raise RuntimeError("a fault")

    async def wait_send_all_might_not_block(self) -> None:
        raise RuntimeError("a fault")

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("refusals", [0, 1], ids=["let in", "turned away"])
async def test_a_fault_in_serving_one_client_is_not_the_servers(refusals: int, autojump_clock: MockClock) -> None:
    server = make_server(new_connections_per_address_per_min=1)
    with capture_logs() as logs:
        for _ in range(refusals + 1):
            await server.serve_stream(FaultyStream(), "192.0.2.1")
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["connection.failed"] * (refusals + 1)
    assert server.connections == 0
    assert sum(server.refusals.values()) == refusals
