"""Scenario `message`: connected users who ask, one request at a time each."""

from functools import partial
from typing import Final

from benchmarks.comparison.figures import cpu_us, figures_of, half_load
from benchmarks.comparison.load import Load
from benchmarks.comparison.processes import PLAIN, Running
from benchmarks.comparison.results import Measured
from benchmarks.comparison.turns import Bench

CONNECTIONS: Final = (1, 100, 1_000)
LATENCY_AT: Final = 100
"""With so many users, latencies are measured at half load as well."""


def measure_messages(bench: Bench) -> None:
    """Compare all peers with few and with many users."""
    for users in (20,) if bench.quick else CONNECTIONS:
        measure = partial(_measure, bench.seconds, users)
        bench.compare("message", PLAIN, measure, label=f"{users:,} connection{'' if users == 1 else 's'}")


def _measure(seconds: float, users: int, server: Running) -> Measured:
    load = Load("message", connections=users, seconds=seconds)
    full = load.run(server)
    if users == LATENCY_AT:
        return half_load(full, load, server)
    return Measured(figures_of(cpu_us=cpu_us(full), per_second=full["per_second"]), [full])
