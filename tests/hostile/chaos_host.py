"""The real command on one data directory and one port: killed, stopped, and started again."""

import json
import math
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import trio

from ric0_trio.testing import SERVER_KEY
from tests.independent.ports import find_port

START_S = 60.0
STOP_S = 40.0  # above the drain's 30
POLL_S = 0.02
CONFIG = """
[access]
mode = "invite"
connections_per_user = 1
when_exceeded = "refuse"
[audit]
max_entries = 10000000
[log]
format = "json"
"""
"""All limits are at their defaults, and no network is exempt from them."""


class HostError(Exception):
    """The server did not start, or ended by itself."""


@dataclass(frozen=True)
class Usage:
    """What a process held at one moment."""

    descriptors: int
    mib: float
    cpu_s: float
    """All that it has used of processors until then."""


@dataclass(eq=False)
class Life:
    """One process that served: clients may find it a little before it is known to listen."""

    number: int
    process: subprocess.Popen[bytes]
    log: Path
    began_at: float = math.inf
    """When it was known to listen."""
    ended_at: float = math.inf
    """When it was made to end."""
    how: str = ""
    """`killed` or `stopped`."""
    used: list[Usage] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return self.ended_at < math.inf


class Host:
    """Where one process serves after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = find_port()
        self.url = f"wss://127.0.0.1:{self.port}"
        self.lives: list[Life] = []
        self._identity = folder / "identity.pem"
        self._identity.touch(mode=0o600)
        self._identity.write_bytes(SERVER_KEY.to_pem())
        (folder / "ric0.toml").write_text(CONFIG)
        self._tls: ssl.SSLContext | None = None

    @property
    def life(self) -> Life:
        """The present one, or the last."""
        return self.lives[-1]

    @property
    def is_up(self) -> bool:
        return bool(self.lives) and self.life.began_at < math.inf and not self.life.is_over

    @property
    def ca(self) -> Path:
        return self.data / "ca.pem"

    @property
    def tls(self) -> ssl.SSLContext:
        """What its clients trust: the certificate stays the same."""
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self.ca)
        return self._tls

    async def start(self) -> None:
        """Start it, and wait until it listens. Raises `HostError`."""
        ready, log = self.folder / "ready.json", self.folder / f"log-{len(self.lives) + 1}.txt"
        ready.unlink(missing_ok=True)
        process = self._launch(ready, log)
        self.lives.append(Life(len(self.lives) + 1, process, log))
        await until(lambda: ready.exists() or process.poll() is not None, START_S)
        if not ready.exists():
            raise HostError(f"the server did not start: {log.read_text()[-2000:]}")
        self.life.began_at = trio.current_time()

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._end("killed", signal.SIGKILL)
        self.life.process.wait()

    async def stop(self) -> int:
        """Have it take leave of everyone, and return its exit code."""
        self._end("stopped", signal.SIGTERM)
        await until(lambda: self.life.process.poll() is not None, STOP_S)
        self.life.process.kill()
        return self.life.process.wait()

    def look(self) -> Usage | None:
        """Take note of what the present process holds; None when there is none."""
        found = usage_of(self.life.process.pid) if self.is_up else None
        if found is not None:
            self.life.used.append(found)
        return found

    def check_alive(self) -> None:
        """Raises `HostError` for a process that ended and was not made to."""
        code = self.life.process.poll() if self.is_up else None
        if code is not None:
            raise HostError(f"the server ended by itself, with {code}: {self.life.log.read_text()[-2000:]}")

    def close(self) -> None:
        """Leave nothing running."""
        for life in self.lives:
            life.process.kill()
            life.process.wait()

    def find_complaints(self) -> list[str]:
        """What stands in the logs that nobody may make a server say."""
        return [f"the log says: {line[:2000]}" for life in self.lives for line in _lines(life) if _is_complaint(line)]

    def count_limits(self) -> dict[str, int]:
        """How often each limit was reached, as far as the logs tell: what a killed process had not said is lost."""
        counts: dict[str, int] = {}
        for life in self.lives:
            for line in _lines(life):
                if '"limit.reached"' in line:
                    told = json.loads(line)
                    counts[told["limit"]] = counts.get(told["limit"], 0) + told["times"]
        return counts

    def _launch(self, ready: Path, log: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "ric0_trio", "serve", "--dev", "--port", str(self.port)]
        command += ["--config", str(self.folder / "ric0.toml"), "--data-dir", str(self.data)]
        command += ["--identity", str(self._identity), "--ready-file", str(ready)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RIC0_TRIO_")}
        with log.open("wb") as output:
            return subprocess.Popen(command, env=environment, stdout=output, stderr=output)

    def _end(self, how: str, number: signal.Signals) -> None:
        self.life.ended_at, self.life.how = trio.current_time(), how
        self.life.process.send_signal(number)


async def until(condition: Callable[[], object], within_s: float, every_s: float = POLL_S) -> None:
    """Wait for what has no event, or until it takes too long."""
    with trio.move_on_after(within_s):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(every_s)


def usage_of(pid: int) -> Usage | None:
    """Descriptors, resident memory and time, where the system tells."""
    try:
        descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        status = Path(f"/proc/{pid}/status").read_text()
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    except (OSError, StopIteration):
        return None
    return Usage(descriptors, kib / 1024, sum(map(int, times)) / os.sysconf("SC_CLK_TCK"))


def _lines(life: Life) -> list[str]:
    return life.log.read_text(errors="replace").splitlines()


def _is_complaint(line: str) -> bool:
    return "Traceback" in line or '"level": "error"' in line or '"level": "critical"' in line
