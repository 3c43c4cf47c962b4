"""Scenario `overload`: `benchmarks.bench_overload` with its figures kept, in the variants `logins` and `flood`."""

import os
import statistics
from collections.abc import Sequence
from typing import Final

from benchmarks import bench_overload as overload
from benchmarks.comparison.figures import figures_of
from benchmarks.comparison.peers import SERVED
from benchmarks.comparison.processes import LOAD_CORE, SERVER_CORE
from benchmarks.comparison.results import Measured
from benchmarks.comparison.turns import Bench, say
from benchmarks.served import running_server

_QUICK_RATES: Final = (50.0, 100.0)
_TIMES_THE_PEAK: Final = (1, 2, 3)


def measure_overload(bench: Bench) -> None:
    """Measure the real command alone: what it does under too much is its own bounds' work."""
    if not bench.those_of((SERVED,)):
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {LOAD_CORE})
    try:
        with running_server(core=SERVER_CORE) as served:
            seconds = 0.5 if bench.quick else max(5.0, bench.seconds)
            say("overload: logins")
            overload.log_in(served, 50, min(2, seconds))  # to warm up
            rates: Sequence[float] = _QUICK_RATES if bench.quick else overload.RATES
            peak = overload.find_peak(overload.measure_logins(served, rates, seconds))
            for number in range(bench.rounds):
                say(f"overload: logins, round {number + 1} of {bench.rounds}")
                asked = [peak * times for times in _TIMES_THE_PEAK]
                _keep_logins(bench, overload.measure_logins(served, asked, seconds))
            say("overload: users in floods")
            _keep_waits(bench, overload.measure_users(served, peak, seconds, 1 if bench.quick else 2))
    finally:
        os.sched_setaffinity(0, before)


def _keep_logins(bench: Bench, found: Sequence[overload.Logins]) -> None:
    peak = overload.find_peak(found)
    for times, logins in zip(_TIMES_THE_PEAK, found, strict=True):
        known = None if logins.is_load_bound else logins.succeeded
        figures = figures_of(per_second=known, of_peak=known and known / peak, asked=logins.asked)
        label = "asked for the peak" if times == 1 else f"asked for {times} times the peak"
        bench.results.add("logins", label, SERVED, Measured(figures))


def _keep_waits(bench: Bench, waits: dict[str, list[float]]) -> None:
    quiet = overload.p99(waits[overload.QUIET])
    for flood, took in waits.items():
        p99 = overload.p99(took)
        figures = figures_of(p99_ms=p99, p50_ms=statistics.median(took), to_quiet=p99 / quiet)
        bench.results.add("flood", flood, SERVED, Measured(figures))
