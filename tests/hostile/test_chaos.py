"""A short run of `tests.hostile.chaos`, and proof that it sees what it looks for. As a command it goes on for long."""

import math
import random
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
import trio

from tests.hostile.chaos import Chaos, Ending, plan, wreak
from tests.hostile.chaos_checks import find_problems, sum_up
from tests.hostile.chaos_host import Host, Life
from tests.hostile.chaos_ledger import GHOST_S, Ledger, Snapshot
from tests.hostile.chaos_people import Invitation, Session, User, make_key
from tests.hostile.chaos_report import report

GOOD, BAD = 40, 10
SECONDS = 7.0
KILL = Ending(3.5, "on an answer")


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory) -> Chaos:
    folder = tmp_path_factory.mktemp("chaos")
    return wreak(folder, SECONDS, seed=1, good=GOOD, bad=BAD, endings=[KILL])


def test_a_server_that_is_attacked_and_killed_keeps_what_it_said_and_serves_who_behaves(chaos: Chaos) -> None:
    told = report(chaos)
    assert not chaos.violations, told
    assert [life.how for life in chaos.host.lives] == ["killed", "stopped"]
    assert chaos.host.life in chaos.watch.all_back_s, told
    assert chaos.ledger.counts["success"] >= GOOD, told
    assert chaos.ledger.counts["joined"] >= GOOD, told
    assert chaos.deeds.begun.total() >= BAD, told
    assert len(chaos.deeds.landed) > 3, told
    assert chaos.ledger.counts["snapshots"] > 0, told
    assert told.endswith("\n0 violations")


def test_a_long_run_has_kills_and_stops_in_their_order() -> None:
    endings = plan(600, 10, seed=1)
    assert endings == sorted(endings) == plan(600, 10, seed=1)
    assert {ending.how for ending in endings} == {"stop", "on an answer", "at any moment"}
    assert endings[-1].at_s < 600


# What it sees in a store

A_MEMBER = """(SELECT user FROM token_use WHERE name LIKE 'regular %'
AND user NOT IN (SELECT user FROM audit WHERE event IN ('kicked', 'user.banned')) ORDER BY id LIMIT 1)"""
"""Whom the operator has never dealt with."""
SPOILED = {
    "lost: regular": "DELETE FROM member WHERE user = A_MEMBER",
    "times; the audit has 0": "DELETE FROM audit WHERE event = 'admitted' AND user = A_MEMBER",
    "in good time; the audit has 0": "DELETE FROM audit WHERE event = 'left'",
    "two connections of one user at once": (
        "INSERT INTO audit (at, topic, event, actor, user) SELECT at, topic, event, actor, user FROM audit"
        " WHERE event = 'admitted' AND user = A_MEMBER ORDER BY id LIMIT 1"
    ),
    "a member who was never told so": "INSERT INTO member (user, since, made_by) VALUES ('x', '', 'nobody')",
    "lost: token 1": "UPDATE token SET uses = uses + 1 WHERE id = 1",
    "a token made members without being spent": "UPDATE token SET used = used - 1 WHERE id = 1",
    "lost: the end of the ban of regular": (
        "INSERT INTO ban (user, reason, is_silent, since, made_by) SELECT A_MEMBER, '', 0, '', ''"
    ),
    "lost: the revocation of token": "UPDATE token SET revoked = CASE WHEN revoked IS NULL THEN '' END",
}


@pytest.mark.parametrize("problem", SPOILED)
def test_a_store_that_is_spoiled_is_found(chaos: Chaos, problem: str, tmp_path: Path) -> None:
    copy = Path(shutil.copyfile(chaos.host.folder / "at-the-end.sqlite3", tmp_path / "copy.sqlite3"))
    told = sum_up(chaos.ledger, math.inf)
    assert list(find_problems(copy, told, is_final=True)) == []
    with closing(sqlite3.connect(copy)) as connection:
        connection.executescript(SPOILED[problem].replace("A_MEMBER", A_MEMBER))
    assert problem in "\n".join(find_problems(copy, told, is_final=True))


# What it hears


def join(ledger: Ledger, user: User, status: str = "success") -> Session | None:
    with ledger.asking(user, brings_token=user.invitation is not None) as attempt:
        attempt.status = status
    return attempt.session


def leave(ledger: Ledger, session: Session | None) -> None:
    assert session is not None
    ledger.end(session, politely=True)


def two_users(ledger: Ledger, ann: User, bob: User) -> None:
    join(ledger, ann)
    join(ledger, bob)


def revoked(ledger: Ledger, ann: User, bob: User) -> None:
    assert ann.invitation is not None
    ann.invitation.is_revoked.settle(True)
    join(ledger, ann)


def banned(ledger: Ledger, ann: User, bob: User) -> None:
    ann.is_banned.settle(True)
    join(ledger, ann)


def no_token(ledger: Ledger, ann: User, bob: User) -> None:
    ann.invitation = None
    join(ledger, ann)


def forgotten(ledger: Ledger, ann: User, bob: User) -> None:
    leave(ledger, join(ledger, ann))
    join(ledger, ann, "join_token_required")


def good_token(ledger: Ledger, ann: User, bob: User) -> None:
    join(ledger, ann, "invalid_join_token")


def not_released(ledger: Ledger, ann: User, bob: User) -> None:
    leave(ledger, join(ledger, ann))
    join(ledger, ann, "already_connected")


def twice(ledger: Ledger, ann: User, bob: User) -> None:
    first, second = join(ledger, ann), join(ledger, ann)
    assert first is not None
    ledger.sign(first, trio.current_time())
    leave(ledger, first)
    leave(ledger, second)


def unseen(ledger: Ledger, ann: User, bob: User) -> None:
    session = join(ledger, ann)
    assert session is not None
    now = trio.current_time()
    ledger.take_snapshot(Snapshot(session.life, now, now, frozenset()), [])
    ledger.sign(session, trio.current_time())
    leave(ledger, session)


def left_behind(ledger: Ledger, ann: User, bob: User) -> None:
    leave(ledger, join(ledger, ann))
    later, users = trio.current_time() + GHOST_S + 1, [ann.fingerprint]
    ledger.take_snapshot(Snapshot(ann.sessions[0].life, later, later, frozenset(users)), users)


WRONG = {
    "a token let in more users than it has uses": two_users,
    "a revoked token let somebody in": revoked,
    "a banned user was let in": banned,
    "somebody was let in without a token": no_token,
    "a member was refused with join_token_required": forgotten,
    "a good token was refused": good_token,
    "already connected, after a goodbye that was answered": not_released,
    "two connections of one user at once": twice,
    "on, and without a place": unseen,
    "a place of somebody who is long gone": left_behind,
}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    host = Host(tmp_path)
    nobody = cast("subprocess.Popen[bytes]", None)
    host.lives.append(Life(1, nobody, tmp_path / "log.txt", 0.0))
    return Ledger(host)


@pytest.mark.parametrize("problem", WRONG)
async def test_what_should_not_be_told_is_heard(ledger: Ledger, problem: str) -> None:
    token = Invitation(1, "secret", uses=1)
    source = random.Random(1)  # noqa: S311 - not for secrets
    ann, bob = (ledger.enrol(User(make_key(source), name, invitation=token)) for name in ("Ann", "Bob"))
    WRONG[problem](ledger, ann, bob)
    assert [text.partition(":")[0] for text in ledger.violations] == [problem]
