"""What must hold of a file whose user was killed: looked up with plain SQL, and held against what the dead had told.

A copy is looked at, so that it is the next process that has to recover the file itself.
"""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from ric0_trio.access.database import Database, StoreError
from tests.access.crash_work import fingerprint_of

RULES: Final = {
    "a token was spent without a member": (
        "SELECT id FROM token WHERE used > (SELECT count(*) FROM member WHERE member.token = token.id)"
    ),
    "a token made members without being spent": (
        "SELECT id FROM token WHERE used < (SELECT count(*) FROM member WHERE member.token = token.id)"
    ),
    "a member by token without its use": (
        "SELECT user FROM member WHERE (token IS NOT NULL OR made_by = 'token') AND NOT EXISTS"
        " (SELECT 1 FROM token_use WHERE token_use.user = member.user AND token_use.token = member.token)"
    ),
    "a use of a token without its member": (
        "SELECT user FROM token_use WHERE NOT EXISTS"
        " (SELECT 1 FROM member WHERE member.user = token_use.user AND member.token = token_use.token)"
    ),
    "a token let in more users than it has uses": (
        "SELECT id FROM token WHERE uses < max(used,"
        " (SELECT count(*) FROM token_use WHERE token_use.token = token.id),"
        " (SELECT count(*) FROM member WHERE member.token = token.id))"
    ),
    "a user joined twice": "SELECT user FROM token_use GROUP BY user HAVING count(*) > 1",
    "a member by token whose joining is not in the audit, or twice": (
        "SELECT user FROM member WHERE token IS NOT NULL AND 1 != (SELECT count(*) FROM audit"
        " WHERE audit.user = member.user AND event = 'admitted' AND detail GLOB '*token ' || token || '[^0-9]*')"
    ),
    "the audit tells of a joining that was not": (
        "SELECT user FROM audit WHERE event = 'admitted' AND detail GLOB '*token [0-9]*'"
        " AND user NOT IN (SELECT user FROM token_use)"
    ),
    "half a command: not all tokens of a batch": (  # the note ends with how many there must be
        "SELECT note FROM token GROUP BY note"
        " HAVING count(*) != CAST(replace(note, rtrim(note, '123456789'), '') AS INTEGER)"
    ),
    "half a command: a token whose making is not in the audit": (
        "SELECT id FROM token WHERE 1 != (SELECT count(*) FROM audit"
        " WHERE event = 'token.created' AND detail || ' ' GLOB 'token ' || token.id || '[^0-9]*')"
    ),
    "half a command: the audit tells of a token that is not there": (
        "SELECT detail FROM audit WHERE event = 'token.created'"
        " AND NOT EXISTS (SELECT 1 FROM token WHERE detail || ' ' GLOB 'token ' || token.id || '[^0-9]*')"
    ),
    "half a command: a ban without its entry in the audit": (
        "SELECT user FROM ban WHERE 1 !="
        " (SELECT count(*) FROM audit WHERE event = 'user.banned' AND audit.user = ban.user)"
    ),
    "half a command: the audit tells of a ban that is not there": (
        "SELECT user FROM audit WHERE event = 'user.banned' AND user NOT IN (SELECT user FROM ban)"
    ),
    "half a command: a ban without the revocation that belongs to it": (
        "SELECT ban.user FROM ban JOIN token_use ON token_use.user = ban.user JOIN token ON token.id = token_use.token"
        " WHERE ban.reason != '' AND token.revoked IS NULL"
    ),
    "half a command: a revocation without the ban that it belongs to": (
        "SELECT id FROM token WHERE revoked IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ban JOIN token_use"
        " ON token_use.user = ban.user WHERE token_use.token = token.id AND ban.reason != '')"
    ),
    "half a command: a revocation without its entry in the audit, or the other way round": (
        "SELECT id FROM token WHERE (revoked IS NOT NULL) != (SELECT count(*) FROM audit"
        " WHERE event = 'token.revoked' AND detail || ' ' GLOB 'token ' || token.id || '[^0-9]*')"
    ),
    "half a command: a member who was added without an entry in the audit, or the other way round": (
        "SELECT user FROM (SELECT user FROM member WHERE made_by != 'token'"
        " UNION ALL SELECT user FROM audit WHERE event = 'member.added') GROUP BY user HAVING count(*) != 2"
    ),
}
"""Each finds those for whom it is broken. Only a ban that revokes a token has a reason."""

_NEEDS_NO_TOKEN: Final = {"join_token_required", "invalid_join_token", "unrecognised_user"}


class Ledger:
    """What the processes that used one file have told."""

    def __init__(self) -> None:
        self.admissions = Counter[str]()
        """How often someone was told "admitted"."""
        self.tokens: dict[str, str] = {}
        """Which token each brought who was told so for the first time; `-` for none."""
        self.uses: dict[str, int] = {}
        """How many uses each token has, whose number the operator was told."""
        self.added: set[str] = set()
        self.banned: set[str] = set()
        self.refused_as_banned: set[str] = set()
        self.unanswered = 0

    def hear(self, lines: Iterable[str]) -> list[str]:
        """Take down what one process told, and say what should not have been."""
        problems = []
        late_bans = set[str]()
        for line in lines:
            what, name, *rest = line.split()
            match what:
                case "admitted":
                    if name in self.banned:
                        problems.append(f"a banned user was let in: {name}")
                    self.admissions[name] += 1
                    self.tokens.setdefault(name, rest[0])
                case "refused" if rest[0] == "unknown_error":
                    self.unanswered += 1
                case "refused" if self.is_known(name) and rest[0] in _NEEDS_NO_TOKEN:
                    problems.append(f"a member was asked for a token: {name}: {rest[0]}")
                case "refused" if rest[0] == "disallowed_user":
                    self.refused_as_banned.add(name)
                case "created":
                    self.uses[name] = int(rest[0])
                case "added":
                    self.added.add(name)
                case "barred":
                    self.banned.add(name)
                case "banned":  # while they come and go: an answer from just before may be told after it
                    late_bans.add(name)
        self.banned |= late_bans
        return problems

    def learn_bans(self, fingerprints: Iterable[str]) -> None:
        """Take down the bans that were kept, but not told before the operator's process died."""
        found = set(fingerprints)
        self.banned |= {name for name in self.admissions | Counter(self.added) if fingerprint_of(name) in found}

    def welcome(self) -> list[str]:
        """Who was told "admitted", and must be let in again without a token; the first first."""
        return [name for name in self.admissions if name not in self.banned]

    def is_known(self, name: str) -> bool:
        """Tell whether someone is a member, as was told."""
        return name in self.admissions or name in self.added


class Look(msgspec.Struct, kw_only=True):
    """What was seen in a file."""

    problems: list[str]
    has_schema: bool = False
    spent: int = 0
    """Uses of tokens."""
    banned: list[str] = []
    """Their fingerprints."""
    victims: list[str] = []
    """Names of members who are not banned, and whose token is not revoked."""


def look(path: Path, ledger: Ledger, scratch: Path) -> Look:
    """Look at a copy of a file that nobody has open, in the folder `scratch`."""
    try:
        with closing(sqlite3.connect(_copy(path, scratch / "plain.sqlite3"))) as connection:
            seen = _look_with_sql(connection, ledger)
    except sqlite3.DatabaseError as error:
        seen = Look(problems=[f"damaged: {error}"])
    seen.problems += _look_with_package(_copy(path, scratch / "package.sqlite3"))
    return seen


def _copy(path: Path, target: Path) -> Path:
    """Copy the file and all that belongs to it, in place of an older copy."""
    for ending in ("", "-journal", "-wal", "-shm"):
        source, copy = (Path(f"{each}{ending}") for each in (path, target))
        copy.unlink(missing_ok=True)
        if source.exists():
            shutil.copyfile(source, copy)
    return target


def _look_with_package(path: Path) -> list[str]:
    try:
        with closing(Database(path)) as database:
            return [f"find_damage: {damage}" for damage in database.find_damage()]
    except StoreError as error:
        return [f"does not open: {error}"]


def _look_with_sql(connection: sqlite3.Connection, ledger: Ledger) -> Look:
    integrity = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    problems = [] if integrity == ["ok"] else [f"damaged: {text}" for text in integrity]
    problems += [f"damaged: a reference leads nowhere: {row}" for row in connection.execute("PRAGMA foreign_key_check")]
    if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        if ledger.admissions or ledger.uses:
            problems.append("lost: everything")
        return Look(problems=problems)
    for rule, query in RULES.items():
        problems += [f"{rule}: {row[0]}" for row in connection.execute(query)]
    problems += _find_losses(connection, ledger)
    return Look(
        problems=problems,
        has_schema=True,
        spent=connection.execute("SELECT coalesce(sum(used), 0) FROM token").fetchone()[0],
        banned=[row[0] for row in connection.execute("SELECT user FROM ban")],
        victims=[
            row[0]
            for row in connection.execute(
                "SELECT token_use.name FROM token_use JOIN token ON token.id = token_use.token"
                " WHERE revoked IS NULL AND user NOT IN (SELECT user FROM ban) ORDER BY token_use.id"
            )
        ],
    )


def _find_losses(connection: sqlite3.Connection, ledger: Ledger) -> list[str]:
    """Find what was told and is not there."""
    members = dict(connection.execute("SELECT user, token FROM member").fetchall())
    entries = dict(connection.execute("SELECT user, count(*) FROM audit WHERE event = 'admitted' GROUP BY user"))
    tokens = dict(connection.execute("SELECT id, uses FROM token").fetchall())
    banned = {row[0] for row in connection.execute("SELECT user FROM ban")}
    problems = list(_find_overcrowding(ledger))
    for name, times in ledger.admissions.items():
        who = fingerprint_of(name)
        brought = ledger.tokens[name]
        if who not in members:
            problems.append(f"lost: {name} was told admitted, and is no member")
        elif name not in ledger.added and brought != "-" and str(members[who]) != brought:
            problems.append(f"lost: {name} came with token {brought}, and is a member by {members[who]}")
        if entries.get(who, 0) < times:
            problems.append(f"lost: {name} was told admitted {times} times; the audit has {entries.get(who, 0)}")
    problems += [f"lost: {name}, who was added" for name in ledger.added if fingerprint_of(name) not in members]
    problems += [f"lost: the ban of {name}" for name in ledger.banned if fingerprint_of(name) not in banned]
    problems += [
        f"refused as banned, and is not: {name}"
        for name in ledger.refused_as_banned
        if fingerprint_of(name) not in banned
    ]
    problems += [f"lost: token {number}" for number, uses in ledger.uses.items() if tokens.get(int(number)) != uses]
    return problems


def _find_overcrowding(ledger: Ledger) -> Iterable[str]:
    told: Mapping[str, int] = Counter(token for name, token in ledger.tokens.items() if name not in ledger.added)
    for number, uses in ledger.uses.items():
        if told.get(number, 0) > uses:
            yield f"token {number} has {uses} uses, and {told[number]} users were told admitted by it"
