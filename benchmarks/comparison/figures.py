"""From the load's reports to figures."""

from dataclasses import replace

from benchmarks.comparison.load import Load, LoadFailedError, Report
from benchmarks.comparison.processes import Running
from benchmarks.comparison.results import Figures, Measured


def figures_of(**figures: float | None) -> Figures:
    """Figures by name."""
    return figures


def cpu_us(report: Report) -> float:
    """The server's CPU an operation, by the system's account: good, even where the load was the bottleneck.

    Raises `LoadFailedError` when nothing was done.
    """
    if not report["operations"]:
        raise LoadFailedError(
            f"nothing came of {report['scenario']} at {report['url']}: {report['errors'] or 'no answer'}"
        )
    return float(report["server"]["cpu_us_per_operation"])


def latencies(report: Report) -> Figures:
    """What users waited; None where the load was the bottleneck."""
    found = report["latency_ms"] or {}
    return {"p50_ms": found.get("p50"), "p99_ms": found.get("p99"), "p999_ms": found.get("p99.9")}


def half_load(full: Report, load: Load, server: Running) -> Measured:
    """Run `load` at half the rate that the server came to in `full`, and put the figures of both together.

    Where the load was the bottleneck in `full`, half of what the server's core would have time for.
    """
    capacity = full["per_second"] or 1e6 / cpu_us(full)
    half = replace(load, rate=capacity / 2).run(server)
    figures = figures_of(cpu_us=cpu_us(full), per_second=full["per_second"], half_rate=capacity / 2)
    return Measured(figures | latencies(half), [full, half])
