"""The load, `ric0-trio bench`, as a process on the other core, and what it reports."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.comparison.processes import LOAD_CORE, Running, read_line, spawn

SEED = 1
Report = dict[str, Any]


class LoadFailedError(Exception):
    """The load could not do what it was asked."""


@dataclass(frozen=True)
class Load:
    """What is to be done to a server."""

    scenario: str
    connections: int
    seconds: float | None = None
    rate: float | None = None
    hold_s: float | None = None
    more: list[str] = field(default_factory=list)

    def command(self, at: Running) -> list[str]:
        """The arguments after `python -m`."""
        variant = at.variant
        command = ["ric0_trio", "bench", at.url, "--json", "--scenario", self.scenario, "--seed", str(SEED)]
        command += ["--connections", str(self.connections), "--server-pid", str(at.pid), "--encoding", variant.encoding]
        command += [] if self.seconds is None else ["--seconds", f"{self.seconds:g}"]
        command += [] if self.rate is None else ["--rate", f"{self.rate:.1f}"]
        command += [] if self.hold_s is None else ["--hold", f"{self.hold_s:g}"]
        command += [] if at.ca is None else ["--ca", at.ca]
        command += [] if variant.resumes or not variant.tls else ["--no-resumption"]
        return command + self.more

    def run(self, at: Running) -> Report:
        """Do it, and give the report. Raises `LoadFailedError`."""
        with self.holding(at) as process:
            return self.report(process)

    @contextmanager
    def holding(self, at: Running) -> Iterator[subprocess.Popen[str]]:
        """Do it beside the block."""
        with spawn(self.command(at), LOAD_CORE) as process:
            yield process

    def wait_until_connected(self, process: subprocess.Popen[str]) -> int:
        """Wait until all are connected, as `idle` says it; how many they are. Raises `LoadFailedError`."""
        return int(self._parse(read_line(process), process)["connected"])

    def report(self, process: subprocess.Popen[str]) -> Report:
        """Wait for the end, and give the report. Raises `LoadFailedError`."""
        out, _ = process.communicate()
        lines = out.strip().splitlines()
        return self._parse(lines[-1] if lines else "", process)

    def _parse(self, line: str, process: subprocess.Popen[str]) -> Report:
        try:
            found: Report = json.loads(line)
        except ValueError:
            raise LoadFailedError(f"the load gave no report: {' '.join(map(str, process.args))}") from None  # type: ignore[arg-type]
        return found
