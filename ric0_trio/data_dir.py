"""The data directory: what a server keeps, where, and that one server at a time does."""

import fcntl
import os
import stat
import time
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

    @property
    def is_open_to_everyone(self) -> bool:
        """Whether others on this machine can look in, or worse."""
        return bool(self.folder.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP))

    @property
    def is_held(self) -> bool:
        """Whether a server runs on it. Raises `OSError` when this account may not know."""
        try:
            descriptor = os.open(self._lock, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    @property
    def _lock(self) -> Path:
        return self.folder / "server.lock"

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be its one server while the block lasts, and at the latest until the process ends. Raises `DataDirError`."""
        try:
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            remedy = "let this account write there, or see --data-dir"
            raise DataDirError(f"{self._lock}: {error.strerror}; {remedy}") from None
        try:
            if not _lock_in_time(descriptor):
                why = "another server runs on this data directory; stop that one, or see --data-dir"
                raise DataDirError(f"{self.folder}: {why}")
            yield
        finally:
            os.close(descriptor)


def _lock_in_time(descriptor: int) -> bool:
    for pause_s in (0.05, 0.05, 0.1, 0):  # a command that only looks has it for a moment
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause_s)
        else:
            return True
    return False
