"""Faults of our own, a disk that hangs, and whoever does not wait: the store goes on, and loses no place."""

from pathlib import Path
from typing import Any

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock, wait_all_tasks_blocked

from ric0_trio.access.registrar import Registrar
from ric0_trio.access.rules import Mode, Policy, WhenExceeded
from ric0_trio.protocol import Refused, Status, Verdict
from tests.access.files import create_token, editing, events, reading
from tests.access.stage import ADMITTED, INVITE, Gate, Visitor, fingerprint, join_all, open_store, present, until

UNANSWERED = Refused(Status.UNKNOWN_ERROR)
ONE_EACH = Policy(Mode.OPEN, 1, WhenExceeded.REFUSE)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Stands before all that is decided and written."""
    gate = Gate(Registrar.admit)
    monkeypatch.setattr(Registrar, "admit", gate.before)
    return gate


# Our own


def fail(*_: Any) -> None:
    raise ValueError("a fault of ours")


async def test_a_fault_refuses_all_whom_it_concerns_and_ends_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with capture_logs() as log:
        async with open_store(path) as access:
            with monkeypatch.context() as patch:
                patch.setattr(Registrar, "admit", fail)
                assert await join_all(access, [Visitor(number) for number in range(3)]) == [UNANSWERED] * 3
                assert access.who() == []
            visitor = Visitor(1)
            await visitor.must_join(access)
            assert present(access) == [visitor.connection_id]
            await visitor.leave(access)
    assert [line["event"] for line in log] == ["access.faulty", "access.failed", "access.recovered"]
    assert isinstance(log[0]["exc_info"], ValueError)  # where it was
    assert "a fault of ours" in log[1]["error"]
    assert events(path) == ["admitted", "left"]


async def test_a_system_without_threads_is_no_fault(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_to_start(*_: Any, **__: Any) -> None:
        raise RuntimeError("can't start new thread")

    with capture_logs() as log:
        async with open_store(path) as access:
            await Visitor(1).must_join(access)
            with monkeypatch.context() as patch:
                patch.setattr(trio.to_thread, "run_sync", fail_to_start)
                assert await Visitor(2).join(access) == UNANSWERED
            await Visitor(2).must_join(access)
    assert [line["event"] for line in log] == ["access.failed", "access.recovered"]
    assert "raise this account's limit of processes" in log[0]["error"]


async def test_a_fault_over_a_note_does_not_come_back(
    path: Path, clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be written, ever, stands in nobody's way. No protocol lets a lone surrogate through; this does."""
    async with open_store(path) as access:
        odd, other = Visitor(1), Visitor(2)
        for visitor in (odd, other):
            await visitor.must_join(access)
        await odd.leave(access, "\ud800")
        clock.jump(1)
        await wait_all_tasks_blocked()
        await other.leave(access)
        await other.must_join(access)
    assert events(path, other.user) == ["admitted", "left", "admitted"]


# A disk that hangs


async def test_an_answer_that_does_not_come_is_not_waited_for(path: Path, clock: MockClock, gate: Gate) -> None:
    with editing(path) as editor:
        _, secret = create_token(editor, 1, None, "")
    with capture_logs() as log:
        async with open_store(path, INVITE) as access:
            visitor, answers = Visitor(1, token=secret), list[Verdict]()

            async def join() -> None:
                answers.append(await visitor.join(access))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(join)
                await gate.reached()
                clock.jump(10)
                await until(lambda: answers)
            assert answers == [UNANSWERED]
            assert [line["event"] for line in log] == ["access.failed"]
            assert f"{path}: it does not answer" in log[0]["error"]
            gate.open()
            await until(lambda: "admitted" in events(path))
            assert access.who() == []
            assert visitor.kicks == []
    assert events(path, visitor.user) == ["admitted", "left"]
    with reading(path) as rules:  # a membership that was written stays
        assert [use.user for use in rules.token_uses()] == [visitor.user]
        assert rules.find_member(visitor.user) is not None


async def test_a_late_answer_takes_no_place(path: Path, clock: MockClock, gate: Gate) -> None:
    async with open_store(path, ONE_EACH) as access:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Visitor(1).join, access)
            await gate.reached()
            clock.jump(10)
        gate.open()
        await until(lambda: events(path))
        second = Visitor(1)
        await second.must_join(access)
        assert present(access) == [second.connection_id]


async def test_one_who_is_gone_before_their_turn_is_not_decided_about(path: Path, gate: Gate) -> None:
    async with open_store(path) as access, trio.open_nursery() as nursery:
        nursery.start_soon(Visitor(1).must_join, access)
        await gate.reached()
        async with trio.open_nursery() as impatient:
            impatient.start_soon(Visitor(2).join, access)
            await wait_all_tasks_blocked()
            impatient.cancel_scope.cancel()
        gate.open()
    assert events(path, fingerprint(1)) == ["admitted"]
    assert events(path, fingerprint(2)) == []


@pytest.mark.usefixtures("connections")  # which closes what the store could not
async def test_a_store_closes_though_the_disk_hangs(
    path: Path, clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(fail)
    monkeypatch.setattr(Registrar, "admit", gate.before)

    async def run() -> None:
        async with open_store(path) as access:
            with trio.move_on_after(1):
                await Visitor(1).join(access)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await gate.reached()
        clock.jump(1)
        await wait_all_tasks_blocked()
        clock.jump(10)
    gate.open()


# Whoever does not wait


async def test_all_is_settled_when_all_is_cancelled(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server's calls are shielded, and the block of the store around it is not."""
    visitors, newest, answers = [Visitor(number) for number in range(3)], Visitor(3), list[Verdict]()
    gate, everything = Gate(Registrar.admit), trio.CancelScope()

    async def serve() -> None:
        with everything:
            await run()

    async def run() -> None:
        async with open_store(path) as access:
            for visitor in visitors:
                await visitor.must_join(access)
            for visitor in visitors:
                await visitor.leave(access)
            monkeypatch.setattr(Registrar, "admit", gate.after)
            with trio.CancelScope(shield=True):
                answers.append(await newest.join(access))
                await newest.leave(access)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        await gate.reached()  # all is written, and the thread has not said so
        everything.cancel()
        await wait_all_tasks_blocked()
        gate.open()
    written = events(path)
    assert (answers, written) == ([ADMITTED], ["admitted"] * 3 + ["left"] * 3 + ["admitted", "left"])
