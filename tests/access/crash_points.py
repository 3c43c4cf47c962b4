"""Points at which a process can be made to die: before and after all that it asks of SQLite."""

import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any


def say(line: str) -> None:
    """Tell the parent. Written at once and whole: what is in the pipe outlives this process."""
    os.write(1, f"{line}\n".encode())


class Points:
    """Counts points by the phase of the work that they are in, and dies at one of them."""

    def __init__(self, fatal_phase: str, fatal_number: int) -> None:
        self._fatal = (fatal_phase, fatal_number)
        self.phase = ""
        self.counts: Counter[str] = Counter()

    def reach(self, point: str) -> None:
        """Come to a point: the next of this phase. The first is number 1."""
        self.counts[self.phase] += 1
        here = (self.phase, self.counts[self.phase])
        if here == self._fatal:
            say(f"dying {point}")
            os.kill(os.getpid(), signal.SIGKILL)


def make_connection_class(points: Points) -> type[sqlite3.Connection]:
    """A kind of connection that goes through `points`: for `sqlite3.connect(factory=...)`."""

    class Mortal(sqlite3.Connection):
        def __init__(self, *args: Any, **options: Any) -> None:
            points.reach("before connecting")
            super().__init__(*args, **options)
            points.reach("after connecting")

        def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
            name = _shorten(sql)
            points.reach(f"before {name}")
            cursor = super().execute(sql, parameters)
            points.reach(f"after {name}")
            return cursor

        def executemany(self, sql: str, rows: Iterable[Any], /) -> sqlite3.Cursor:
            name = _shorten(sql)
            cursor = super().executemany(sql, self._go_through(rows, name))
            points.reach(f"after {name}")
            return cursor

        def close(self) -> None:
            points.reach("before closing")
            super().close()
            points.reach("after closing")

        @staticmethod
        def _go_through(rows: Iterable[Any], name: str) -> Iterator[Any]:
            for row in rows:
                points.reach(f"before a row of {name}")
                yield row

    return Mortal


def _shorten(sql: str) -> str:
    return " ".join(sql.split())[:40]
