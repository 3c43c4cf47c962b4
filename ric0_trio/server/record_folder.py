"""The folder of transcripts: files that their owner alone can read, and no more bytes than there may be."""

import os
import time
from pathlib import Path
from typing import Final

SUFFIX: Final = ".jsonl"

_BLOCK_BYTES: Final = 4096
"""A file takes whole blocks of a disk; so the bound is one on the number of files as well."""

_COUNT_EVERY_S: Final = 10.0


class FolderFullError(OSError):
    """There are as many bytes of transcripts in the folder as there may be."""


class RecordFolder:
    """Appends to files. It waits for the disk, so it is for a worker thread; one at a time."""

    def __init__(self, path: Path, max_total_bytes: int) -> None:
        self.path = path
        self._max_total_bytes = max_total_bytes
        self._used = max_total_bytes
        """What the transcripts take, in whole blocks, as far as it is known: nothing is known yet."""
        self._counted_at = float("-inf")

    def append(self, name: str, lines: bytes, *, is_new: bool) -> None:
        """Write to a file, which is made if it `is_new`. Raises `OSError`, when a part may be written."""
        self._make_sure_of_room(len(lines))
        if is_new:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)  # it may have been moved away, with all in it
        how = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if is_new else 0)
        descriptor = os.open(self.path / name, how, 0o600)
        try:
            before = _blocks(os.fstat(descriptor).st_size)
            try:
                _write_all(descriptor, lines)
            finally:
                self._used += _blocks(os.fstat(descriptor).st_size) - before
        finally:
            os.close(descriptor)

    def _make_sure_of_room(self, size: int) -> None:
        """Count anew now and then, when it is full: someone may have made room."""
        if self._used + size > self._max_total_bytes and time.monotonic() - self._counted_at > _COUNT_EVERY_S:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._used = used_bytes(self.path)
            self._counted_at = time.monotonic()
        if self._used + size > self._max_total_bytes:
            raise FolderFullError(f"it is full: transcripts may take {self._max_total_bytes} bytes")


def used_bytes(folder: Path) -> int:
    """What the transcripts in a folder take, in whole blocks. Raises `OSError`."""
    with os.scandir(folder) as entries:
        files = (entry for entry in entries if entry.name.endswith(SUFFIX))
        return sum(_blocks(entry.stat(follow_symlinks=False).st_size) for entry in files)


def _blocks(size: int) -> int:
    return -(-size // _BLOCK_BYTES) * _BLOCK_BYTES


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
