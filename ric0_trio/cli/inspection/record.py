"""The folder of transcripts, when there is to be one."""

import os
from collections.abc import Iterator
from pathlib import Path

from ric0_trio.cli.credentials import is_open_to_everyone
from ric0_trio.cli.inspection.findings import Finding, Level
from ric0_trio.server.record_folder import used_bytes
from ric0_trio.server.settings import RecordSettings


def inspect_record(record: RecordSettings) -> Iterator[Finding]:
    """Look whether transcripts can be written. The server starts without, so nothing is worse than a warning."""
    folder = record.dir
    if folder is None:
        return
    place = _nearest(folder)
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        why = "no transcript can be written there"
        yield Finding(Level.WARNING, str(folder), why, "give [record] dir a folder in which this account may write")
        return
    yield Finding(Level.OK, str(folder), "transcripts of conversations can be written there")
    if place == folder:
        yield from _inspect_folder(folder, record.max_total_bytes)


def _inspect_folder(folder: Path, max_total_bytes: int) -> Iterator[Finding]:
    if is_open_to_everyone(folder):
        yield Finding(Level.WARNING, str(folder), "others on this machine can look in", f"chmod 700 {folder}")
    try:
        used = used_bytes(folder)
    except OSError as error:
        yield Finding(Level.WARNING, str(folder), f"it cannot be read: {error.strerror}", "let this account read it")
        return
    if used >= max_total_bytes:
        why = f"it is full: the transcripts in it take {used} bytes, and may take {max_total_bytes}"
        yield Finding(Level.WARNING, str(folder), why, "move some away, or raise [record] max_total_bytes")


def _nearest(path: Path) -> Path:
    """The folder itself, or the nearest above it that is there."""
    return next((each for each in (path, *path.absolute().parents) if each.exists()), path)
