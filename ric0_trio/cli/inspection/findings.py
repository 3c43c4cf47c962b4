"""What `check` finds: one line each."""

from enum import StrEnum
from typing import Self

import msgspec

from ric0_trio.cli.exits import Exit, SetupError


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"
    """As it may be wanted."""
    WARNING = "warning"
    """The server starts, and somebody will suffer."""
    FAILED = "FAILED"
    """The server does not start, or is of use to nobody."""


class Finding(msgspec.Struct, frozen=True):
    """What one look has shown."""

    level: Level
    subject: str
    """The file, the place or the key that was looked at."""
    text: str
    remedy: str | None = None
    """What to do; None when nothing has to be."""
    code: Exit = Exit.CONFIG
    """What the command ends with, when this is FAILED."""

    @classmethod
    def of(cls, error: SetupError) -> Self:
        """What keeps a server from being started."""
        return cls(Level.FAILED, error.subject, error.text, error.remedy)
