"""A file that fails: nobody is let in, nothing is used up, one line in the log; and all is well when it is mended."""

import sqlite3
from contextlib import ExitStack
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from trio.testing import MockClock, wait_all_tasks_blocked

from ric0_trio.access.database import StoreError
from ric0_trio.access.notes import Notes
from ric0_trio.protocol import Refused, Status
from tests.access.failing import FAILURES, Failure
from tests.access.files import NOISE, create_token, editing, entries, events, overwrite_at, raw_connection, reading
from tests.access.stage import ADMITTED, INVITE, NOW, Visitor, fingerprint, join_all, open_store, present

Connections = list[sqlite3.Connection]

UNANSWERED = Refused(Status.UNKNOWN_ERROR)


@pytest.fixture(params=FAILURES.values(), ids=list(FAILURES))
def failure(request: pytest.FixtureRequest) -> Failure:
    chosen = request.param
    assert isinstance(chosen, Failure)
    return chosen


async def test_nobody_is_let_in_until_it_is_mended(
    path: Path, connections: Connections, clock: MockClock, failure: Failure
) -> None:
    member = Visitor(1)
    with editing(path) as editor:
        editor.add_member(member.user)
        _, secret = create_token(editor, 1, None, "")
    connections.clear()
    visitor = Visitor(2, token=secret)
    with capture_logs() as log:
        async with open_store(path, INVITE) as access:
            await member.must_join(access)
            with failure.breaks(connections[0], path):
                assert await join_all(access, [visitor, Visitor(3, token=secret)]) == [UNANSWERED] * 2
                assert await visitor.join(access) == UNANSWERED
                assert present(access) == [member.connection_id]
                await member.leave(access, "said: bye")
                clock.jump(1)  # by then, the departure would be written down
                await wait_all_tasks_blocked()
                assert access.who() == []
                assert not log or {line["event"] for line in log} == {"access.failed"}
            await visitor.must_join(access)
            assert await Visitor(3, token=secret).join(access) == Refused(Status.INVALID_JOIN_TOKEN)
            assert present(access) == [visitor.connection_id]
    failed, recovered = log
    assert (failed["event"], failed["log_level"]) == ("access.failed", "error")
    assert failure.said in failed["error"]
    assert str(path) in failed["error"]
    assert recovered["event"] == "access.recovered"
    assert secret not in repr(log)
    with reading(path) as rules:
        assert [use.user for use in rules.token_uses()] == [visitor.user]
        assert [token.used for token in rules.tokens()] == [1]
    assert [entry.event for entry in entries(path, member.user)] == ["member.added", "admitted", "left"]
    assert entries(path, member.user)[-1].detail == "said: bye"
    assert events(path, visitor.user) == ["admitted"]


async def test_each_time_of_failing_is_told_once(path: Path, connections: Connections, failure: Failure) -> None:
    with capture_logs() as log:
        async with open_store(path) as access:
            await Visitor(1).must_join(access)
            for _ in range(2):
                with failure.breaks(connections[0], path):
                    assert [await Visitor(1).join(access) for _ in range(3)] == [UNANSWERED] * 3
                    assert str(path) in (access.problem or "")
                await Visitor(1).must_join(access)
                assert access.problem is None
    assert [line["event"] for line in log] == ["access.failed", "access.recovered"] * 2


async def test_one_that_goes_on_is_told_again(path: Path, connections: Connections, clock: MockClock) -> None:
    with capture_logs() as log:
        async with open_store(path) as access:
            await Visitor(1).must_join(access)
            with FAILURES["read-only"].breaks(connections[0], path):
                for times in (1, 2, 3):
                    assert await Visitor(1).join(access) == UNANSWERED
                    assert len(log) == times
                    clock.jump(11)


async def test_rows_that_make_no_sense_concern_their_user_alone(path: Path) -> None:
    with editing(path) as editor:
        editor.add_member(fingerprint(1))
    with raw_connection(path) as connection:
        connection.execute("UPDATE member SET since = 'yesterday'")
    with capture_logs() as log:
        async with open_store(path) as access:
            for _ in range(3):
                assert await join_all(access, [Visitor(1), Visitor(2)]) == [UNANSWERED, ADMITTED]
                assert access.problem is None  # of all: the others are let in
            with raw_connection(path) as connection:
                connection.execute("UPDATE member SET since = ?", (NOW.isoformat(),))
            await Visitor(1).must_join(access)
    failed = [line for line in log if line["event"] == "access.failed"]
    assert [line["error"].startswith(f"{path}: it holds ") for line in failed] == [True]
    assert "makes no sense" in failed[0]["error"]
    assert events(path, fingerprint(1)) == ["member.added", "admitted"]


async def test_one_that_cannot_be_opened_says_so(path: Path) -> None:
    overwrite_at(path, NOISE, 0)
    with pytest.raises(StoreError, match="not a database"):
        async with open_store(path):
            pass


# Notes


def test_notes_are_bounded() -> None:
    notes = Notes()
    told = [Visitor(1).guest.entry(NOW, "left", detail=f"{number}") for number in range(20_003)]
    for entry in told:
        notes.add(entry)
    assert (len(notes), notes.lost) == (20_000, 3)
    assert notes.first(256) == told[:256]  # the oldest stay: what follows them is cut, not what was before
    notes.drop(256)
    assert notes.first(1) == [told[256]]
    notes.add(told[-1])
    assert (len(notes), notes.lost) == (19_745, 3)


async def test_departures_outlast_a_failure(path: Path, connections: Connections) -> None:
    visitors = [Visitor(number) for number in range(300)]
    async with open_store(path) as access:
        assert await join_all(access, visitors) == [ADMITTED] * 300
        with FAILURES["locked"].breaks(connections[0], path):
            for visitor in visitors:
                await visitor.leave(access, f"left as {visitor.number}")
            assert await Visitor(1).join(access) == UNANSWERED
    left = [entry for entry in entries(path) if entry.event == "left"]
    assert [(entry.user, entry.detail) for entry in left] == [
        (visitor.user, f"left as {visitor.number}") for visitor in visitors
    ]


@pytest.mark.parametrize("name", ["locked", "full", "disk fails", "read-only", "replaced"])
async def test_a_store_closes_though_nothing_can_be_written(path: Path, connections: Connections, name: str) -> None:
    with capture_logs() as log, ExitStack() as stack:
        async with open_store(path) as access:
            visitor = Visitor(1)
            await visitor.must_join(access)
            stack.enter_context(FAILURES[name].breaks(connections[0], path))
            await visitor.leave(access)
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connections[0].execute("SELECT 1")
    assert [line["event"] for line in log] == ["access.failed", "access.failed"]
    assert log[-1]["notes_lost"] == 2  # that they left, and that the server stopped
    assert events(path, visitor.user) == ["admitted"]
