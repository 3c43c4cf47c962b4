"""Scenario `storm`: a network comes back after a moment, and everyone with it."""

from functools import partial
from typing import Final

from benchmarks.comparison.figures import cpu_us, figures_of, latencies
from benchmarks.comparison.load import Load, LoadFailedError
from benchmarks.comparison.processes import PLAIN, Running
from benchmarks.comparison.results import Measured
from benchmarks.comparison.turns import Bench

USERS: Final = (200, 1_000)
_PATIENCE_S: Final = 60.0


def measure_storm(bench: Bench) -> None:
    """Compare all peers that are servers."""
    peers = [peer for peer in bench.peers if not peer.is_floor]
    for users in (50,) if bench.quick else USERS:
        bench.compare("storm", PLAIN, partial(_measure, users), among=peers, label=f"{users:,} users")


def _measure(users: int, server: Running) -> Measured:
    report = Load("storm", connections=users, seconds=_PATIENCE_S).run(server)
    if report["all_back_s"] is None:
        raise LoadFailedError(f"not all came back: {report['errors']}")
    figures = figures_of(cpu_us=cpu_us(report), all_back_s=report["all_back_s"])
    return Measured(figures | latencies(report), [report])
