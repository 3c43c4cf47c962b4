"""Servers as processes on one core, and what the system says of them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.comparison.peers import Peer

_CORES: Final = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = _CORES[0], _CORES[-1]
"""The same one on a machine with one: then latencies mean nothing."""
_END_S: Final = 20.0


@dataclass(frozen=True)
class Variant:
    """How a server is to be spoken to."""

    label: str
    tls: bool = False
    resumes: bool = True
    """TLS sessions are resumed."""
    identity: str = "ed25519"
    encoding: str = "json"

    @property
    def flags(self) -> Sequence[str]:
        """What a peer is told of it."""
        return [*(["--tls"] if self.tls else []), "--identity", self.identity, "--encoding", self.encoding]


PLAIN: Final = Variant("plain ws://, Ed25519, JSON")


@dataclass(frozen=True)
class Running:
    """A server that listens."""

    name: str
    url: str
    pid: int
    ca: str | None
    variant: Variant = PLAIN

    def cpu_s(self) -> float:
        """What it has used of the processor so far, of all its threads, in seconds."""
        return cpu_s(self.pid)

    def memory_bytes(self) -> int:
        """What it has in memory (RSS); its share of what others have too (PSS) would change with who else runs."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int) -> float:
    """What its threads have used of the processor, in seconds, to the nanosecond; those that ended are left out."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


@contextmanager
def running(peer: Peer, variant: Variant) -> Iterator[Running]:
    """Have a peer listen while the block lasts. Raises `ServerFailedError`."""
    with spawn([f"benchmarks.peers.{peer.module}", *peer.flags, *variant.flags], SERVER_CORE) as process:
        told = read_line(process)
        if not told:
            raise ServerFailedError(f"{peer.name} did not start; run it alone: {' '.join(map(str, process.args))}")  # type: ignore[arg-type]
        place = json.loads(told)
        yield Running(peer.name, place["url"], place["pid"], place["ca"], variant)


class ServerFailedError(Exception):
    """A peer did not start."""


@contextmanager
def spawn(module: Sequence[str], core: int) -> Iterator[subprocess.Popen[str]]:
    """Run a module on one core while the block lasts."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})  # what is started inherits it, from its first thread on
    try:
        process = subprocess.Popen([sys.executable, "-m", *module], stdout=subprocess.PIPE, text=True)
    finally:
        os.sched_setaffinity(0, before)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def read_line(process: subprocess.Popen[str]) -> str:
    """The next line that it prints; empty when it has ended."""
    return "" if process.stdout is None else process.stdout.readline()


def sleep_until(moment: float) -> None:
    """Wait, on `time.monotonic`'s clock."""
    time.sleep(max(0.0, moment - time.monotonic()))
