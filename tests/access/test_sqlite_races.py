"""Many who ask at once: no token lets in one too many, no user has one connection too many."""

from collections import Counter
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from ric0_trio.access.rules import Mode, Policy, WhenExceeded
from ric0_trio.access.sqlite import SqliteAccess
from ric0_trio.protocol import CloseCode, Refused, Status
from tests.access.files import create_token, editing, events, reading, writing_held
from tests.access.stage import (
    ADMITTED,
    INVITE,
    NOW,
    OPEN,
    SECOND,
    HandClock,
    Visitor,
    fingerprint,
    join_all,
    open_store,
    present,
)

REFUSE, REPLACE = WhenExceeded
FULL = Refused(Status.ALREADY_CONNECTED)


def bounded(allowed: int, when: WhenExceeded) -> Policy:
    return Policy(Mode.OPEN, allowed, when)


@pytest.mark.parametrize(("uses", "asking"), [(1, 64), (7, 64), (64, 64), (100, 64), (3, 600)])
async def test_a_token_lets_in_as_many_as_it_is_for(path: Path, uses: int, asking: int) -> None:
    with editing(path) as editor:
        token, secret = create_token(editor, uses, None, "")
    visitors = [Visitor(number, token=secret) for number in range(asking)]
    async with open_store(path, INVITE) as access:
        verdicts = await join_all(access, visitors)
        admitted = [visitor for visitor, verdict in zip(visitors, verdicts, strict=True) if verdict == ADMITTED]
        assert sorted(present(access)) == sorted(visitor.connection_id for visitor in admitted)
    assert len(admitted) == min(uses, asking)
    assert {verdict for verdict in verdicts if verdict != ADMITTED} <= {Refused(Status.INVALID_JOIN_TOKEN)}
    users = {visitor.user for visitor in admitted}
    with reading(path) as rules:
        assert {member.user for member in rules.members()} == users
        assert {use.user for use in rules.token_uses(token=token.id)} == users
        assert [token.used for token in rules.tokens()] == [len(users)]
    assert Counter(events(path)) - Counter(["token.created"]) == Counter(
        {"admitted": len(users), "refused": asking - len(users)}
    )


async def test_one_user_who_asks_often_uses_a_token_once(path: Path) -> None:
    with editing(path) as editor:
        _, secret = create_token(editor, 2, None, "")
    async with open_store(path, INVITE) as access:
        assert await join_all(access, [Visitor(1, token=secret) for _ in range(64)]) == [ADMITTED] * 64
    with reading(path) as rules:
        assert [token.used for token in rules.tokens()] == [1]


@pytest.mark.parametrize("allowed", [1, 3])
async def test_refused_past_the_bound(path: Path, allowed: int) -> None:
    mine, others = [Visitor(1) for _ in range(32)], [Visitor(number) for number in range(2, 12)]
    async with open_store(path, bounded(allowed, REFUSE)) as access:
        verdicts = await join_all(access, [*mine, *others])
        assert Counter(verdicts) == {ADMITTED: allowed + 10, FULL: 32 - allowed}
        assert Counter(place.guest.fingerprint for place in access.who())[fingerprint(1)] == allowed
        assert not any(visitor.kicks for visitor in (*mine, *others))


@pytest.mark.parametrize("allowed", [1, 3])
async def test_replaced_past_the_bound(path: Path, allowed: int) -> None:
    mine, others = [Visitor(1) for _ in range(32)], [Visitor(number) for number in range(2, 12)]
    async with open_store(path, bounded(allowed, REPLACE)) as access:
        assert await join_all(access, [*mine, *others]) == [ADMITTED] * 42
        there = set(present(access))
        kept = [visitor for visitor in mine if visitor.connection_id in there]
        replaced = [visitor for visitor in mine if visitor.connection_id not in there]
        assert len(kept) == allowed
        assert not any(visitor.kicks for visitor in (*kept, *others))
        assert all(visitor.codes == [CloseCode.REPLACED] and visitor.kicks[0].reason for visitor in replaced)
        for visitor in replaced:
            await visitor.leave(access)
        assert set(present(access)) == there


async def test_the_oldest_gives_way(path: Path) -> None:
    async with open_store(path, bounded(2, REPLACE)) as access:
        visitors = [Visitor(1) for _ in range(4)]
        for visitor in visitors:
            await visitor.must_join(access)
        assert present(access) == [visitor.connection_id for visitor in visitors[2:]]
        await visitors[2].leave(access)
        await Visitor(1).must_join(access)
        assert [len(visitor.kicks) for visitor in visitors] == [1, 1, 0, 0]


async def test_a_place_counts_until_it_is_given_back(path: Path) -> None:
    async with open_store(path, bounded(1, REFUSE)) as access:
        first = Visitor(1)
        await first.must_join(access)
        assert await Visitor(1).join(access) == FULL
        await first.leave(access)
        await Visitor(1).must_join(access)
        assert await Visitor(1).join(access) == FULL


async def test_one_who_was_put_out_is_not_counted(path: Path) -> None:
    async with open_store(path, bounded(1, REFUSE)) as access:
        first = Visitor(1)
        await first.must_join(access)
        await access.kick(fingerprint(1), "", "ann")
        second = Visitor(1)
        await second.must_join(access)
        await first.leave(access)
        assert present(access) == [second.connection_id]
        assert await Visitor(1).join(access) == FULL


async def begin_to_join(access: SqliteAccess, nursery: trio.Nursery, visitor: Visitor) -> None:
    """Have it ask, and the store be at it."""
    nursery.start_soon(visitor.must_join, access)
    await wait_all_tasks_blocked()


@pytest.mark.parametrize(
    ("allowed", "leaving"), [(1, 1), (2, 1), (2, 2), (4, 1), (4, 2), (4, 3), (4, 4), (5, 2), (5, 3)]
)
async def test_nobody_gives_way_for_a_place_that_came_free_meanwhile(path: Path, allowed: int, leaving: int) -> None:
    async with open_store(path, bounded(allowed, REPLACE)) as access:
        before = [Visitor(1) for _ in range(allowed)]
        for visitor in before:
            await visitor.must_join(access)
        newest = Visitor(1)
        async with trio.open_nursery() as nursery:
            with writing_held(path):
                await begin_to_join(access, nursery, newest)
                for visitor in before[:leaving]:
                    await visitor.leave(access)
        stayed = before[leaving:]
        assert not any(visitor.kicks for visitor in before)
        assert present(access) == [visitor.connection_id for visitor in (*stayed, newest)]


async def test_a_place_is_there_since_it_was_given(path: Path) -> None:
    now = HandClock()
    async with open_store(path, OPEN, now) as access:
        async with trio.open_nursery() as nursery:
            with writing_held(path):
                await begin_to_join(access, nursery, Visitor(1))
                now.moment += SECOND
        assert [place.since for place in access.who()] == [NOW + SECOND]


async def test_one_who_is_put_out_while_asking_is_not_there(path: Path) -> None:
    async with open_store(path, bounded(1, REFUSE)) as access:
        visitor = Visitor(1)
        async with trio.open_nursery() as nursery:
            with writing_held(path):
                await begin_to_join(access, nursery, visitor)
                assert access.who() == []
                nursery.start_soon(access.kick, fingerprint(1), "", "ann")
                await visitor.is_out.wait()
                assert visitor.codes == [CloseCode.KICKED]
        assert access.who() == []
        await Visitor(1).must_join(access)
        await visitor.leave(access)
        assert len(access.who()) == 1
    assert events(path) == ["admitted", "kicked", "admitted", "left"]
