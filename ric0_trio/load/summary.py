"""A run's figures for people: a small table."""

from collections.abc import Iterator

from ric0_trio.load.report import as_object
from ric0_trio.load.run import Measured
from ric0_trio.load.verdict import say_errors


def summary(measured: Measured) -> Iterator[str]:
    """Its lines."""
    plan, found = measured.plan, as_object(measured)
    through = f"{plan.encoding} over {found['tls'] or 'plain TCP'}"
    loop = "closed loop" if plan.rate is None else f"{plan.rate:g} a second"
    yield f"{plan.scenario} at {plan.url}: {through}, {plan.connections} connections, {loop}"
    yield ""
    per_second = _if("{:,} a second", found["per_second"])
    yield _row("operations", f"{found['operations']:,} in {found['seconds']:g} s", per_second)
    if found["resumed"] is not None:
        yield _row("TLS resumed", f"{found['resumed']:,}")
    if any(time is not None for time in found["latency_ms"].values()):
        yield _row("latency", *(f"{name} {time:,.2f} ms" for name, time in found["latency_ms"].items()))
    if "stayed" in found:
        yield _row("stayed", f"{found['stayed']:,} of {plan.connections:,}", f"{found['pings']:,} pings")
    if "all_back_s" in found:
        yield _row("all back after", _if("{:.2f} s", found["all_back_s"]) or "they were not")
    yield _row("errors", say_errors(found["errors"]) if found["errors"] else "none")
    load, server = found["load"], found["server"]
    yield _row("load", f"{load['cpu_s']:.2f} s of CPU", f"{load['share']:.0%} of a processor, of {load['processes']}")
    if server is not None:
        each = _if("{:,.0f} µs of CPU an operation", server["cpu_us_per_operation"])
        yield _row("server", each, f"{server['cpu_s']:.2f} s", f"{server['rss_bytes'] / 2**20:,.1f} MiB")


def _row(name: str, *values: str) -> str:
    return f"  {name:<16}" + "   ".join(value for value in values if value)


def _if(pattern: str, value: float | None) -> str:
    return "" if value is None else pattern.format(value)
