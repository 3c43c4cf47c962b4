"""Strangers take turns, so that those who are in do not wait for all who knock."""

from collections.abc import Iterator
from contextlib import contextmanager

import trio


class Turnstile(trio.abc.Instrument):
    """First come, first served: one each time round the event loop (docs/benchmarks.md, "Overload").

    Whoever has a turn does what there is to do until the next wait for the network.
    """

    def __init__(self) -> None:
        self._waiting: dict[trio.lowlevel.Task, float] = {}
        self._is_free = False

    @contextmanager
    def following_rounds(self) -> Iterator[None]:
        """Know the rounds of the event loop, while the block lasts: who comes when nobody else does, need not wait."""
        trio.lowlevel.add_instrument(self)
        try:
            yield
        finally:
            trio.lowlevel.remove_instrument(self)
            self._is_free = False

    def after_io_wait(self, timeout: float) -> None:
        """A round begins."""
        self._is_free = True

    def take_free_turn(self) -> bool:
        """Take the turn of this round, if it is left and nobody waits for it."""
        if self._is_free and not self._waiting:
            self._is_free = False
            return True
        return False

    async def take_turn(self) -> None:
        """Wait for a turn."""
        task = trio.lowlevel.current_task()
        self._waiting[task] = trio.current_time()
        try:
            if len(self._waiting) == 1:
                await trio.lowlevel.checkpoint()  # until the next round
            else:
                await trio.lowlevel.wait_task_rescheduled(lambda _: self._give_up(task))
            self._is_free = False
        finally:
            # At the head of the queue until now, and in a turn: the next one's is in the next round.
            if self._waiting.pop(task, None) is not None and self._waiting:
                trio.lowlevel.reschedule(next(iter(self._waiting)))

    def _give_up(self, task: trio.lowlevel.Task) -> trio.lowlevel.Abort:
        del self._waiting[task]
        return trio.lowlevel.Abort.SUCCEEDED

    @property
    def wait_s(self) -> float:
        """How long the one at the head of the queue has waited by now."""
        for since in self._waiting.values():
            return trio.current_time() - since
        return 0.0
