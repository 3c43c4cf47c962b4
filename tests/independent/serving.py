"""The real command, run as its operator runs it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tests.independent.client import Client
from tests.independent.keys import PublicKey

START_S = 60.0  # a start takes seconds of a processor, which others may want as well
STOP_S = 40.0  # above the drain's 30
POLL_S = 0.02


@dataclass(frozen=True)
class Server:
    url: str
    pubkey: PublicKey
    fingerprint: str
    ca: Path
    process: subprocess.Popen[bytes]

    def client(self, encoding: str = "json") -> Client:
        return Client(self.url, ca=self.ca, encoding=encoding)

    def ask_to_stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def exit_code(self) -> int:
        return self.process.wait(STOP_S)


NO_BOUND_PER_ADDRESS = {"RIC0_TRIO_LIMITS_EXEMPT_NETWORKS": '["127.0.0.0/8"]'}
"""Tests come from one address, more often than a client would."""
PATIENT = {
    "RIC0_TRIO_LIMITS_OVERLOAD_WAIT_S": "3600",
    "RIC0_TRIO_LIMITS_OPENING_TIMEOUT_S": "60",
    "RIC0_TRIO_LIMITS_AUTH_TIMEOUT_S": "60",
    "RIC0_TRIO_LIMITS_ANSWER_TIMEOUT_S": "60",
}
"""A machine that is busy with other things is no reason to turn anybody away."""


@contextmanager
def running_server(
    folder: Path,
    *options: str,
    python: Sequence[str] = ("-m", "ric0_trio"),
    passed: Sequence[int] = (),
    environment: Mapping[str, str] = MappingProxyType(NO_BOUND_PER_ADDRESS),
    is_dev: bool = True,
) -> Iterator[Server]:
    """A server that listens; one that has not been stopped by the end is killed.

    `python` is what starts it, with the descriptors `passed`. Without `is_dev` the options say all that it needs.
    """
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    dev = ["--dev", "--port", "0", "--data-dir", str(folder / "data")] if is_dev else []
    command = [sys.executable, *python, "serve", *dev, "--ready-file", str(ready), *options]
    with (
        (folder / "output.txt").open("wb") as output,
        subprocess.Popen(
            command, env={**os.environ, **PATIENT, **environment}, stdout=output, stderr=output, pass_fds=passed
        ) as process,
    ):
        try:
            _wait_for(ready, process)
            told = json.loads(ready.read_bytes())
            yield Server(told["url"], told["pubkey"], told["fingerprint"], Path(told["ca"] or ""), process)
        finally:
            process.kill()


def _wait_for(ready: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"no server: {ready.with_name('output.txt').read_text()[-2000:]}")
        time.sleep(POLL_S)
