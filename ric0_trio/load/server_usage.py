"""What a process uses, by the system's account: of the server, when it is on this machine."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """Of one process, so far."""

    cpu_s: float
    """User and system time of all its threads."""
    rss_bytes: int
    pss_bytes: int | None
    """Its share of what it has in memory with others; None when that may not be read."""


def read_usage(pid: int) -> Usage:
    """Read it now. Raises `OSError` when there is no such process."""
    folder = Path("/proc", str(pid))
    return Usage(
        cpu_s=read_cpu_s(pid),
        rss_bytes=_kilobytes("VmRSS", (folder / "status").read_text()) or 0,
        pss_bytes=_read_pss(folder),
    )


def read_cpu_s(pid: int) -> float:
    """Read its user and system time alone."""
    fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _read_pss(folder: Path) -> int | None:
    try:
        return _kilobytes("Pss", (folder / "smaps_rollup").read_text())
    except OSError:
        return None


def _kilobytes(name: str, text: str) -> int | None:
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return None if found is None else int(found[1]) * 1024
