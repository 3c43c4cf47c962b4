"""The audit: added to, bounded in age and in count, and read."""

from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from ric0_trio.access import audit
from ric0_trio.access.audit import AuditBounds
from ric0_trio.access.records import Entry, Topic
from ric0_trio.access.registrar import Registrar
from ric0_trio.access.rulebook import Rulebook
from tests.access.files import entries, opened
from tests.access.stage import DAY, NOW, OPEN, OPERATOR, SECOND, Visitor, fingerprint, join_all, open_store, until

CHANGE, SESSION, REFUSAL = Topic


def entry(detail: str, topic: Topic = CHANGE, at: datetime = NOW, user: int = 1) -> Entry:
    return Entry(at=at, topic=topic, event="event", actor=OPERATOR, user=fingerprint(user), detail=detail)


def kept(path: Path, found: list[Entry], bounds: AuditBounds, now: datetime = NOW) -> list[Entry]:
    """What is left of entries, in a file of their own."""
    with opened(path) as database, database.transaction() as connection:
        connection.execute("DELETE FROM audit")
        audit.append(connection, found)
        while audit.prune(connection, bounds, now):
            pass
        return list(Rulebook(connection).find_entries())


def test_an_entry_reads_back_whole(path: Path) -> None:
    whole = Entry(
        at=NOW,
        topic=REFUSAL,
        event="refused",
        actor="server",
        user=fingerprint(1),
        name="Zoë",
        client="App 1.0.0",
        peer="192.0.2.1",
        status="disallowed_user",
        detail="banned",
    )
    least = Entry(at=NOW + SECOND, topic=CHANGE, event="client.default", actor=OPERATOR)
    assert kept(path, [whole, least], AuditBounds()) == [whole, least]


# Bounds


def test_what_is_too_old_is_dropped(path: Path) -> None:
    found = [entry(f"{days}", at=NOW - days * DAY) for days in (100, 31, 30, 29, 0)]
    assert kept(path, found, AuditBounds(max_age_days=30)) == found[2:]


def test_of_each_topic_the_newest_are_kept(path: Path) -> None:
    found = [entry(f"{topic} {number}", topic) for number in range(5) for topic in Topic]
    assert kept(path, found, AuditBounds(max_entries=2)) == found[-6:]


def test_refusals_push_out_nothing_else(path: Path) -> None:
    precious = [entry("a rule was changed", CHANGE), entry("somebody came", SESSION)]
    flood = [entry(f"{number}", REFUSAL) for number in range(100)]
    assert kept(path, [*precious, *flood], AuditBounds(max_entries=3)) == [*precious, *flood[-3:]]


def test_the_bounds_hold_whatever_comes(path: Path) -> None:
    @given(st.lists(st.tuples(st.sampled_from(Topic), st.integers(0, 5)), max_size=30), st.integers(1, 5))
    def hold(told: list[tuple[Topic, int]], most: int) -> None:
        found = [entry(f"{number}", topic, NOW - age * DAY) for number, (topic, age) in enumerate(told)]
        left = kept(path, found, AuditBounds(max_age_days=3, max_entries=most))
        young = [each for each in found if each.at >= NOW - 3 * DAY]
        newest = [each for topic in Topic for each in [one for one in young if one.topic is topic][-most:]]
        assert sorted(left, key=found.index) == sorted(newest, key=found.index)

    hold()


def test_much_is_dropped_in_several_rounds(path: Path) -> None:
    """Others can write between them."""
    found = [entry(f"{number}", at=NOW - (number < 2500) * DAY) for number in range(4000)]
    bounds = AuditBounds(max_age_days=1, max_entries=10)
    later = NOW + SECOND
    with opened(path) as database:
        with database.transaction() as connection:
            audit.append(connection, found)
        registrar, left = Registrar(database, OPEN, bounds), [4000]
        while registrar.prune(later):
            left.append(len(entries(path)))
    assert len(left) > 2
    assert min(before - after for before, after in pairwise(left)) >= 1000
    assert entries(path) == found[-10:]


async def test_a_store_keeps_the_bounds(path: Path, clock: MockClock) -> None:
    async with open_store(path, bounds=AuditBounds(max_entries=10)) as access:
        await join_all(access, [Visitor(number) for number in range(50)])
        clock.jump(60)
        await until(lambda: len(entries(path)) <= 10)
    assert len(entries(path)) <= 10


# Reading


FOUND = [entry(f"{number}", at=NOW + number * SECOND, user=number % 3) for number in range(9)]


@pytest.mark.parametrize(
    ("since", "user", "last", "numbers"),
    [
        (None, None, -1, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (None, None, 9, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (None, None, 10, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (None, None, 8, [1, 2, 3, 4, 5, 6, 7, 8]),
        (None, None, 1, [8]),
        (5, None, 100, [5, 6, 7, 8]),
        (5, None, 3, [6, 7, 8]),
        (9, None, 100, []),
        (None, 1, -1, [1, 4, 7]),
        (None, 1, 3, [1, 4, 7]),
        (None, 1, 2, [4, 7]),
        (None, 9, -1, []),
        (4, 1, -1, [4, 7]),
        (4, 1, 1, [7]),
        (8, 1, 1, []),
    ],
)
def test_the_newest_that_fit_are_read_oldest_first(
    path: Path, since: int | None, user: int | None, last: int, numbers: list[int]
) -> None:
    with opened(path) as database, database.transaction() as connection:
        audit.append(connection, FOUND)
        found = Rulebook(connection).find_entries(
            since=None if since is None else NOW + since * SECOND,
            user=None if user is None else fingerprint(user),
            last=last,
        )
        assert [each.detail for each in found] == [str(number) for number in numbers]
