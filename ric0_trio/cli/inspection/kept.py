"""The data directory: whether this account can use it, whether a server does, and whether what is kept is sound."""

import os
import sqlite3
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ric0_trio.cli.data import Data
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.inspection.findings import Finding, Level
from ric0_trio.data_dir import DataDir
from ric0_trio.server.listening import is_too_long


@dataclass(frozen=True)
class Kept:
    """What was found in the data directory."""

    findings: Sequence[Finding]
    is_served: bool
    """Whether a server runs on it."""
    schema: int | None
    """The version of the database; None when there is none that can be read."""
    damage: Sequence[str]


def inspect_kept(data: Data, *, is_complete: bool) -> Kept:
    """Look at the data directory. That nothing is kept there may be only where the configuration `is_complete`."""
    findings = list(_inspect_folder(DataDir(data.config.data_dir)))  # as the server writes it: a socket's path is short
    is_served = False
    is_usable = not any(finding.level is Level.FAILED for finding in findings)
    if is_usable:
        try:
            is_served = data.files.is_held
        except OSError as error:
            remedy = "let the server's account read and write it, and give this command as that account"
            findings.append(Finding(Level.FAILED, str(error.filename), str(error.strerror), remedy))
        else:
            who = "a server runs on it" if is_served else "no server runs on it now"
            findings.append(Finding(Level.OK, str(data.files.folder), who))
    finding, schema, damage = _inspect_database(data, can_be_empty=is_complete and is_usable)
    return Kept([*findings, finding], is_served, schema, damage)


def _inspect_folder(files: DataDir) -> Iterator[Finding]:
    folder = files.folder
    where = str(folder.absolute())
    to_another = "let the server's account write there, and give this command as that account; or see --data-dir"
    if is_too_long(files.control_socket):
        why = "its path is too long for the socket by which commands reach the server"
        yield Finding(Level.FAILED, where, why, "a path of less than 90 bytes is needed: see --data-dir")
    if os.path.lexists(folder) and not folder.is_dir():
        yield Finding(Level.FAILED, where, "it is no folder", "move it away, or see --data-dir")
        return
    above = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    needed = os.W_OK | os.X_OK | (os.R_OK if above == folder else 0)
    if not above.is_dir() or not os.access(above, needed):
        why = "this account may not write there" if above == folder else f"it cannot be made in {above}"
        yield Finding(Level.FAILED, where, why, to_another)
        return
    can = "can be written" if above == folder else "is not there yet: the server makes it"
    yield Finding(Level.OK, where, f"the data directory {can}")
    if above == folder and files.is_open_to_everyone:
        yield Finding(Level.WARNING, where, "others on this machine can look in", f"chmod 700 {folder}")


def _inspect_database(data: Data, *, can_be_empty: bool) -> tuple[Finding, int | None, Sequence[str]]:
    path = data.files.database
    try:
        if can_be_empty and not data.has_database():
            return Finding(Level.NOTE, str(path), "nothing is kept yet: the server makes it"), None, []
        data.require_database()
        with data.database(any_version=True) as database:
            schema, damage = database.version, database.find_damage()
    except CommandError as error:
        is_kept = error.code is not Exit.CONFIG
        return _fail(path, error), None, [str(error)] if is_kept else []
    damage = damage or _find_nonsense(data)
    if damage:
        why, remedy = f"it is damaged: {', '.join(damage)}", "stop the server, and put a backup in its place"
        return Finding(Level.FAILED, str(path), why, remedy, Exit.FAILED), schema, damage
    sound = f"sound, schema {schema}, read with SQLite {sqlite3.sqlite_version}"
    return Finding(Level.OK, str(path), sound), schema, []


def _fail(path: Path, error: CommandError) -> Finding:
    text, _, remedy = str(error).removeprefix(f"{path}: ").partition("; ")  # both are in what it says
    return Finding(Level.FAILED, str(path), text, remedy, error.code)


def _find_nonsense(data: Data) -> list[str]:
    """Read everything that is kept, as the server would."""
    try:
        with data.reading() as rules:
            for found in (rules.members(), rules.bans(), rules.client_rules(), rules.tokens(), rules.find_entries()):
                deque(found, maxlen=0)
            rules.client_default()
    except CommandError as error:
        return [str(error)]
    return []
