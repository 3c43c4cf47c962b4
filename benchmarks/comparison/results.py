"""What was measured, every single figure of it, with what it was measured on: one JSON file."""

import platform
import ssl
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.comparison.load import SEED

_PACKAGES: Final = (
    "ric0-trio",
    "trio",
    "trio-websocket",
    "wsproto",
    "h11",
    "websockets",
    "uvloop",
    "uvicorn",
    "httptools",
    "picows",
    "pynacl",
    "cryptography",
    "msgspec",
    "pymongo",
)

Figures = dict[str, float | None]
"""By name. None is withheld: the load was the bottleneck."""


class Measured(msgspec.Struct):
    """One turn of one peer."""

    figures: Figures
    reports: list[dict[str, Any]] = []
    """What the load said, as it said it."""
    problem: str | None = None
    """Why there are no figures."""

    @property
    def errors(self) -> dict[str, int]:
        """What went wrong, by its kind, and how often."""
        found: dict[str, int] = {}
        for report in self.reports:
            for kind, count in report.get("errors", {}).items():
                found[kind] = found.get(kind, 0) + count
        return found


class Row(msgspec.Struct):
    """One peer in one variant of a scenario, round by round."""

    scenario: str
    variant: str
    peer: str
    rounds: list[Measured] = []

    def values(self, figure: str) -> Sequence[float | None]:
        """A figure of each round that has it."""
        return [measured.figures[figure] for measured in self.rounds if figure in measured.figures]


class Results(msgspec.Struct):
    """A whole run."""

    begun: str
    command: list[str]
    seed: int
    versions: dict[str, str]
    machine: dict[str, str]
    rows: list[Row] = []

    @classmethod
    def begin(cls, command: Sequence[str]) -> "Results":
        """Take note of when, how and on what."""
        return cls(datetime.now(UTC).isoformat(timespec="seconds"), list(command), SEED, _versions(), _machine())

    def add(self, scenario: str, variant: str, peer: str, measured: Measured) -> None:
        """Take a round's figures."""
        row = self.find(scenario, variant, peer)
        if row is None:
            row = Row(scenario, variant, peer)
            self.rows.append(row)
        row.rounds.append(measured)

    def find(self, scenario: str, variant: str, peer: str) -> Row | None:
        """A row, if there is such a one."""
        return next(
            (row for row in self.rows if (row.scenario, row.variant, row.peer) == (scenario, variant, peer)), None
        )

    def of(self, scenario: str) -> dict[str, list[Row]]:
        """The rows of a scenario, by variant, in the order in which they came."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            if row.scenario == scenario:
                found.setdefault(row.variant, []).append(row)
        return found

    def save(self, path: Path) -> None:
        """Write it, to be read by people too."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")

    @classmethod
    def load(cls, path: Path) -> "Results":
        """Read what `save` wrote."""
        return msgspec.json.decode(path.read_bytes(), type=cls)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "openssl": ssl.OPENSSL_VERSION}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _machine() -> dict[str, str]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = str(sum(line.startswith("processor") for line in lines))
    return {
        "processor": models[0] if models else "",
        "cores": cores,
        "kernel": platform.release(),
        "system": sys.platform,
    }
