"""Every deadline is reached, on virtual time: what a client does, and what the server then does when."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair

from ric0_trio.protocol import State
from ric0_trio.testing import CHALLENGE, CONNECT, DISCONNECT
from ric0_trio.testing.store import FakeStore
from tests.server.raw_client import HEAD, RawClient, Timeline
from tests.server.stage import make_server, memory_client

LONG_S = 990.0


async def nothing(client: RawClient) -> None:
    pass


async def ping_often(client: RawClient) -> None:
    while True:
        await trio.sleep(1.4)
        await client.ping()


async def send_every_30_s(client: RawClient) -> None:
    for _ in range(20):
        await trio.sleep(30)
        await client.send_raw(client.request(CHALLENGE | {"type": "message"}))
    await client.close()


async def challenge_at_3_s(client: RawClient) -> None:
    await trio.sleep(3)
    await client.send_raw(client.request(CHALLENGE))


async def leave_at_7_s(client: RawClient) -> None:
    await trio.sleep(7)
    await client.send_raw(client.request(DISCONNECT))


async def close_after_long(client: RawClient) -> None:
    await trio.sleep(LONG_S)
    await client.close()


@dataclass(frozen=True)
class Case:
    reaches: State
    does: Callable[[RawClient], Awaitable[None]]
    sees: Timeline
    answers_pings: bool = False
    answers_close: bool = False


CASES = {
    "silent": Case(State.OPEN, nothing, [(10, "close 1008"), (10.5, "gone")]),
    "silent, but closes well": Case(State.OPEN, nothing, [(10, "close 1008"), (10, "gone")], answers_close=True),
    "pings do not extend the time to authenticate": Case(
        State.OPEN,
        ping_often,
        [*((round(1.4 * count, 3), "pong") for count in range(1, 8)), (10, "close 1008"), (10.5, "gone")],
    ),
    "nor does a challenge": Case(State.OPEN, challenge_at_3_s, [(3, "success"), (10, "close 1008"), (10.5, "gone")]),
    "challenged": Case(State.CHALLENGED, nothing, [(10, "close 1008"), (10.5, "gone")]),
    "again after a disconnect": Case(
        State.CONNECTED, leave_at_7_s, [(7, "success"), (17, "close 1008"), (17.5, "gone")]
    ),
    "disconnected": Case(State.DISCONNECTED, nothing, [(10, "close 1008"), (10.5, "gone")]),
    "connected, and does not answer a ping": Case(
        State.CONNECTED, nothing, [(25, "ping"), (35, "close 1008"), (35.5, "gone")]
    ),
    "connected, answers pings and stays": Case(
        State.CONNECTED,
        close_after_long,
        [*((25.0 * count, "ping") for count in range(1, 40)), (LONG_S, "close 1000"), (LONG_S, "gone")],
        answers_pings=True,
    ),
    "connected, sends data but no pong, and stays": Case(
        State.CONNECTED,
        send_every_30_s,
        [*((25 + 30 * count, "ping") for count in range(20)), (600, "close 1000"), (600, "gone")],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_waits_are_bounded(case: Case, autojump_clock: MockClock) -> None:
    access = FakeStore()
    async with memory_client(make_server(access)) as client, trio.open_nursery() as nursery:
        await client.reach(case.reaches)
        nursery.start_soon(case.does, client)
        seen = await client.watch(answers_pings=case.answers_pings, answers_close=case.answers_close)
        nursery.cancel_scope.cancel()
    assert seen == case.sees
    access.check_settled(admissions=int(case.reaches in (State.CONNECTED, State.DISCONNECTED)))


@pytest.mark.parametrize("begun", [b"", HEAD[:1], HEAD[:50], HEAD[:-1]], ids=len)
async def test_a_head_is_waited_for_10_s(begun: bytes, autojump_clock: MockClock) -> None:
    async with memory_client(make_server()) as client:
        await trio.sleep(9)
        if begun:
            await client.send_raw(begun)
        assert await client.gone() == b""
    assert trio.current_time() == 10


UNREAD = {
    "a 101": (State.OPEN, HEAD, 5.0),
    "a refusal": (State.OPEN, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0.5),
    "a reply before authentication": (State.CHALLENGED, b"", 5.0),
    "a reply after authentication": (State.CONNECTED, b"", 5.0),
}


@pytest.mark.parametrize(("state", "head", "patience_s"), UNREAD.values(), ids=UNREAD)
async def test_a_client_that_does_not_read_is_given_up(
    state: State, head: bytes, patience_s: float, autojump_clock: MockClock
) -> None:
    access = FakeStore()
    server = make_server(access)
    async with memory_client(server, pair=lockstep_stream_pair) as client:
        if head:
            await client.send_raw(head)
        else:
            await client.reach(state)
            await client.send_raw(client.request(CHALLENGE))
        begin = trio.current_time()
        while server.connections:  # noqa: ASYNC110 - it has no event for this
            await trio.sleep(0.125)
        assert trio.current_time() - begin == pytest.approx(patience_s, abs=0.125)
        if not head:  # no Close frame follows a message that was cut short
            assert [what for _, what in await client.watch()] == ["success", "gone"]
    access.check_settled(admissions=int(state is State.CONNECTED))


async def test_a_user_who_is_kept_may_take_their_time(autojump_clock: MockClock) -> None:
    """Once connected, no deadline is set: an hour of pongs, and the connection still answers."""
    async with memory_client(make_server()) as client:
        await client.reach(State.CONNECTED)
        with trio.move_on_after(3610):
            await client.watch(answers_pings=True)
        assert (await client.ask(CONNECT))["status"] == "already_connected"
