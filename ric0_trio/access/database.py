"""The file that holds the rules: opened, brought to the present schema, checked and backed up. SQLite in WAL mode."""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

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

_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class StoreError(Exception):
    """The rules cannot be read or written. Its text says which file, what was wrong, and what to do."""


class NonsenseError(ValueError):
    """A row that no version of ours writes. A transaction tells it as a `StoreError`, unless it is caught within."""


class Database:
    """One connection to the file. To be used by one thread at a time, and but one of a process for each file."""

    def __init__(
        self,
        path: Path,
        *,
        is_server: bool = False,
        any_version: bool = False,
        busy_timeout_s: float = 5.0,
        schema: Sequence[str] = SCHEMA,
    ) -> None:
        """Open the file, or make it, readable by its owner alone. Raises `StoreError`.

        The server brings a file of an older version to the newest schema; others refuse it, as the server that runs may
        be of that version, unless they can do with `any_version`. A process that writes is waited for, for
        `busy_timeout_s`.
        """
        self.path: Final = path
        """Where it is."""
        with self._told():
            _make_file(path)
            self._connection = sqlite3.connect(
                f"file:{quote(str(path.absolute()))}?mode=rw",
                uri=True,
                timeout=busy_timeout_s,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            self._prepare(schema, is_server=is_server, any_version=any_version)
            self._file = _identify(path)
        except BaseException:
            self.close()
            raise

    def _prepare(self, schema: Sequence[str], *, is_server: bool, any_version: bool) -> None:
        self._connection.row_factory = sqlite3.Row
        with self._told():
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.execute("PRAGMA synchronous = FULL")  # what is committed survives a pulled plug
            self._connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
            if not is_server:  # two that clean the journal up at once can damage the file, before SQLite 3.51.3
                self._connection.execute("PRAGMA wal_autocheckpoint = 0")
            version = self._find_version(len(schema))
            if version == 0 or (is_server and version < len(schema)):
                self._migrate(schema)
            elif version < len(schema) and not any_version:
                why = (
                    f"it has schema {version}, and this ric0-trio {len(schema)}; start the server of this version first"
                )
                raise StoreError(f"{self.path}: {why}")
            self._use_journal()

    @property
    def version(self) -> int:
        """The version of the schema that the file has."""
        with self._told():
            return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    @property
    def data_version(self) -> int:
        """A number that changes whenever another connection has written."""
        with self._told():
            self._check_place()
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    @contextmanager
    def transaction(self, kind: Literal["read", "write"] = "write") -> Iterator[sqlite3.Connection]:
        """All that the block does, or nothing of it when it raises. Raises `StoreError` when the file is the cause."""
        with self._told():
            self._check_place()
            with self._all_or_nothing("BEGIN" if kind == "read" else "BEGIN IMMEDIATE"):
                yield self._connection

    def find_damage(self) -> list[str]:
        """Look through the whole file, and say what is wrong with it, if anything: for a person to read."""
        try:
            found = [str(row[0]) for row in self._connection.execute("PRAGMA integrity_check(20)")]
            lost = self._connection.execute("PRAGMA foreign_key_check").fetchmany(20)
        except sqlite3.Error as error:
            return [str(error)]
        damage = [] if found == ["ok"] else found
        return damage + [f"a row of {row['table']} refers to one of {row['parent']} that is not there" for row in lost]

    def back_up(self, target: Path) -> None:
        """Copy everything, as it is at one moment, into a new file of mode 0600; while others read and write.

        Raises `FileExistsError` rather than overwrite one, `OSError`, and `StoreError` when there is damage to copy.
        """
        descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with self._told(target), closing(sqlite3.connect(target, isolation_level=None)) as copy:
                self._connection.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, whole by itself
                damage = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
            if damage != "ok":
                raise StoreError(f"{self.path}: it is damaged; put a backup in its place ({damage})")
            os.fsync(descriptor)
        except BaseException:
            for left in (target, target.with_name(f"{target.name}-journal")):
                left.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Close the connection. What was committed stays."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _find_version(self, newest: int) -> int:
        with self._all_or_nothing("BEGIN"):  # one who is making the file has made all of it, or nothing
            version = self.version
            marked = self._connection.execute("PRAGMA application_id").fetchone()[0]
            is_used = self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] > 0
        if (is_used or version) and marked != APPLICATION_ID:
            raise StoreError(f"{self.path}: the database of another program; use another data directory")
        if version > newest:
            why = f"a newer ric0-trio wrote it (schema {version}; this one knows {newest}); use that one"
            raise StoreError(f"{self.path}: {why}")
        return version

    def _migrate(self, schema: Sequence[str]) -> None:
        with self._all_or_nothing("BEGIN IMMEDIATE"):
            for number, script in enumerate(schema[self.version :], start=self.version + 1):
                for statement in script.split(";\n"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {number}")
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    @contextmanager
    def _all_or_nothing(self, begin: str) -> Iterator[None]:
        self._connection.execute(begin)
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # some faults have rolled back already
                self._connection.execute("ROLLBACK")
            raise

    def _use_journal(self) -> None:
        for pause_s in (*[0.02] * 100, None):  # SQLite itself does not wait for others here
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:
                if pause_s is None or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                time.sleep(pause_s)

    def _check_place(self) -> None:
        if _identify(self.path) != self._file:  # or commands would change another file than the server reads
            why = "it was removed or replaced while this process uses it; restart the server"
            raise StoreError(f"{self.path}: {why}")

    @contextmanager
    def _told(self, copy: Path | None = None) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest is detail
            problem, remedy = _REMEDIES.get(code, ("it cannot be used", "run `ric0-trio check`"))
            where = self.path if copy is None or code in _DAMAGE else copy
            raise StoreError(f"{where}: {problem}; {remedy} ({error})") from error
        except NonsenseError as error:
            raise StoreError(f"{self.path}: {error}; put a backup in its place") from error


def _make_file(path: Path) -> None:
    # One that is there is not opened and closed: that would drop the locks which this process has on it.
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; let this account read and write it and its folder") from None


def _identify(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
