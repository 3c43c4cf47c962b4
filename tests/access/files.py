"""A store's file from outside: as the operator's commands change and read it, and without anything of ours."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from ric0_trio.access.audit import AuditBounds
from ric0_trio.access.database import Database
from ric0_trio.access.editing import Editor
from ric0_trio.access.records import Entry, Ruling, Token
from ric0_trio.access.registrar import Candidate, Registrar
from ric0_trio.access.rulebook import Rulebook
from ric0_trio.protocol import Fingerprint, SoftwareVersion
from tests.access.stage import DAY, INVITE, NOW, OPERATOR, PATIENCE_S, Visitor, fingerprint

PAGE = 4096
NOISE = bytes((number * 167 + 13) % 256 for number in range(PAGE))


# As commands use it


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[Database]:
    database = Database(path, **options)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def editing(path: Path, now: datetime = NOW) -> Iterator[Editor]:
    with opened(path) as database, database.transaction() as connection:
        yield Editor(connection, OPERATOR, now)


@contextmanager
def reading(path: Path) -> Iterator[Rulebook]:
    with opened(path) as database, database.transaction("read") as connection:
        yield Rulebook(connection)


def entries(path: Path, user: Fingerprint | None = None, *, with_servers: bool = False) -> list[Entry]:
    """The audit, oldest first, without the starts and stops of servers."""
    with reading(path) as rules:
        return [each for each in rules.find_entries(user=user) if with_servers or not each.event.startswith("server.")]


def events(path: Path, user: Fingerprint | None = None) -> list[str]:
    return [entry.event for entry in entries(path, user)]


def ban(path: Path, number: int, reason: str = "spam", *, is_silent: bool = False) -> None:
    with editing(path) as editor:
        editor.ban(fingerprint(number), reason, None, is_silent=is_silent)


def create_token(editor: Editor, uses: int, expires: datetime | None, note: str) -> tuple[Token, str]:
    """Make one token, and give it with its secret."""
    ((token, secret),) = editor.create_tokens(1, uses=uses, expires=expires, note=note)
    return token, secret


def fill(path: Path, people: int = 2) -> None:
    """Put something into every table and every column; more with more people."""
    with editing(path) as editor:
        for number in range(1, people + 2):
            editor.add_member(fingerprint(number))
        editor.remove_member(fingerprint(people + 1))
        editor.ban(fingerprint(-1), "spam", None, is_silent=False)
        editor.ban(fingerprint(-2), "", NOW + DAY, is_silent=True)
        first, last = SoftwareVersion.parse("1.0-beta"), SoftwareVersion.parse("2.0")
        editor.set_client_rule("OldApp", Ruling.ALLOW, at_least=None, below=None, reason="")
        editor.set_client_rule("OldApp", Ruling.DENY, at_least=first, below=last, reason="upgrade")
        editor.set_client_default(Ruling.ALLOW)
        _, secret = create_token(editor, people, NOW + DAY, "for all")
        revoked, _ = create_token(editor, 1, None, "")
        editor.revoke_token(revoked.id)
    with opened(path) as database:
        visitors = [Visitor(number, token=secret) for number in (1, -1, *range(1000, 1000 + people))]
        candidates = [Candidate(visitor.guest, visitor.token) for visitor in visitors]
        departure = visitors[0].guest.entry(NOW, "left", detail="said: bye")
        Registrar(database, INVITE, AuditBounds()).admit(candidates, {}, [departure], NOW)


# The file without anything of ours


@contextmanager
def raw_connection(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE_S, check_same_thread=False)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def writing_held(path: Path) -> Iterator[sqlite3.Connection]:
    """Let nobody else write; what the block writes is kept."""
    with raw_connection(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        finally:
            connection.execute("COMMIT")


def schema_of(path: Path) -> list[tuple[str, ...]]:
    """Every table and index, as it was written down."""
    with raw_connection(path) as connection:
        rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")
        return [tuple(map(str, row)) for row in rows]


def rows_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """All that is in the tables, by the names of columns; in the order of their keys."""
    with raw_connection(path) as connection:
        connection.row_factory = sqlite3.Row
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {
            table: [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1")]  # noqa: S608
            for table in tables
        }


def overwrite_at(path: Path, piece: bytes, at: int) -> None:
    """Write over a piece of a file, which there may not be yet."""
    whole = path.read_bytes() if path.exists() else b""
    path.write_bytes(whole[:at] + piece + whole[at + len(piece) :])
