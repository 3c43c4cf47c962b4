"""The audit: what happened, kept in the database, bounded in age and count."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ric0_trio.access.moments import to_text
from ric0_trio.access.records import Entry, Topic

_COLUMNS: Final = Entry.__struct_fields__
_AT_ONCE: Final = 1_000


class AuditBounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the audit is kept."""

    max_age_days: Annotated[int, Meta(ge=1, le=36_500)] = 90
    max_entries: Annotated[int, Meta(ge=1, le=10_000_000)] = 100_000
    """Of each topic: those who are refused cannot push out what an operator did."""


def append(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Add to the audit."""
    places = ", ".join("?" * len(_COLUMNS))
    query = f"INSERT INTO audit ({', '.join(_COLUMNS)}) VALUES ({places})"  # noqa: S608 - constants
    rows = ({**msgspec.structs.asdict(entry), "at": to_text(entry.at)}.values() for entry in entries)
    connection.executemany(query, [tuple(row) for row in rows])


def prune(connection: sqlite3.Connection, bounds: AuditBounds, now: datetime) -> bool:
    """Drop what is too old, and the oldest of a topic that has too many entries: some at a time, as others wait.

    Tells whether there is more to drop.
    """
    oldest = to_text(now - timedelta(days=bounds.max_age_days))
    too_old = ("SELECT id FROM audit WHERE at < ? LIMIT ?", (oldest, _AT_ONCE))
    newest_too_many = "SELECT id FROM audit WHERE topic = ? ORDER BY id DESC LIMIT 1 OFFSET ?"
    too_many = f"SELECT id FROM audit WHERE topic = ? AND id <= ({newest_too_many}) LIMIT ?"  # noqa: S608
    rounds = [too_old, *((too_many, (topic, topic, bounds.max_entries, _AT_ONCE)) for topic in Topic)]
    dropped = [
        connection.execute(f"DELETE FROM audit WHERE id IN ({query})", values).rowcount  # noqa: S608
        for query, values in rounds
    ]
    return max(dropped) == _AT_ONCE
