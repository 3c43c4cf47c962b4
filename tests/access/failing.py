"""Ways in which a store's file fails while it is in use, and how each is mended."""

import resource
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.access.files import NOISE, PAGE, overwrite_at, raw_connection, writing_held

Failing = Callable[[sqlite3.Connection, Path], AbstractContextManager[None]]
"""Breaks a store, given its own connection and its file, for as long as the block lasts."""


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """No file of this process can grow past `size` bytes: to the one who writes, a disk that fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def locked(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    connection.execute("PRAGMA busy_timeout = 0")  # nobody shall wait for it
    with writing_held(path):
        yield


@contextmanager
def full(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """No page more, and none with room for an entry of the usual size."""
    (most,) = connection.execute("PRAGMA max_page_count").fetchone()
    connection.execute("PRAGMA max_page_count = 1")  # or as many as there are
    with suppress(sqlite3.OperationalError):
        while True:
            connection.execute("INSERT INTO audit (at, topic, event, actor) VALUES ('2026', 'change', '', '')")
    yield
    with suppress(sqlite3.ProgrammingError):  # it may be closed by now
        connection.execute(f"PRAGMA max_page_count = {most}")


@contextmanager
def disk_fails(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    with files_limited_to(1):
        yield


@contextmanager
def read_only(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    connection.execute("PRAGMA query_only = ON")
    yield
    with suppress(sqlite3.ProgrammingError):  # it may be closed by now
        connection.execute("PRAGMA query_only = OFF")


@contextmanager
def damaged(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """The pages of one table are overwritten, where the store must read them again."""
    with raw_connection(path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        forget = "INSERT INTO setting VALUES ('', '') ON CONFLICT DO UPDATE SET value = value || 'x'"
        other.execute(forget)
        (page,) = other.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'member'").fetchone()
        at = (page - 1) * PAGE
        before = path.read_bytes()[at : at + PAGE]
        overwrite_at(path, NOISE, at)
        yield
        overwrite_at(path, before, at)
        other.execute(forget)


@contextmanager
def replaced(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """Another file stands in its place."""
    aside = path.rename(path.with_name("aside"))
    shutil.copy(aside, path)
    yield
    aside.rename(path)


class Failure(NamedTuple):
    """A way to fail, and what the log says of it."""

    breaks: Failing
    said: str


FAILURES = {
    "locked": Failure(locked, "another process holds it for too long; see which, and end it"),
    "full": Failure(full, "the disk is full; make room on it"),
    "disk fails": Failure(disk_fails, "the disk fails or is full; see the system's log"),
    "read-only": Failure(read_only, "it cannot be written; let this account write"),
    "damaged": Failure(damaged, "it is damaged; stop the server, and put a backup in its place"),
    "replaced": Failure(replaced, "it was removed or replaced while this process uses it; restart the server"),
}
