"""What a run says in the end, as one JSON object."""

import os
import platform
import re
import ssl
import sys
from pathlib import Path
from typing import Any

from ric0_trio import __version__
from ric0_trio.load.plan import Scenario
from ric0_trio.load.run import Measured

_PERCENTS = (50.0, 99.0, 99.9)


def as_object(measured: Measured) -> dict[str, Any]:
    """All of it. Figures that the load distorted are null."""
    plan, tally, blame = measured.plan, measured.tally, measured.bottleneck
    lasted_s = tally.seconds if tally.back_s is None else tally.back_s
    is_timed = plan.scenario is not Scenario.IDLE and blame is None
    return {
        "scenario": plan.scenario.value,
        "url": plan.url,
        "encoding": plan.encoding,
        "tls": "TLSv1.3" if plan.address.is_tls else None,
        "resumed": tally.resumed if plan.address.is_tls else None,
        "connections": plan.connections,
        "seconds": round(tally.seconds, 3),
        "rate": plan.rate,
        "operations": tally.operations,
        "errors": dict(tally.errors),
        "per_second": round(tally.operations / lasted_s, 1) if is_timed and lasted_s > 0 else None,
        "latency_ms": {f"p{one:g}": tally.latencies.percentile_ms(one) if is_timed else None for one in _PERCENTS},
        "load": {"processes": plan.processes, "cpu_s": round(tally.cpu_s, 4), "share": round(tally.share, 3)},
        "server": _server(measured),
        "bottleneck": None if blame is None else "load",
        "bottleneck_says": blame,
        "problem": measured.problem,
        **_own_figures(measured),
        "user_format": plan.user_format,
        "users": plan.users,
        "seed": plan.seed,
        "interrupted": measured.is_interrupted,
        "command": _command(),
        "versions": {
            "ric0-trio": __version__,
            "python": platform.python_version(),
            "openssl": ssl.OPENSSL_VERSION,
        },
        "machine": {"cpus": os.cpu_count(), "kernel": platform.release(), "model": _cpu_model()},
        "begun": measured.begun.isoformat(timespec="milliseconds"),
    }


def _own_figures(measured: Measured) -> dict[str, Any]:
    tally = measured.tally
    match measured.plan.scenario:
        case Scenario.IDLE:
            return {"stayed": tally.stayed, "pings": tally.pings}
        case Scenario.STORM:
            is_over = tally.stayed == measured.plan.connections and tally.back_s is not None
            return {"all_back_s": round(tally.back_s or 0.0, 4) if is_over else None}
        case _:
            return {}


def _server(measured: Measured) -> dict[str, Any] | None:
    before, after = measured.before, measured.after
    if before is None or after is None:
        return None
    cpu_s, operations = after.cpu_s - before.cpu_s, measured.tally.operations
    return {
        "pid": measured.server_pid,
        "cpu_s": round(cpu_s, 3),
        "cpu_us_per_operation": round(cpu_s / operations * 1e6, 1) if operations else None,
        "rss_bytes": after.rss_bytes,
        "rss_bytes_before": before.rss_bytes,
        "pss_bytes": after.pss_bytes,
    }


def _command() -> list[str]:
    """As it was given, but for a secret."""
    words = ["ric0-trio", *sys.argv[1:]]
    for number, word in enumerate(words):
        if word == "--join-token" and number + 1 < len(words):
            words[number + 1] = "…"
        elif word.startswith("--join-token="):
            words[number] = "--join-token=…"
    return words


def _cpu_model() -> str | None:
    try:
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    return None if found is None else found[1]
