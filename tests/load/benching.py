"""The command `bench`, run as a process: it forks, which a process with threads, as tests have, should not."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.independent.serving import NO_BOUND_PER_ADDRESS, Server

PATIENCE_S = 60.0

OPEN_TO_LOADS: Final = {
    **NO_BOUND_PER_ADDRESS,
    "RIC0_TRIO_LIMITS_MESSAGES_PER_S": "1000000",
    "RIC0_TRIO_LIMITS_MESSAGES_BURST": "1000000",
    "RIC0_TRIO_LIMITS_OVERLOAD_WAIT_S": "10",  # tests share their processors with others
    "RIC0_TRIO_LIMITS_PING_INTERVAL_S": "0.1",
}


@dataclass(frozen=True)
class Ended:
    """How it ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The last of its JSON objects."""
        told: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return told


def start(server: Server | str, *words: str | Path) -> "subprocess.Popen[str]":
    url, trust = (server, []) if isinstance(server, str) else (server.url, ["--ca", str(server.ca)])
    if url.startswith("ws:"):
        trust = []
    command = [sys.executable, "-W", "error", "-m", "ric0_trio", "bench", url, *trust, *map(str, words)]
    environment = {**os.environ, "COLUMNS": "110"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def bench(server: Server | str, *words: str | Path) -> Ended:
    with start(server, *words) as process:
        out, err = process.communicate(timeout=PATIENCE_S)
        assert "Traceback" not in err, err
        return Ended(process.returncode, out, err)
