"""A run that is ended leaves nothing running."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PATIENCE_S = 60


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """Whether it is there, and no zombie that init has not looked at yet."""
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the children of a process cannot be told here")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_servers_and_load_end_with_it(number: int) -> None:
    command = [sys.executable, "-m", "benchmarks", "session", "--peers", "ours,floor_trio_tcp", "--seconds", "30"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        until = time.monotonic() + PATIENCE_S
        while len(servers := children_of(run.pid)) < 2 and time.monotonic() < until:
            os.sched_yield()
        run.send_signal(number)
        run.wait(PATIENCE_S)
    assert len(servers) == 2
    assert not any(map(is_running, servers))
