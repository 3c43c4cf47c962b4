"""Peers in turns: A B C A B C …, so that what disturbs the machine for a while disturbs all of them alike."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.comparison.load import Load, LoadFailedError
from benchmarks.comparison.peers import Peer
from benchmarks.comparison.processes import Running, Variant, running
from benchmarks.comparison.results import Measured, Results

T = TypeVar("T")


@dataclass(frozen=True)
class Bench:
    """A run: who, how often and for how long, and where the figures go."""

    peers: list[Peer]
    rounds: int
    seconds: float
    quick: bool
    results: Results

    def take_turns(
        self, scenario: str, variant: str, acts: Mapping[str, Callable[[], Measured]], *, rounds: int | None = None
    ) -> None:
        """Have each act its turn in each round, and keep its figures under its name."""
        rounds = rounds or self.rounds
        for number, name in turns(rounds, acts):
            say(f"{scenario}, {variant}: round {number + 1} of {rounds}, {name}")
            try:
                measured = acts[name]()
            except LoadFailedError as error:  # the others go on
                measured = Measured({}, problem=str(error))
            self.results.add(scenario, variant, name, measured)

    def compare(
        self,
        scenario: str,
        variant: Variant,
        measure: Callable[[Running], Measured],
        *,
        among: list[Peer] | None = None,
        label: str | None = None,
        beside: Mapping[str, Callable[[], Measured]] | None = None,
    ) -> None:
        """Start all peers, and measure each in turns, the others idle. `beside` are acts that need no server."""
        peers = self.peers if among is None else among
        with ExitStack() as stack:
            servers = [stack.enter_context(running(peer, variant)) for peer in peers]
            for server in servers:
                if not self.quick:
                    Load("session", connections=4, seconds=0.3).run(server)  # what is imported late, and caches
            acts = {server.name: _bind(measure, server) for server in servers}
            self.take_turns(scenario, label or variant.label, {**acts, **(beside or {})})

    def those_of(self, names: tuple[str, ...]) -> list[Peer]:
        """The peers that were asked for, of these."""
        return [peer for peer in self.peers if peer.name in names]


def turns(rounds: int, names: Mapping[str, object] | list[str]) -> Iterator[tuple[int, str]]:
    """Every turn, in order: the round's number and whose turn it is."""
    return ((number, name) for number in range(rounds) for name in names)


def say(text: str) -> None:
    """Show how far it is: on a terminal alone, and one line of it."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text[:118]}", end="", file=sys.stderr, flush=True)


def hush() -> None:
    """Take the line away again."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _bind(measure: Callable[[Running], Measured], server: Running) -> Callable[[], Measured]:
    return lambda: measure(server)
