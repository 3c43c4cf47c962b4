"""Rules that change while an admission or a look at them is under way: nobody slips through, nobody is hit twice."""

from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from ric0_trio.access.audit import AuditBounds
from ric0_trio.access.records import Ruling
from ric0_trio.access.registrar import Registrar
from ric0_trio.access.rules import Policy, WhenExceeded
from ric0_trio.protocol import CloseCode, Refused, Status, Verdict
from tests.access.files import ban, editing, events, writing_held
from tests.access.stage import (
    MEMBERS,
    NOW,
    OPEN,
    Gate,
    Visitor,
    fingerprint,
    open_store,
    present,
    review,
    until,
)


async def test_a_ban_reaches_one_whose_admission_waits(path: Path) -> None:
    """Behind another's, which waits for the disk."""
    async with open_store(path) as access, trio.open_nursery() as nursery:
        first, second = Visitor(1), Visitor(2)
        answers: list[Verdict] = []

        async def join_second() -> None:
            answers.append(await second.join(access))

        with writing_held(path) as other_process:
            nursery.start_soon(first.must_join, access)
            await wait_all_tasks_blocked()
            nursery.start_soon(join_second)
            nursery.start_soon(access.refresh)
            await wait_all_tasks_blocked()
            write = "INSERT INTO ban VALUES (?, 'spam', 0, ?, NULL, 'ann')"
            other_process.execute(write, (fingerprint(2), NOW.isoformat(timespec="microseconds")))
        await until(lambda: answers)
        assert answers == [Refused(Status.DISALLOWED_USER, "spam")]
        assert present(access) == [first.connection_id]


async def test_a_ban_reaches_one_who_has_been_let_in_but_not_told_so(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules were read before the ban was made, and the answer is not there yet."""
    gate = Gate(Registrar.admit)
    monkeypatch.setattr(Registrar, "admit", gate.after)
    async with open_store(path) as access, trio.open_nursery() as nursery:
        visitor = Visitor(1)
        nursery.start_soon(visitor.must_join, access)
        await gate.reached()
        ban(path, 1)
        nursery.start_soon(access.refresh)
        await wait_all_tasks_blocked()
        gate.open()
        await visitor.is_out.wait()
        assert access.who() == []
        await visitor.leave(access)
    assert visitor.codes == [CloseCode.BANNED]
    assert events(path) == ["admitted", "user.banned", "left"]


async def test_news_are_not_lost_with_one_who_stops_waiting_for_them(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that is interrupted, say, while the thread reads the bans for it."""
    async with open_store(path) as access:
        visitor = Visitor(1)
        await visitor.must_join(access)
        ban(path, 1)
        gate = Gate(Registrar.find_bans)
        monkeypatch.setattr(Registrar, "find_bans", gate.after)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(access.refresh)
            await gate.reached()
            nursery.cancel_scope.cancel()
        gate.open()
        await access.refresh()
        assert visitor.codes == [CloseCode.BANNED]


async def test_a_review_reaches_one_whose_admission_is_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules were read before the change, and the answer is not there yet."""
    with editing(path) as editor:
        editor.add_member(fingerprint(1))
    gate = Gate(Registrar.admit)
    monkeypatch.setattr(Registrar, "admit", gate.after)
    async with open_store(path, MEMBERS) as access, trio.open_nursery() as nursery:
        visitor = Visitor(1)
        nursery.start_soon(visitor.must_join, access)
        await gate.reached()
        with editing(path) as editor:
            editor.remove_member(fingerprint(1))
        nursery.start_soon(review, access)
        await wait_all_tasks_blocked()
        gate.open()
        await visitor.is_out.wait()
    assert visitor.codes == [CloseCode.KICKED]


async def test_another_policy_meanwhile_puts_out_no_more_than_was_decided(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(path, Policy(connections_per_user=2, when_exceeded=WhenExceeded.REPLACE)) as access:
        visitors = [Visitor(1) for _ in range(3)]
        for visitor in visitors[:2]:
            await visitor.must_join(access)
        gate = Gate(Registrar.admit)
        monkeypatch.setattr(Registrar, "admit", gate.after)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(visitors[2].must_join, access)
            await gate.reached()
            access.change(OPEN, AuditBounds())
            gate.open()
        assert [visitor.codes for visitor in visitors] == [[CloseCode.REPLACED], [], []]


async def test_one_who_leaves_during_a_review_is_not_put_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, closed = Gate(Registrar.review), list[int]()
    monkeypatch.setattr(Registrar, "review", gate.after)
    async with open_store(path) as access, trio.open_nursery() as nursery:
        visitor = Visitor(1)
        await visitor.must_join(access)
        with editing(path) as editor:
            editor.set_client_default(Ruling.DENY)

        async def count_closed() -> None:
            closed.append(await review(access))

        nursery.start_soon(count_closed)
        await gate.reached()
        await visitor.leave(access)
        gate.open()
    assert closed == [0]
    assert visitor.kicks == []
