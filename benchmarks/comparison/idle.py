"""Scenario `idle`: users who are there, and what each of them takes of memory and of the processor."""

import time
from functools import partial
from typing import Final

from benchmarks.comparison.figures import figures_of
from benchmarks.comparison.load import Load, LoadFailedError
from benchmarks.comparison.peers import Peer
from benchmarks.comparison.processes import PLAIN, running, sleep_until
from benchmarks.comparison.results import Measured
from benchmarks.comparison.turns import Bench
from ric0_trio.server.limits import fit_to_descriptors

CONNECTIONS: Final = (1_000, 10_000, fit_to_descriptors(1_000_000))
"""The last: as many as files may be open (`ulimit -n`)."""
ROUNDS: Final = 3
"""Memory hardly differs from round to round."""
_PINGED_S: Final = 60.0
"""More than twice the keepalive's 25 s, so that everyone is pinged twice."""
_SETTLED_S: Final = 0.5


def measure_idle(bench: Bench) -> None:
    """Compare all peers, each started anew for each turn."""
    for users in (200,) if bench.quick else sorted(set(CONNECTIONS)):
        measured: set[str] = set()

        def measure(peer: Peer, users: int = users, measured: set[str] = measured) -> Measured:
            is_first = peer.name not in measured and users <= CONNECTIONS[1] and not bench.quick
            measured.add(peer.name)
            return _measure(peer, users, _PINGED_S if is_first else 0.0)

        acts = {peer.name: partial(measure, peer) for peer in bench.peers}
        bench.take_turns("idle", f"{users:,} connections", acts, rounds=min(bench.rounds, ROUNDS))


def _measure(peer: Peer, users: int, hold_s: float) -> Measured:
    """Memory before and with them all there; and the CPU while they are held for `hold_s`, if that is not nothing."""
    with running(peer, PLAIN) as server:
        Load("session", connections=16, seconds=0.5).run(server)  # what is made once, for the first few
        before = server.memory_bytes()
        load = Load("idle", connections=users, hold_s=hold_s + 2 * _SETTLED_S)
        with load.holding(server) as process:
            connected = load.wait_until_connected(process)
            time.sleep(_SETTLED_S)
            memory, cpu, begun = server.memory_bytes(), server.cpu_s(), time.monotonic()
            sleep_until(begun + hold_s)
            spent, took = server.cpu_s() - cpu, time.monotonic() - begun
            report = load.report(process)
    if report["stayed"] < users:
        raise LoadFailedError(f"of {users:,} users {report['stayed']:,} stayed: {report['errors']}")
    figures = figures_of(bytes_each=(memory - before) / connected, memory_bytes=memory)
    if hold_s:
        figures["cpu_share"] = spent / took
    return Measured(figures, [report])
