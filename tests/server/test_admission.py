"""An access store that takes its time, or fails: whatever happens meanwhile, no place is lost and none is left over."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from ric0_trio.protocol import CloseCode, Kick, Refused, State, Status
from ric0_trio.server.connection import Connection
from ric0_trio.testing import ADMITTED, CHALLENGE, CONNECT, DISCONNECT, Plain
from ric0_trio.testing.store import FakeStore
from tests.server.raw_client import RawClient, Timeline
from tests.server.stage import make_connection, make_server, memory_client

EVENT_S = 2.0
LATE_S = 60.0
REFUSED = Refused(Status.UNRECOGNISED_USER)

Event = Callable[[RawClient, Connection], Awaitable[None]]


async def nothing(client: RawClient, connection: Connection) -> None:
    pass


async def leave_well(client: RawClient, connection: Connection) -> None:
    await client.close()


async def leave_in_silence(client: RawClient, connection: Connection) -> None:
    await client.reset()


async def be_kicked(client: RawClient, connection: Connection) -> None:
    connection.kick(Kick(CloseCode.KICKED, "out"))


async def see_a_shutdown(client: RawClient, connection: Connection) -> None:
    connection.shutdown(trio.current_time())


async def talk_on(client: RawClient, connection: Connection) -> None:
    for _ in range(5):
        await client.send_raw(client.request(CHALLENGE))


async def send_an_empty_message(client: RawClient, connection: Connection) -> None:
    await client.send("")


@dataclass(frozen=True)
class Case:
    """What happens 2 s after the store was asked, when the store answers, and what the client sees."""

    happens: Event
    verdict_s: float
    sees: Timeline
    verdict: Refused | None = None


KICKED: Timeline = [(2, "close 4002"), (2.5, "gone")]
LEFT_BY_SERVER: Timeline = [(2, "close 1001"), (2.5, "gone")]
TOO_LATE: Timeline = [(5, "unknown_error"), (5, "close 1011"), (5.5, "gone")]
CASES = {
    "nothing, and the store is too late": Case(nothing, LATE_S, TOO_LATE),
    "nothing, and the store is too late to refuse": Case(nothing, LATE_S, TOO_LATE, REFUSED),
    "nothing, and the store answers while its client is told": Case(nothing, 5.25, TOO_LATE),
    "a kick": Case(be_kicked, LATE_S, KICKED),
    "a kick, and a refusal later": Case(be_kicked, LATE_S, KICKED, REFUSED),
    "a kick, and the verdict at once": Case(be_kicked, EVENT_S, KICKED),
    "a kick, and the verdict in the closing handshake": Case(be_kicked, 2.25, KICKED),
    "a shutdown": Case(see_a_shutdown, LATE_S, LEFT_BY_SERVER),
    "a shutdown, and a refusal later": Case(see_a_shutdown, LATE_S, LEFT_BY_SERVER, REFUSED),
    "the client closes": Case(leave_well, 4, [(2, "close 1000"), (2, "gone")]),
    "the client closes, and the store is too late": Case(leave_well, LATE_S, [(2, "close 1000"), (2, "gone")]),
    "the client sends a message of no bytes": Case(
        send_an_empty_message, 4, [(4, "success"), (4, "close 1007"), (9, "gone")]
    ),
    "the client talks on": Case(
        talk_on, 4, [(4, "success"), (4, "success"), (4, "success"), (4, "close 1008"), (9, "gone")]
    ),
}


async def come_to_the_question(
    nursery: trio.Nursery, client: RawClient, connection: Connection, access: FakeStore
) -> None:
    """The connection runs, and its store has been asked who may join."""
    nursery.start_soon(connection.run)
    await client.reach(State.CHALLENGED)
    await client.send_raw(client.request(CONNECT))
    await access.asked.wait()


async def play(happens: Event, client: RawClient, connection: Connection) -> None:
    await trio.sleep_until(EVENT_S)
    await happens(client, connection)


async def answer_at(moment_s: float, access: FakeStore) -> None:
    await trio.sleep_until(moment_s)
    access.may_answer.set()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_while_the_store_thinks(case: Case, autojump_clock: MockClock) -> None:
    access = FakeStore(case.verdict or ADMITTED, holds=True)
    client, connection = make_connection(access)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        await client.reach(State.CHALLENGED)
        await client.send_raw(client.request(CONNECT))
        nursery.start_soon(play, case.happens, client, connection)
        nursery.start_soon(answer_at, case.verdict_s, access)
        assert await client.watch() == case.sees
    access.check_settled(admissions=int(case.verdict is None))


async def test_a_client_that_is_gone_gives_its_place_back(autojump_clock: MockClock) -> None:
    access = FakeStore(holds=True)
    async with memory_client(make_server(access)) as client:
        await client.reach(State.CHALLENGED)
        await client.send_raw(client.request(CONNECT))
        await access.asked.wait()
        await client.reset()
        access.may_answer.set()
    access.check_settled()


async def test_a_verdict_in_time_counts_however_slow(autojump_clock: MockClock) -> None:
    """The deadline to authenticate stands still meanwhile: 6 s, a question of 4.9 s, and 3 s more are within 10 s."""
    access = FakeStore(REFUSED, holds=True)
    async with memory_client(make_server(access)) as client, trio.open_nursery() as nursery:
        await client.reach(State.CHALLENGED)
        await trio.sleep(6)
        await client.send_raw(client.request(CONNECT))
        nursery.start_soon(answer_at, 10.9, access)
        assert (await client.receive())["status"] == "unrecognised_user"
        await trio.sleep(3)
        assert (await client.ask(CONNECT))["status"] == "unrecognised_user"
        assert await client.watch() == [(14.9, "close 1008"), (15.4, "gone")]
    access.check_settled(admissions=0)


async def test_a_hard_cancel_waits_for_the_verdict_and_gives_the_place_back(autojump_clock: MockClock) -> None:
    access = FakeStore(holds=True)
    client, connection = make_connection(access)
    async with trio.open_nursery() as nursery:
        await come_to_the_question(nursery, client, connection, access)
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            assert [what for _, what in await client.watch()] == ["gone"]
            await trio.sleep(LATE_S)
            access.may_answer.set()
    access.check_settled()


async def test_a_store_that_raises_after_a_hard_cancel_is_logged_as_well(autojump_clock: MockClock) -> None:
    access = FakeStore(holds=True)
    ours, theirs = memory_stream_pair()
    client, server = RawClient(ours), make_server(access)
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.serve_stream, theirs, "memory")
            await client.reach(State.CHALLENGED)
            access.fault = OSError("the disk is full")
            await client.send_raw(client.request(CONNECT))
            await access.asked.wait()
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                await client.gone()
                access.may_answer.set()
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["connection.failed"]


FAULTS: dict[str, tuple[State, Plain, float, Timeline]] = {
    "at once": (State.CHALLENGED, CONNECT, 0, [(0, "close 1011"), (0.5, "gone")]),
    "while its client is told of it": (State.CHALLENGED, CONNECT, 5.25, [*TOO_LATE[:2], (5.25, "gone")]),
    "when nobody waits any more": (State.CHALLENGED, CONNECT, 8, TOO_LATE),
    "when it takes a place back": (State.CONNECTED, DISCONNECT, 0, [(0, "close 1011"), (0.5, "gone")]),
}


@pytest.mark.parametrize(("state", "asked", "raises_s", "sees"), FAULTS.values(), ids=FAULTS)
async def test_a_store_that_raises_fails_one_connection(
    state: State, asked: Plain, raises_s: float, sees: Timeline, autojump_clock: MockClock
) -> None:
    access = FakeStore(holds=True)
    server = make_server(access)
    with capture_logs() as logs:
        async with memory_client(server) as other, memory_client(server) as client, trio.open_nursery() as nursery:
            await other.reach(State.OPEN)
            if state is State.CONNECTED:
                access.may_answer.set()
            await client.reach(state)
            access.fault = OSError("the disk is full")
            await client.send_raw(client.request(asked))
            nursery.start_soon(answer_at, raises_s, access)
            assert await client.watch() == sees
            assert (await other.ask(CHALLENGE))["status"] == "success"
            await trio.sleep_until(raises_s)
            await wait_all_tasks_blocked()
            assert server.connections == 1
    (failure,) = [entry for entry in logs if entry["log_level"] == "error"]
    assert failure["event"] == "connection.failed"


async def test_a_store_that_blocks_past_the_limit_loses_no_place(autojump_clock: MockClock) -> None:
    """The verdict and the deadline come in one turn of the event loop."""
    access = FakeStore(holds=True)
    client, connection = make_connection(access)
    async with trio.open_nursery() as nursery:
        await come_to_the_question(nursery, client, connection, access)
        await wait_all_tasks_blocked()
        access.may_answer.set()
        autojump_clock.jump(5.0)
        assert (await client.receive())["status"] == "unknown_error"
        assert (await client.closing())[0] == 1011
    access.check_settled()


async def test_the_first_order_counts(autojump_clock: MockClock) -> None:
    """A ban is not undone by a shutdown: after 1001 the client may come back."""
    access = FakeStore()
    client, connection = make_connection(access)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        await client.reach(State.CONNECTED)
        connection.kick(Kick(CloseCode.BANNED, "for good"))
        connection.shutdown(trio.current_time())
        assert await client.closing() == (4001, "for good")
    access.check_settled()


async def test_the_log_names_a_user_only_while_it_is_theirs(autojump_clock: MockClock) -> None:
    access = FakeStore()
    client, connection = make_connection(access)
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            await client.reach(State.DISCONNECTED)
            access.verdict = REFUSED
            assert (await client.ask(CONNECT))["status"] == "unrecognised_user"
            assert (await client.ask(CHALLENGE))["status"] == "success"
            await client.reset()
    named = {entry["event"] for entry in logs if entry.get("user")}
    assert named == {"connect.admitted", "session.left", "connect.refused"}
    assert [entry["event"] for entry in logs if not entry.get("user")].count("challenge.answered") == 2
