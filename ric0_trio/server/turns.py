"""Strangers take turns, so that those who are in do not wait for all who knock."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

TURNS_A_ROUND: Final = 1
"""How many strangers are served each time round the event loop (docs/benchmarks.md, "Overload")."""


class Turnstile(trio.abc.Instrument):
    """First come, first served. Whoever has a turn does what there is to do until the next wait for the network."""

    def __init__(self) -> None:
        self._turns = trio.Semaphore(TURNS_A_ROUND)
        self._waiting: dict[object, float] = {}
        self._turns_left = 0

    @contextmanager
    def following_rounds(self) -> Iterator[None]:
        """Know the rounds of the event loop, while the block lasts: who comes when nobody else does, need not wait."""
        trio.lowlevel.add_instrument(self)
        try:
            yield
        finally:
            trio.lowlevel.remove_instrument(self)
            self._turns_left = 0

    def after_io_wait(self, timeout: float) -> None:
        """A round begins."""
        self._turns_left = TURNS_A_ROUND

    def take_free_turn(self) -> bool:
        """Take a turn of this round, if one is left and nobody waits for it."""
        if self._turns_left > 0 and not self._waiting:
            self._turns_left -= 1
            return True
        return False

    async def take_turn(self) -> None:
        """Wait for a turn: at most `TURNS_A_ROUND` are given each time that the event loop goes round."""
        ticket = object()
        self._waiting[ticket] = trio.current_time()
        try:
            async with self._turns:  # to acquire it takes until the next round
                self._turns_left -= 1  # of this round
        finally:
            del self._waiting[ticket]

    @property
    def wait_s(self) -> float:
        """How long the one at the head of the queue has waited by now."""
        for since in self._waiting.values():
            return trio.current_time() - since
        return 0.0
