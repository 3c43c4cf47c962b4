"""A server that stops takes leave of every client, wherever it stands, and then is gone."""

import socket
from contextlib import AsyncExitStack
from typing import Any

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked
from wsproto.events import CloseConnection

from ric0_trio.protocol import State
from ric0_trio.testing import CONNECT
from ric0_trio.testing.store import FakeStore
from tests.server.listener import AcceptedStream, MemoryListener, as_sockets
from tests.server.raw_client import HEAD, RawClient, Timeline, server_close_frame
from tests.server.stage import ALL_STATES, make_server, memory_client

PLACES: dict[str, tuple[State | bytes, bool, Timeline]] = {
    "nothing sent": (b"", False, [(1, "gone")]),
    "half a head": (HEAD[:40], False, [(1, "gone")]),
    **{state.value: (state, True, [(1, "close 1001"), (1, "gone")]) for state in ALL_STATES},
    **{
        f"{state.value}, and does not answer": (state, False, [(1, "close 1001"), (patience_s, "gone")])
        for state, patience_s in zip(ALL_STATES, (1.5, 1.5, 6, 1.5), strict=True)
    },
}


async def reach(client: RawClient, place: State | bytes) -> None:
    if isinstance(place, State):
        await client.reach(place)
    elif place:
        await client.send_raw(place)


@pytest.mark.parametrize(("place", "answers", "sees"), PLACES.values(), ids=PLACES)
async def test_stop_closes_with_1001(
    place: State | bytes, answers: bool, sees: Timeline, autojump_clock: MockClock
) -> None:
    access, listener = FakeStore(), MemoryListener()
    server = make_server(access)
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, as_sockets(listener))
        client = RawClient(listener.connect())
        await reach(client, place)
        await trio.sleep(1)
        server.stop()
        if isinstance(place, State):
            assert await client.watch(answers_close=answers) == sees
        else:
            assert await client.gone() == b""
        assert trio.current_time() == sees[-1][0]
    assert server.connections == 0
    assert listener.closed
    access.check_settled(admissions=int(place in (State.CONNECTED, State.DISCONNECTED)))


@pytest.mark.parametrize("turns", range(6))
async def test_a_client_accepted_while_it_stops_is_not_forgotten(turns: int, autojump_clock: MockClock) -> None:
    listener = MemoryListener()
    server = make_server()
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, as_sockets(listener))
        await wait_all_tasks_blocked()
        listener.connect()
        for _ in range(turns):
            await trio.lowlevel.checkpoint()
        server.stop()
    assert trio.current_time() == 0


class SocketLike(AcceptedStream):
    """Lets others run when it has sent, as a socket does."""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await super().send_all(data)
        await trio.lowlevel.cancel_shielded_checkpoint()


def socket_like_pair() -> tuple[trio.abc.Stream, trio.abc.Stream]:
    ours, theirs = memory_stream_pair()
    return ours, SocketLike(theirs, None)


@pytest.mark.parametrize("turns", range(16))
async def test_whoever_has_the_101_is_told(turns: int, autojump_clock: MockClock) -> None:
    server = make_server()
    async with memory_client(server, pair=socket_like_pair) as client:
        await client.send_raw(HEAD)
        for _ in range(turns):
            await trio.lowlevel.checkpoint()
        server.stop()
        received = await client.gone()
    assert not received or received.endswith(server_close_frame(1001, "the server is going away"))


async def test_stop_reaches_streams_served_for_other_listeners(autojump_clock: MockClock) -> None:
    server = make_server()
    async with memory_client(server) as client, memory_client(server) as idle:
        await client.reach(State.CONNECTED)
        server.stop()
        assert await client.watch(answers_close=True) == [(0, "close 1001"), (0, "gone")]
        assert await idle.gone() == b""
        async with memory_client(server) as late:
            assert await late.gone() == b""


async def test_whoever_is_there_when_it_is_cancelled_is_told() -> None:
    server = make_server()
    ours, theirs = [trio.SocketStream(trio.socket.from_stdlib_socket(end)) for end in socket.socketpair()]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.serve_stream, theirs, "socket")
        client = RawClient(ours)
        await client.reach(State.CONNECTED)
        nursery.cancel_scope.cancel()
    assert (await client.gone()).endswith(server_close_frame(1001, "the server is going away"))
    await ours.aclose()


async def test_a_store_that_keeps_a_stopping_server_waiting(autojump_clock: MockClock) -> None:
    """What a store was asked is waited for, past the drain's end: its contract is to answer."""
    access, listener = FakeStore(holds=True), MemoryListener()
    server = make_server(access)
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, as_sockets(listener))
        client = RawClient(listener.connect())
        await client.reach(State.CHALLENGED)
        await client.send_raw(client.request(CONNECT))
        await access.asked.wait()
        server.stop()
        assert await client.watch() == [(0, "close 1001"), (0.5, "gone")]
        await trio.sleep(100)
        assert server.connections == 1
        access.may_answer.set()
    access.check_settled()


async def test_the_drain_ends_after_drain_timeout_s(autojump_clock: MockClock) -> None:
    access, listener = FakeStore(), MemoryListener()
    server = make_server(access, drain_timeout_s=3, close_timeout_s=60)
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, as_sockets(listener))
        client = RawClient(listener.connect())
        await client.reach(State.CONNECTED)
        server.stop()
        assert await client.watch() == [(0, "close 1001"), (3, "gone")]
    access.check_settled()


@pytest.mark.parametrize("state", ALL_STATES)
async def test_a_cancelled_server_is_gone_at_once(state: State, autojump_clock: MockClock) -> None:
    access, listener = FakeStore(), MemoryListener()
    server = make_server(access)
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, as_sockets(listener))
        client = RawClient(listener.connect())
        await client.reach(state)
        nursery.cancel_scope.cancel()
    assert trio.current_time() == 0
    assert await client.gone() == b""
    assert (server.connections, listener.closed) == (0, True)
    access.check_settled(admissions=int(state in (State.CONNECTED, State.DISCONNECTED)))


@pytest.mark.parametrize(("users", "drain_timeout_s", "last_s"), [(1, 30, 0), (21, 30, 0.2), (101, 1, 0.5 * 100 / 101)])
async def test_users_are_told_one_after_another(
    users: int, drain_timeout_s: float, last_s: float, autojump_clock: MockClock
) -> None:
    """A hundred a second, or all in half of the drain: they will come back, and not all at once."""
    many: dict[str, Any] = {"connections_per_address": 1000, "new_connections_per_address_per_min": 1000}
    server = make_server(drain_timeout_s=drain_timeout_s, **many)
    told_at: list[float] = []

    async def live(client: RawClient) -> None:
        assert await client.closing() == (1001, "the server is going away")
        told_at.append(trio.current_time())

    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(users):
            clients.append(await stack.enter_async_context(memory_client(server)))
            await clients[-1].reach(State.CONNECTED)
        async with memory_client(server) as stranger, trio.open_nursery() as nursery:
            await stranger.upgrade()
            for client in (*clients, stranger):
                nursery.start_soon(live, client)
            await wait_all_tasks_blocked()
            server.stop()
    assert len(told_at) == users + 1
    assert told_at[0] == told_at[1] == 0  # the stranger, and the first user
    assert told_at[-1] == pytest.approx(last_s)
    assert len(set(told_at)) == users


async def test_a_user_who_is_not_told_yet_is_served(autojump_clock: MockClock) -> None:
    server = make_server()
    async with memory_client(server) as one, memory_client(server) as other:
        for client in (one, other):
            await client.reach(State.CONNECTED)
        server.stop()
        await trio.sleep(0.005)
        replies, closes = 0, 0
        for client in (one, other):
            await client.send_raw(client.request(CONNECT))
            match await client.next_event():
                case CloseConnection():
                    closes += 1
                case _:
                    replies += 1
        assert (replies, closes) == (1, 1)
