"""The data directory: what a server keeps, where, and that one server at a time does."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class DataDirError(Exception):
    """The data directory cannot be used. Its text says which, what was wrong, and what to do."""


@dataclass(frozen=True)
class DataDir:
    """Where things are in it."""

    folder: Path

    @property
    def database(self) -> Path:
        """Who may join, and the audit."""
        return self.folder / "access.sqlite3"

    @property
    def control_socket(self) -> Path:
        """Where commands reach the server that runs."""
        return self.folder / "control.sock"

    def make(self) -> None:
        """Make it, for this account alone, if it is not there. Raises `DataDirError`."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DataDirError(f"{self.folder}: {error.strerror}; see --data-dir") from None

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be its one server while the block lasts, and at the latest until the process ends. Raises `DataDirError`."""
        lock = self.folder / "server.lock"
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DataDirError(f"{lock}: {error.strerror}; let this account write there, or see --data-dir") from None
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                why = "another server runs on this data directory; stop that one, or see --data-dir"
                raise DataDirError(f"{self.folder}: {why}") from None
            yield
        finally:
            os.close(descriptor)
