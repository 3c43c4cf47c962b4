"""What happened and is not written down yet: bounded, for a disk may fail for long."""

from collections import deque
from itertools import islice
from typing import Final

from ric0_trio.access.records import Entry

_MOST: Final = 20_000


class Notes:
    """Entries for the audit, the oldest first."""

    def __init__(self) -> None:
        self._entries = deque[Entry]()
        self.lost = 0
        """How many there was no room for."""

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Keep one until it is written."""
        if len(self._entries) < _MOST:
            self._entries.append(entry)
        else:
            self.lost += 1

    def first(self, number: int) -> list[Entry]:
        """Give the oldest, `number` at most."""
        return list(islice(self._entries, number))

    def drop(self, number: int) -> None:
        """Forget the oldest `number`: they are written."""
        for _ in range(number):
            self._entries.popleft()

    def lose(self, number: int) -> None:
        """Forget the oldest `number`, which cannot be written."""
        self.drop(number)
        self.lost += number
