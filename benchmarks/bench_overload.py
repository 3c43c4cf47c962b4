"""What becomes of users, and of good newcomers, when strangers ask for twice what the server can do.

Run as `python -m benchmarks.bench_overload` (Linux, two cores): the real command over TLS on one core, as it comes, no
bound lifted; everything else on the other core. Each stranger and newcomer has another address of 127.0.0.0/8, as
a botnet has: the bounds per address do not help the server here.

1. Newcomers log in, at growing rates that do not wait for the server: how many succeed a second, up to three times the
   rate that does best.
2. Twenty users are connected, and each sends a request five times a second (a repeated `connect`, answered
   `already_connected`): how long until its answer, from when it was due. In turns quiet, and with strangers who flood:
   challenges, connects with forged proofs, half-open TLS, slow heads, and all of these. Each flood is to come at twice
   the rate at which logins do best; how many strangers a second there were is told.

The load reports its own CPU: a figure for which it was the bottleneck says so.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from benchmarks.plain_client import Client
from benchmarks.served import Served, running_server

RATES = (100, 200, 300, 400, 500, 600, 700, 800, 1_000)
USERS = 20
QUIET = "quiet"
EVERY_S = 0.2
FLOODS: dict[str, Sequence[str]] = {
    "challenges": ["challenges"],
    "forged proofs": ["forged"],
    "half-open TLS": ["half_tls"],
    "slow heads": ["half_head"],
    "all of these": ["challenges", "forged", "half_tls", "half_head"],
}
SERVER_CORE, LOAD_CORE = 0, 1
BUSY = 0.9


@contextmanager
def load(served: Served, kind: str, rate: float, seconds: float, network: int) -> Iterator[subprocess.Popen[str]]:
    """A load that runs beside the block, with less of a claim on the core than this process has."""
    numbers = [str(rate), str(seconds), str(network)]
    command = ["nice", "-n", "19", sys.executable, "-m", "benchmarks.load", kind, *numbers]
    environment = os.environ | {"READY_FILE": str(served.ready_file)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def log_in(served: Served, rate: float, seconds: float) -> tuple[float, Counter[str], float]:
    """Logins that succeeded a second, how all ended, and the share of its core that the load took."""
    with load(served, "login", rate, seconds, network=1) as process:
        out, _ = process.communicate(timeout=seconds + 60)
    told = json.loads(out)
    ended = Counter[str](told["ended"])
    return ended["success"] / told["seconds"], ended, told["cpu_s"] / told["seconds"]


class Users:
    """Connected users, one of whom sends a request now and then."""

    def __init__(self, served: Served) -> None:
        self._request = served.messages.connect
        self._clients = [served.client(f"127.9.0.{number + 1}") for number in range(USERS)]
        for client in self._clients:
            client.upgrade()
            client.ask(served.messages.challenge)
            client.ask(self._request)

    def measure(self, seconds: float) -> list[float]:
        """How long each answer took, in ms, from when its request was due."""
        begun = time.perf_counter()
        with ThreadPoolExecutor(USERS) as pool:
            took = [
                pool.submit(self._ask_on_and_on, client, begun + EVERY_S * number / USERS, int(seconds / EVERY_S))
                for number, client in enumerate(self._clients)
            ]
        return [one for future in took for one in future.result()]

    def _ask_on_and_on(self, client: Client, begun: float, times: int) -> list[float]:
        took = []
        for number in range(times):
            due = begun + number * EVERY_S
            time.sleep(max(0.0, due - time.perf_counter()))
            if client.ask(self._request) != "already_connected":
                raise SystemExit("a user was put out")
            took.append((time.perf_counter() - due) * 1e3)
        return took


@dataclass(frozen=True)
class Logins:
    """What became of logins at one rate."""

    asked: float
    """A second."""
    succeeded: float
    ended: Counter[str]
    """How the others ended."""
    is_load_bound: bool


def measure_logins(served: Served, rates: Sequence[float], seconds: float) -> list[Logins]:
    """Log in at each rate, in turn."""
    found = []
    for rate in rates:
        succeeded, ended, busy = log_in(served, rate, seconds)
        del ended["success"]
        found.append(Logins(rate, succeeded, ended, busy > BUSY))
    return found


def find_peak(found: Sequence[Logins]) -> float:
    """How many logins a second there were when there were most."""
    return max(logins.succeeded for logins in found)


@dataclass
class Waits:
    """What users waited in one kind of flood."""

    took_ms: list[float] = field(default_factory=list)
    strangers_per_s: list[float] = field(default_factory=list)
    """How many the load began, round by round."""


def measure_users(served: Served, peak: float, seconds: float, rounds: int) -> dict[str, Waits]:
    """How long users wait in each flood, and `QUIET`, in turns."""
    users = Users(served)
    users.measure(2)
    waits = {name: Waits() for name in (QUIET, *FLOODS)}
    for _ in range(rounds):
        for name, kinds in FLOODS.items():
            waits[QUIET].took_ms += users.measure(seconds / 2)
            with ExitStack() as stack:
                flood = [
                    stack.enter_context(load(served, kind, 2 * peak / len(kinds), seconds + 30, network=20 + number))
                    for number, kind in enumerate(kinds)
                ]
                time.sleep(2)  # until it flows
                waits[name].took_ms += users.measure(seconds)
                waits[name].strangers_per_s.append(sum(map(_end, flood)))
            time.sleep(1)
    return waits


def _end(process: subprocess.Popen[str]) -> float:
    """End a load; how many connections a second it has begun."""
    process.terminate()
    told = json.loads(process.communicate()[0])
    return float(told["begun"] / told["seconds"])


def p99(took: Sequence[float]) -> float:
    """What one in a hundred exceeds."""
    return statistics.quantiles(took, n=100)[98]


def print_logins(found: Sequence[Logins]) -> None:
    print(f"{'logins asked for':>18} {'succeeded':>12} {'of the peak':>12}   how the others ended")
    peak = find_peak(found)
    for logins in found:
        others = ", ".join(f"{how}: {count}" for how, count in logins.ended.most_common(3))
        note = "  (the load was the bottleneck)" if logins.is_load_bound else ""
        of_peak = logins.succeeded / peak
        print(f"{logins.asked:>16.0f}/s {logins.succeeded:>10.0f}/s {of_peak:>12.2f}   {others}{note}", flush=True)
    print()


def print_users(waits: Mapping[str, Waits]) -> None:
    print(f"{'a request of a user':>22} {'p50':>9} {'p99':>9} {'p99 / quiet':>12} {'strangers/s':>12}")
    quiet = p99(waits[QUIET].took_ms)
    for name, found in waits.items():
        took, strangers = found.took_ms, statistics.median(found.strangers_per_s or [0])
        times = f"{statistics.median(took):>6.2f} ms {p99(took):>6.2f} ms {p99(took) / quiet:>12.1f}"
        print(f"{name:>22} {times} {strangers:>12.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="for each step  [default: 5]")
    parser.add_argument("--rounds", type=int, default=3, help="of the second part  [default: 3]")
    parser.add_argument("--identity", help="the server's key, to compare its formats  [default: Ed25519]")
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    flags = ["--identity", options.identity] if options.identity else []
    with running_server(*flags, core=SERVER_CORE) as served:
        log_in(served, 50, 2)  # to warm up
        logins = measure_logins(served, RATES, options.seconds)
        print_logins(logins)
        peak = find_peak(logins)
        print_logins(measure_logins(served, [peak, 2 * peak, 3 * peak], options.seconds))
        print_users(measure_users(served, peak, options.seconds, options.rounds))


if __name__ == "__main__":
    main()
