"""What was sent and received in one run of a check, as it is shown when it fails."""

import json
from collections import deque
from datetime import datetime
from typing import Any, Final

import trio

from ric0_trio.conform.messages import OMIT
from ric0_trio.printable import make_printable

_SHOWN_CHARS: Final = 600
_FIRST_LINES: Final = 30
_LAST_LINES: Final = 30
_SHOWN_SECRET_CHARS: Final = 6
_SHOWN_REPEATS: Final = 16


class Evidence:
    """Lines with their times. Bounded, safe to show, and without whole secrets."""

    def __init__(self) -> None:
        self._begun = trio.current_time()
        self._first: list[str] = []
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        self._left_out = 0
        self._secrets: set[str] = set()

    def keep_secret(self, text: str) -> None:
        """Show no more than the beginning of `text` from now on: a proof, or a token."""
        if len(text) > _SHOWN_SECRET_CHARS:
            self._secrets.add(text)

    def note(self, connection: int, what: str, text: str = "") -> None:
        """Add a line: `what` happened on the connection of that number, with a `text` that may be a stranger's."""
        shown = self.show(text)
        line = f"{self.seconds:8.3f} s  #{connection}  {what} {shown}".rstrip()
        if len(self._first) < _FIRST_LINES:
            self._first.append(line)
            return
        self._left_out += len(self._last) == _LAST_LINES
        self._last.append(line)

    def show(self, text: str) -> str:
        """Make text safe to show: short, on one line, without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, f"{secret[:_SHOWN_SECRET_CHARS]}…")
        shown = make_printable(text[: 2 * _SHOWN_CHARS])
        return shown if len(shown) <= _SHOWN_CHARS else f"{shown[:_SHOWN_CHARS]}…"

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return trio.current_time() - self._begun

    @property
    def lines(self) -> list[str]:
        """Everything that was noted, but for the middle of what is very long."""
        gap = [f"           … {self._left_out} lines left out …"] if self._left_out else []
        return [*self._first, *gap, *self._last]


def show_plain(plain: Any) -> str:
    """Write a decoded object as text, whatever is in it."""
    return json.dumps(plain, ensure_ascii=False, default=_show_foreign)


def show_value(value: Any, most: int = 200) -> str:
    """Write a value as JSON, safe to show and of at most so many characters; text of one character by its length."""
    if isinstance(value, str) and len(value) > _SHOWN_REPEATS and len(set(value)) == 1:
        (char,) = set(value)
        return f"{len(value)} x {char if char.isascii() and char.isprintable() else f'U+{ord(char):04X}'}"
    shown = make_printable(show_plain(value))
    return shown if len(shown) <= most else f"{shown[:most]}… ({len(shown)} characters)"


def _show_foreign(value: object) -> str:
    """Write down what JSON has not: a moment as text, and the types that only BSON has by their name and value."""
    if value is OMIT:
        return "(left out)"
    if isinstance(value, datetime):
        return f"{value.isoformat()} (a BSON datetime)"
    if isinstance(value, bytes):
        return f"{value.hex()} (bytes)"
    return f"{value} (a BSON {type(value).__name__})"
