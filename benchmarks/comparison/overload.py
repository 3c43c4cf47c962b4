"""Scenario `overload`: logins past what the server can do, and users in floods (`benchmarks.bench_overload`)."""

import os
import statistics
from typing import Final

from benchmarks import bench_overload as overload
from benchmarks.comparison.figures import cpu_us, figures_of
from benchmarks.comparison.load import Load
from benchmarks.comparison.peers import PEERS, SERVED
from benchmarks.comparison.processes import LOAD_CORE, PLAIN, SERVER_CORE, running
from benchmarks.comparison.results import Measured
from benchmarks.comparison.turns import Bench, say
from benchmarks.served import running_server

_TIMES_THE_PEAK: Final = (1, 2, 3)
_AT_ONCE: Final = 16
_PLACES: Final = 4_096
"""As many newcomers may be under way, or nobody could ask for more than the server does."""
_QUICK_PEAK: Final = 50.0


def measure_overload(bench: Bench) -> None:
    """Measure the real command alone: what it does under too much is its own bounds' work."""
    if bench.those_of((SERVED,)):
        _measure_logins(bench)
        _measure_floods(bench)


def _measure_logins(bench: Bench) -> None:
    """Ask for the peak and more; in plain, as a load that speaks TLS takes as much as the server does."""
    with running(PEERS[SERVED], PLAIN) as server:
        say("overload: the peak")
        full = Load("session", connections=_AT_ONCE, seconds=bench.seconds).run(server)
        capacity = full["per_second"] or 1e6 / cpu_us(full)
        for number in range(bench.rounds):
            say(f"overload: logins, round {number + 1} of {bench.rounds}")
            rates = [capacity * times for times in _TIMES_THE_PEAK]
            loads = [Load("session", connections=_PLACES, seconds=bench.seconds, rate=rate) for rate in rates]
            reports = [load.run(server) for load in loads]
            peak = max(report["per_second"] or 0 for report in reports)
            for times, rate, report in zip(_TIMES_THE_PEAK, rates, reports, strict=True):
                known = report["per_second"]
                figures = figures_of(per_second=known, of_peak=known and known / peak, asked=rate)
                label = "the peak" if times == 1 else f"{times} times the peak"
                bench.results.add("logins", label, SERVED, Measured(figures, [report]))


def _measure_floods(bench: Bench) -> None:
    """Have users ask over TLS while strangers flood, no bound lifted, each stranger from an address of its own."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {LOAD_CORE})
    try:
        with running_server(core=SERVER_CORE) as served:
            seconds = 0.5 if bench.quick else max(5.0, bench.seconds)
            say("overload: the peak over TLS")
            overload.log_in(served, 50, min(2, seconds))  # to warm up
            peak = _QUICK_PEAK
            if not bench.quick:
                peak = overload.find_peak(overload.measure_logins(served, overload.RATES, seconds))
            say("overload: users in floods")
            _keep_waits(bench, overload.measure_users(served, peak, seconds, 1 if bench.quick else 2))
    finally:
        os.sched_setaffinity(0, before)


def _keep_waits(bench: Bench, waits: dict[str, overload.Waits]) -> None:
    quiet = overload.p99(waits[overload.QUIET].took_ms)
    for flood, found in waits.items():
        took, p99 = found.took_ms, overload.p99(found.took_ms)
        figures = figures_of(p99_ms=p99, p50_ms=statistics.median(took), to_quiet=p99 / quiet)
        if found.strangers_per_s:
            figures["strangers_per_s"] = statistics.median(found.strangers_per_s)
        bench.results.add("flood", flood, SERVED, Measured(figures))
