"""A run that is ended leaves nothing running."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

PATIENCE_S = 60
RUN = [sys.executable, "-m", "benchmarks", "session", "--peers", "ours,floor_trio_tcp", "--seconds", "30"]


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_load(pid: int) -> bool:
    """Whether it is the load, which comes when all servers are there."""
    try:
        return b"bench" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:  # it has ended
        return False


def is_running(pid: int) -> bool:
    """Whether it is there, and no zombie that init has not looked at yet."""
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the children of a process cannot be told here")
def test_servers_and_load_end_with_it() -> None:
    with subprocess.Popen(RUN, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        try:
            until = time.monotonic() + PATIENCE_S
            while not any(map(is_load, started := children_of(run.pid))) and time.monotonic() < until:
                os.sched_yield()
            run.terminate()
            run.wait(PATIENCE_S)
        finally:
            run.kill()
    assert len(started) == 3
    assert not any(map(is_running, started))
