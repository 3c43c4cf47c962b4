"""Scenario `growth`: does a session, or a message, cost more when more is kept, or more users are there?"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.bench_access import fill
from benchmarks.comparison.figures import cpu_us, figures_of
from benchmarks.comparison.load import Load
from benchmarks.comparison.peers import OURS, PEERS, SERVED
from benchmarks.comparison.processes import PLAIN, Running, running
from benchmarks.comparison.results import Measured
from benchmarks.comparison.turns import Bench, say
from ric0_trio.access.database import Database
from ric0_trio.data_dir import DataDir

KEPT: Final = (10, 1_000, 100_000, 1_000_000)
LIVE: Final = (10, 100, 1_000, 10_000)
_AT_ONCE: Final = 16


def measure_growth(bench: Bench) -> None:
    """Measure the real command with more and more kept, and our server with more and more users there."""
    if bench.those_of((SERVED,)):
        _measure_kept(bench, KEPT[:2] if bench.quick else KEPT)
    if bench.those_of((OURS,)):
        _measure_live(bench, LIVE[:2] if bench.quick else LIVE)


def _measure_kept(bench: Bench, sizes: tuple[int, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            say(f"growth: keeping {size:,} members, bans and tokens")
            _fill(Path(folder, str(size)), size)
        for _ in range(bench.rounds):
            for size in sizes:
                act = partial(_measure_start, Path(folder, str(size)), bench.seconds)
                bench.take_turns("kept", f"{size:,}", {SERVED: act}, rounds=1)


def _fill(folder: Path, size: int) -> None:
    data = DataDir(folder)
    data.make()
    database = Database(data.database, is_server=True)
    fill(database, size)
    database.close()


def _measure_start(folder: Path, seconds: float) -> Measured:
    peer = replace(PEERS[SERVED], flags=("--data-dir", str(folder)))
    begun = time.monotonic()
    with running(peer, PLAIN) as server:
        startup_s = time.monotonic() - begun
        found = _measure_both(server, seconds)
    found.figures["startup_s"] = startup_s
    return found


def _measure_live(bench: Bench, numbers: tuple[int, ...]) -> None:
    for _ in range(bench.rounds):
        for users in numbers:
            with running(PEERS[OURS], PLAIN) as server, _users(server, users):
                act = partial(_measure_both, server, bench.seconds)
                bench.take_turns("live", f"{users:,}", {OURS: act}, rounds=1)


@contextmanager
def _users(server: Running, number: int) -> Iterator[None]:
    """So many are there while the block lasts."""
    load = Load("idle", connections=number, hold_s=600)
    with ExitStack() as stack:
        process = stack.enter_context(load.holding(server))
        load.wait_until_connected(process)
        yield


def _measure_both(server: Running, seconds: float) -> Measured:
    session = Load("session", connections=_AT_ONCE, seconds=seconds).run(server)
    message = Load("message", connections=_AT_ONCE, seconds=seconds).run(server)
    return Measured(figures_of(cpu_us=cpu_us(session), message_cpu_us=cpu_us(message)), [session, message])
