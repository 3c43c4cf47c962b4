"""A few rounds of `tests.access.crash`, and proof that it sees what it looks for. As a command it does hundreds."""

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from tests.access.crash import Crashes, Point, crashing, plan, report
from tests.access.crash_checks import Ledger, look
from tests.access.crash_process import Forker
from tests.access.crash_work import Orders, fingerprint_of

ROUNDS = 60
POINTS = {"opening": 58, "reopening": 20, "serving": 258, "operating": 74}
EVERY = [Point(phase, number) for phase, count in POINTS.items() for number in range(1, count + 1)]


def test_a_store_that_is_killed_keeps_what_it_said_and_nothing_by_halves(tmp_path: Path) -> None:
    with crashing(tmp_path, seed=1) as crashes:
        crashes.run(ROUNDS)
    told = report(crashes)
    assert not crashes.violations, told
    assert crashes.rounds.total() - crashes.rounds["whole"] == ROUNDS
    assert len(crashes.hit) == ROUNDS - crashes.rounds["moment"]
    assert {point.phase for point in crashes.hit} == set(crashes.points)
    assert crashes.rounds["moment"] > 0
    assert crashes.admitted > crashes.spent > 0
    assert told.endswith("\n0 violations")


# How rounds are spread


def test_a_long_run_comes_to_every_point() -> None:
    chosen = list(plan(POINTS, 500, random.Random(1)))  # noqa: S311 - not for secrets
    assert len(chosen) == 500
    assert {point for point in chosen if point} == set(EVERY)


def test_a_short_run_is_spread_over_the_points() -> None:
    rounds = plan(POINTS, ROUNDS, random.Random(1))  # noqa: S311 - not for secrets
    chosen = sorted(EVERY.index(point) for point in rounds if point)
    widest = max(after - before for before, after in pairwise(chosen))
    assert widest <= 2 * len(EVERY) / len(chosen)


# What it sees


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashes]:
    """A file in which everything is right."""
    with crashing(tmp_path_factory.mktemp("sound"), seed=1) as crashes:
        with closing(sqlite3.connect(crashes.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        yield crashes


@pytest.fixture
def copy(sound: Crashes, tmp_path: Path) -> Path:
    """A file to be spoilt."""
    (tmp_path / "scratch").mkdir()
    return Path(shutil.copyfile(sound.path, tmp_path / "copy.sqlite3"))


def find_problems(copy: Path, ledger: Ledger) -> str:
    return "\n".join(look(copy, ledger, copy.parent / "scratch").problems)


SPOILED = {
    "a token was spent without a member": (
        "DELETE FROM token_use WHERE id = 1;"
        "DELETE FROM member WHERE token IS NOT NULL AND user NOT IN (SELECT user FROM token_use)"
    ),
    "a token made members without being spent": "UPDATE token SET used = used - 1 WHERE id = 1",
    "a member by token without its use": (
        "INSERT INTO member (user, since, made_by, token) VALUES ('x', '', 'token', (SELECT max(id) FROM token))"
    ),
    "a use of a token without its member": "INSERT INTO token_use (token, user, name, at) VALUES (1, 'x', '', '')",
    "a token let in more users than it has uses": (
        "PRAGMA ignore_check_constraints = ON; UPDATE token SET uses = used - 1 WHERE used > 1"
    ),
    "a user joined twice": "INSERT INTO token_use (token, user, name, at) SELECT token, user, name, at FROM token_use",
    "a member by token whose joining is not in the audit": "DELETE FROM audit WHERE event = 'admitted'",
    "the audit tells of a joining that was not": (
        "INSERT INTO audit (at, topic, event, actor, user, detail) VALUES ('', '', 'admitted', '', 'x', 'token 1 is')"
    ),
    "half a command: not all tokens of a batch": (
        "DELETE FROM token WHERE id = (SELECT max(id) FROM token WHERE used = 0)"
    ),
    "a token whose making is not in the audit": "DELETE FROM audit WHERE event = 'token.created'",
    "the audit tells of a token that is not there": "DELETE FROM token WHERE used = 0",
    "a ban without its entry in the audit": "DELETE FROM audit WHERE event = 'user.banned'",
    "the audit tells of a ban that is not there": "DELETE FROM ban",
    "a ban without the revocation that belongs to it": "UPDATE token SET revoked = NULL",
    "a revocation without the ban that it belongs to": "UPDATE token SET revoked = ''",
    "a revocation without its entry in the audit": "DELETE FROM audit WHERE event = 'token.revoked'",
    "a member who was added without an entry": "DELETE FROM audit WHERE event = 'member.added'",
    "damaged: no such table": "DROP TABLE ban",
}


@pytest.mark.parametrize("problem", SPOILED)
def test_a_broken_rule_is_found(sound: Crashes, copy: Path, problem: str) -> None:
    assert not find_problems(copy, sound.ledger)
    with closing(sqlite3.connect(copy)) as connection:
        connection.executescript(SPOILED[problem])
    assert problem in find_problems(copy, sound.ledger)


def test_a_damaged_page_is_found(sound: Crashes, copy: Path) -> None:
    with copy.open("r+b") as file:
        file.seek(4096 * 5)
        file.write(b"\xff" * 4096)
    problems = find_problems(copy, sound.ledger)
    assert "\ndamaged: " in f"\n{problems}"
    assert "find_damage: " in problems or "does not open: " in problems


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 500])
def test_a_file_that_is_gone_is_found(sound: Crashes, copy: Path, content: bytes) -> None:
    copy.write_bytes(content)
    assert find_problems(copy, sound.ledger).startswith(("lost: everything", "damaged: "))


TRACELESS = """
UPDATE token SET used = used - 1 WHERE id = (SELECT token FROM member WHERE user = '{user}');
DELETE FROM member WHERE user = '{user}';
DELETE FROM token_use WHERE user = '{user}';
DELETE FROM audit WHERE user = '{user}';
"""


def test_a_lost_admission_is_found_that_left_no_trace(sound: Crashes, copy: Path) -> None:
    name = next(name for name in sound.ledger.welcome() if name not in sound.ledger.added)
    with closing(sqlite3.connect(copy)) as connection:
        connection.executescript(TRACELESS.format(user=fingerprint_of(name)))
    assert not find_problems(copy, Ledger())
    problems = find_problems(copy, sound.ledger)
    assert f"lost: {name} was told admitted, and is no member" in problems
    assert f"lost: {name} was told admitted" in problems
    assert "the audit has 0" in problems


LOST = {
    "lost: somebody was told admitted, and is no member": ["admitted somebody 1"],
    "lost: somebody, who was added": ["added somebody"],
    "lost: the ban of somebody": ["banned somebody"],
    "refused as banned, and is not: somebody": ["refused somebody disallowed_user"],
    "lost: token 999": ["created 999 1"],
    "token 999 has 1 uses, and 2 users were told admitted by it": [
        "created 999 1",
        "admitted somebody 999",
        "admitted somebody-else 999",
    ],
}


@pytest.mark.parametrize("problem", LOST)
def test_what_was_told_and_is_not_in_the_file_is_found(copy: Path, problem: str) -> None:
    ledger = Ledger()
    assert not ledger.hear(LOST[problem])
    assert problem in find_problems(copy, ledger)


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (["admitted ann 1", "refused ann invalid_join_token"], "a member was asked for a token: ann"),
        (["barred ann", "admitted ann 1"], "a banned user was let in: ann"),
        (["refused ann join_token_required", "banned ann", "refused ann disallowed_user", "admitted ann -"], ""),
    ],
)
def test_a_wrong_answer_is_found(told: list[str], problem: str) -> None:
    assert "".join(Ledger().hear(told)).startswith(problem)
    assert bool(Ledger().hear(told)) is bool(problem)


def test_a_process_that_ends_otherwise_than_it_should_is_found(tmp_path: Path) -> None:
    with crashing(tmp_path, seed=1) as crashes:
        crashes.points = {"serving": 10**6}
        crashes.run(1)
    assert len(crashes.violations) == 1
    assert "it should not have ended with 0" in crashes.violations[0]
    assert "1 violations" in report(crashes)


def test_a_store_that_does_not_open_is_found(tmp_path: Path) -> None:
    (tmp_path / "access-1.sqlite3").write_text("not a database")
    with crashing(tmp_path, seed=1) as crashes:
        crashes.run(1)
    assert any("ended with 1: ric0_trio.access.database.StoreError" in problem for problem in crashes.violations)


def test_a_process_that_hangs_is_killed(tmp_path: Path) -> None:
    with Forker(tmp_path / "errors.txt") as forker:
        path = str(tmp_path / "access.sqlite3")
        ending = forker.run(Orders(work="serve", path=path, label="r1", lives_s=0))
    assert ending.exit_code == -9


def test_the_command_ends_well_when_nothing_is_wrong() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.access.crash", "--rounds", "2"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "\n0 violations\n" in done.stdout
    assert done.stderr == ""
