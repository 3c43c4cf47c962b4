"""Strangers take turns, so that those who are in do not wait for all who knock."""

from typing import Final

import trio

TURNS_A_ROUND: Final = 1
"""How many strangers are served each time round the event loop (docs/benchmarks.md, "Overload")."""


class Turnstile:
    """First come, first served. Whoever has a turn does what there is to do until the next wait for the network."""

    def __init__(self) -> None:
        self._turns = trio.Semaphore(TURNS_A_ROUND)
        self._waiting: dict[object, float] = {}

    async def take_turn(self) -> None:
        """Wait for a turn: at most `TURNS_A_ROUND` are given each time that the event loop goes round."""
        ticket = object()
        self._waiting[ticket] = trio.current_time()
        try:
            async with self._turns:  # to acquire it takes until the next round
                pass
        finally:
            del self._waiting[ticket]

    @property
    def wait_s(self) -> float:
        """How long the one at the head of the queue has waited by now."""
        for since in self._waiting.values():
            return trio.current_time() - since
        return 0.0
