"""What was sent and received in one run of a check, as it is shown when it fails."""

import json
from collections import deque
from typing import Any, Final

import trio

from ric0_trio.printable import make_printable

_SHOWN_CHARS: Final = 600
_FIRST_LINES: Final = 30
_LAST_LINES: Final = 30
_SHOWN_SECRET_CHARS: Final = 6


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
    return json.dumps(plain, ensure_ascii=False, default=repr)
