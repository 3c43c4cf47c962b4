"""The examples as processes of their own, and what they print."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.independent.client import Client

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
PATIENCE_S = 60.0
PATIENT = {"auth_timeout_s": PATIENCE_S, "answer_timeout_s": PATIENCE_S}
"""A machine that is busy with other things is no reason to turn anybody away."""
_TROUBLE = (
    "Warning",
    "connection handler failed",
    "Exception in ASGI application",
    "never awaited",
    "opening handshake",
)
"""What the libraries log of a fault that is the example's. (uvicorn logs a client's faults as well.)"""


class Running:
    """An example that listens."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._printed = b""
        self.url = self.line()

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.url.split("/")[2].partition(":")
        return host, int(port)

    @property
    def stdout(self) -> int:
        """The descriptor of what it prints."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def client(self, encoding: str = "json") -> Client:
        """A client that shares no code with the package."""
        return Client(self.url, ca=Path(), encoding=encoding)

    def line(self) -> str:
        """The next line that it prints."""
        deadline = time.monotonic() + PATIENCE_S
        while b"\n" not in self._printed:
            ready, _, _ = select.select([self.stdout], [], [], max(0, deadline - time.monotonic()))
            assert ready, "it prints nothing"
            more = os.read(self.stdout, 4096)
            assert more, "it has ended"
            self._printed += more
        line, _, self._printed = self._printed.partition(b"\n")
        return line.decode()

    def let_the_store_decide(self) -> None:
        """About one who is called Slow."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def interrupt(self) -> None:
        """As Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)


@contextmanager
def running(*command: str | Path) -> Iterator[Running]:
    """Run Python with these arguments, warnings being errors. The test fails when a handler of the example's did."""
    started = subprocess.Popen(
        [sys.executable, "-W", "error", *map(str, command)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with started as process:
        try:
            yield Running(process)
        finally:
            process.kill()
        assert process.stderr is not None
        said = process.stderr.read().decode()
        assert not any(trouble in said for trouble in _TROUBLE), said[-4000:]


def staged(example: str, **limits: float) -> AbstractContextManager[Running]:
    """Run an example with these limits, telling who joins and who leaves (`tests/examples/staged.py`)."""
    return running("-m", "tests.examples.staged", EXAMPLES / example, json.dumps(PATIENT | limits))
