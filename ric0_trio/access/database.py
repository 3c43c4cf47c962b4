"""The file that holds the rules: opened, brought to the present schema, checked and backed up. SQLite in WAL mode."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

from ric0_trio.access.schema import APPLICATION_ID, SCHEMA

# A log of writes that a long backup held up is cut back to this.
_JOURNAL_BYTES: Final = 16 * 2**20

_REMEDIES: Final = {
    sqlite3.SQLITE_FULL: ("the disk is full", "make room on it"),
    sqlite3.SQLITE_BUSY: ("another process holds it for too long", "see which, and end it"),
    sqlite3.SQLITE_LOCKED: ("another process holds it for too long", "see which, and end it"),
    sqlite3.SQLITE_READONLY: ("it cannot be written", "let this account write to the file and its folder"),
    sqlite3.SQLITE_PERM: ("it may not be opened", "let this account read and write the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "let this account read and write the file and its folder"),
    sqlite3.SQLITE_CORRUPT: ("it is damaged", "stop the server, and put a backup in its place"),
    sqlite3.SQLITE_NOTADB: ("it is not a database, or it is damaged", "stop the server, and put a backup in its place"),
    sqlite3.SQLITE_IOERR: ("the disk fails or is full", "see the system's log, and make room or change the disk"),
}


class StoreError(Exception):
    """The rules cannot be read or written. Its text says which file, what was wrong, and what to do."""


class Database:
    """One connection to the file. To be used by one thread at a time."""

    def __init__(self, path: Path, *, busy_timeout_s: float = 5.0, schema: Sequence[str] = SCHEMA) -> None:
        """Open the file, or make it, readable by its owner alone; and bring it to the newest schema.

        Another process that writes is waited for, for `busy_timeout_s`. Raises `StoreError`.
        """
        self.path: Final = path
        """Where it is."""
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            remedy = "let this account read and write it and its folder"
            raise StoreError(f"{path}: {error.strerror}; {remedy}") from None
        with self._told():
            self._connection = sqlite3.connect(
                path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
            )
        try:
            self._prepare(schema)
        except BaseException:
            self.close()
            raise

    def _prepare(self, schema: Sequence[str]) -> None:
        self._connection.row_factory = sqlite3.Row
        with self._told():
            self._refuse_strangers(len(schema))
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")  # what is committed survives a pulled plug
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
        if self.version < len(schema):
            self._migrate(schema)

    @property
    def version(self) -> int:
        """The version of the schema that the file has."""
        with self._told():
            return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    @property
    def data_version(self) -> int:
        """A number that changes whenever another connection has written."""
        with self._told():
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    @contextmanager
    def transaction(self, kind: Literal["read", "write"] = "write") -> Iterator[sqlite3.Connection]:
        """All that the block does, or nothing of it when it raises. Raises `StoreError` when the file is the cause."""
        with self._told():
            self._connection.execute("BEGIN" if kind == "read" else "BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # some faults have rolled back already
                    self._connection.execute("ROLLBACK")
                raise

    def find_damage(self) -> list[str]:
        """Look through the whole file, and say what is wrong with it, if anything: for a person to read."""
        with self._told():
            found = [str(row[0]) for row in self._connection.execute("PRAGMA integrity_check(20)")]
            lost = self._connection.execute("PRAGMA foreign_key_check").fetchmany(20)
        damage = [] if found == ["ok"] else found
        return damage + [f"a row of {row['table']} refers to one of {row['parent']} that is not there" for row in lost]

    def back_up(self, target: Path) -> None:
        """Copy everything, as it is at one moment, into a new file of mode 0600; while others read and write.

        Raises `FileExistsError` rather than overwrite one, `OSError`, and `StoreError`.
        """
        unfinished = target.with_name(f".{target.name}.{os.getpid()}")
        if os.path.lexists(target):
            raise FileExistsError
        descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with self._told():
                copy = sqlite3.connect(unfinished, isolation_level=None)
                try:
                    self._connection.backup(copy)
                    copy.execute("PRAGMA journal_mode = DELETE")  # one file, whole by itself
                finally:
                    copy.close()
            os.fsync(descriptor)
            os.link(unfinished, target)  # which fails, as a rename would not, if there is one by now
        finally:
            os.close(descriptor)
            unfinished.unlink()

    def close(self) -> None:
        """Close the connection. What was committed stays."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _refuse_strangers(self, newest: int) -> None:
        version = self.version
        if version > newest:
            why = f"a newer ric0-trio wrote it (schema {version}; this one knows {newest}); use that one"
            raise StoreError(f"{self.path}: {why}")
        marked = self._connection.execute("PRAGMA application_id").fetchone()[0]
        is_used = self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] > 0
        if is_used and marked != APPLICATION_ID:
            raise StoreError(f"{self.path}: the database of another program; use another data directory")

    def _migrate(self, schema: Sequence[str]) -> None:
        with self.transaction() as connection:
            for number, script in enumerate(schema[self.version :], start=self.version + 1):
                for statement in script.split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest is detail
            problem, remedy = _REMEDIES.get(code, (str(error), "run `ric0-trio check`"))
            raise StoreError(f"{self.path}: {problem}; {remedy} ({error})") from error
