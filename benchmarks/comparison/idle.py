"""Scenario `idle`: users who are there, and what each of them takes of memory and of the processor."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from benchmarks.comparison.figures import figures_of
from benchmarks.comparison.load import Load, LoadFailedError
from benchmarks.comparison.peers import Peer
from benchmarks.comparison.processes import PLAIN, Variant, running, sleep_until
from benchmarks.comparison.results import Figures, Measured
from benchmarks.comparison.turns import Bench
from ric0_trio.server.limits import fit_to_descriptors

CONNECTIONS: Final = (1_000, 10_000, fit_to_descriptors(1_000_000))
"""The last: as many as files may be open (`ulimit -n`)."""
OVER_TLS: Final = " over TLS 1.3"
"""How the label of a variant ends, if it is one."""
ROUNDS: Final = 3
"""Memory hardly differs from round to round; of the most users there is one."""
_TLS: Final = Variant("TLS 1.3", tls=True)
_WITH_TLS: Final = ("ours", "websockets_asyncio", "websockets_uvloop", "picows_server")
_PINGED_S: Final = 60.0
"""How long 10,000 users are held, once: more than twice the keepalive's 25 s, so that everyone is pinged twice."""
_SETTLED_S: Final = 0.5


def measure_idle(bench: Bench) -> None:
    """Compare all peers, and a few over TLS. Each is started anew for each turn."""
    most = [200] if bench.quick else sorted(set(CONNECTIONS))
    _measure_numbers(bench, bench.peers, most, PLAIN, "")
    _measure_numbers(bench, bench.those_of(_WITH_TLS), most[:2], _TLS, OVER_TLS)


def _measure_numbers(
    bench: Bench, peers: Sequence[Peer], numbers: Sequence[int], variant: Variant, suffix: str
) -> None:
    labels = [f"{users:,} connections{suffix}" for users in numbers]
    for users, label in zip(numbers, labels, strict=True):
        measured: dict[str, int] = {}

        def measure(peer: Peer, users: int = users, measured: dict[str, int] = measured) -> Measured:
            turn = measured[peer.name] = measured.get(peer.name, -1) + 1
            is_pinged = turn == 0 and users == CONNECTIONS[1] and variant is PLAIN
            found = _measure(peer, variant, users, _PINGED_S if is_pinged else 0.0)
            first = bench.results.find("idle", labels[0], peer.name)
            if users > numbers[0] and first is not None:
                found.figures |= _slope(found.figures, first.rounds[turn].figures, users - numbers[0])
            return found

        acts = {peer.name: partial(measure, peer) for peer in peers}
        bench.take_turns("idle", label, acts, rounds=min(bench.rounds, ROUNDS if users <= CONNECTIONS[1] else 1))


def _slope(many: Figures, few: Figures, more: int) -> Figures:
    """What each connection more takes: what a server has anyhow does not count."""
    most, least = many.get("memory_bytes"), few.get("memory_bytes")
    return {} if most is None or least is None else {"slope_bytes": (most - least) / more}


def _measure(peer: Peer, variant: Variant, users: int, hold_s: float) -> Measured:
    """Memory before and with them all there; and the CPU while they are held for `hold_s`, if that is not nothing."""
    with running(peer, variant) as server:
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
