"""The command's exit codes, and the error that carries one."""

from enum import IntEnum


class Exit(IntEnum):
    """What the command ends with."""

    OK = 0
    FAILED = 1
    IDENTITY = 2
    """The server's identity or certificate did not verify, or is not the expected one."""
    REFUSED = 3
    """The server refused the user."""
    NO_ANSWER = 4
    BROKEN = 5
    """The connection broke on the way."""
    USAGE = 64
    DATA = 65
    """A file that was to be read cannot be, or is not what it should be."""
    CONFIG = 78
    """Something that the command needs is missing or wrong. (64, 65 and 78 are those of sysexits.h.)"""
    INTERRUPTED = 130
    """Stopped with Ctrl-C, as shells have it."""


class CommandError(Exception):
    """An error for people, with its exit code."""

    def __init__(self, message: str, code: Exit) -> None:
        super().__init__(message)
        self.code = code


class SetupError(CommandError):
    """What keeps a server from being started: `serve` ends with it, and `check` lists it."""

    def __init__(self, subject: str, text: str, remedy: str) -> None:
        super().__init__(f"{subject}: {text}; {remedy}", Exit.CONFIG)
        self.subject = subject
        """The file or the key."""
        self.text = text
        """What is wrong with it."""
        self.remedy = remedy
