"""The parent's end of `tests.access.crash_child`."""

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from tests.access.crash_work import Orders

_ROOT = Path(__file__).parents[2]


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a process ended."""

    told: list[str]
    """What it told of the store."""
    died_at: str
    """The point at which it killed itself, if it did."""
    points: dict[str, int]
    """How many points it went through, by phase, if it came to the end."""
    exit_code: int
    """A signal's number, negative, if one ended it."""
    seconds: float


class Forker:
    """Makes processes that are to die, one at a time."""

    def __init__(self, errors: Path) -> None:
        """What goes wrong in them is written to the file `errors`."""
        self.errors: Final = errors
        with errors.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "tests.access.crash_child"],
                cwd=_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout

    def run(self, orders: Orders) -> Ending:
        """Have orders carried out, and wait until whoever does it has ended: that comes by `orders.lives_s`."""
        self._stdin.write(msgspec.json.encode(orders) + b"\n")
        self._stdin.flush()
        told: list[str] = []
        died_at = ""
        points: dict[str, int] = {}
        for line in self._stdout:
            match line.decode().rstrip("\n").split(" "):
                case ["ended", code, seconds]:
                    return Ending(
                        told=told, died_at=died_at, points=points, exit_code=int(code), seconds=float(seconds)
                    )
                case ["dying", *words]:
                    died_at = " ".join(words)
                case ["points", phase, count]:
                    points[phase] = int(count)
                case words:
                    told.append(" ".join(words))
        raise EOFError("the process that makes processes has ended")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stdin.close()
        self._stdout.close()
        self._process.wait()
