"""The audit: what happened, kept in the database, bounded in age and count."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ric0_trio.access.moments import to_text
from ric0_trio.access.records import Entry, Topic
from ric0_trio.protocol import Fingerprint

_COLUMNS: Final = Entry.__struct_fields__


class AuditBounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the audit is kept."""

    max_age_days: Annotated[int, Meta(ge=1, le=36_500)] = 90
    max_entries: Annotated[int, Meta(ge=1, le=100_000_000)] = 100_000
    """Of each topic: those who are refused cannot push out what an operator did."""


def append(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Add to the audit."""
    places = ", ".join("?" * len(_COLUMNS))
    query = f"INSERT INTO audit ({', '.join(_COLUMNS)}) VALUES ({places})"  # noqa: S608 - constants
    rows = ({**msgspec.structs.asdict(entry), "at": to_text(entry.at)}.values() for entry in entries)
    connection.executemany(query, [tuple(row) for row in rows])


def prune(connection: sqlite3.Connection, bounds: AuditBounds, now: datetime) -> None:
    """Drop what is too old, and the oldest of a topic that has too many entries."""
    oldest = now - timedelta(days=bounds.max_age_days)
    connection.execute("DELETE FROM audit WHERE at < ?", (to_text(oldest),))
    for topic in Topic:
        newest = "SELECT id FROM audit WHERE topic = ? ORDER BY id DESC LIMIT 1 OFFSET ?"
        connection.execute(
            f"DELETE FROM audit WHERE topic = ? AND id <= ({newest})",  # noqa: S608 - a constant
            (topic, topic, bounds.max_entries),
        )


def read(
    connection: sqlite3.Connection, *, since: datetime | None, user: Fingerprint | None, last: int
) -> tuple[list[Entry], bool]:
    """Read the newest `last` entries, oldest first, and tell whether there are older ones that fit."""
    conditions = {"at >= ?": to_text(since), "user = ?": user}
    chosen = {condition: value for condition, value in conditions.items() if value is not None}
    where = " AND ".join(chosen) or "TRUE"
    query = f"SELECT {', '.join(_COLUMNS)} FROM audit WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608
    rows = connection.execute(query, (*chosen.values(), last + 1)).fetchall()
    entries = [msgspec.convert(dict(row), Entry, strict=False) for row in rows[:last]]
    return entries[::-1], len(rows) > last
