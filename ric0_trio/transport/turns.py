"""Strangers take turns, so that those who are in do not wait for all who knock."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import trio

_YOUNG_S: Final = 0.0003
"""How long a round of the event loop may last before nobody else gets a turn in it: some five messages of strangers."""

Call = Callable[[], None]


class Turnstile(trio.abc.Instrument):
    """First come, first served: one each time round the event loop, or more when they are quick (docs/benchmarks.md).

    Whoever has a turn does what there is to do until the next wait for the network. Tasks see to it by themselves that
    they get their turn; whoever waits to be called depends on `call_those_due`, each round.
    """

    def __init__(self) -> None:
        self._waiting: dict[trio.lowlevel.Task | Call, float] = {}
        self.calls = 0
        """How many wait to be called."""
        self._is_free = False
        self._young_until = 0.0

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
        self._young_until = time.perf_counter() + _YOUNG_S

    def take_free_turn(self) -> bool:
        """Take a turn at once, if nobody waits for one, and this round has had none or is young."""
        return not self._waiting and self._take_one()

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
            if self._waiting.pop(task, None) is not None:
                self._wake_next()

    def call_in_turn(self, call: Call) -> None:
        """Have `call` called when it is its turn, unless it is withdrawn."""
        self._waiting[call] = trio.current_time()
        self.calls += 1

    def withdraw(self, call: Call) -> None:
        """Forget what `call_in_turn` was given, if it was not called yet."""
        if call in self._waiting:
            is_next = next(iter(self._waiting)) == call
            del self._waiting[call]
            self.calls -= 1
            if is_next:
                self._wake_next()

    def call_those_due(self) -> None:
        """Call those whose turn it is."""
        while self._waiting:
            head = next(iter(self._waiting))
            if isinstance(head, trio.lowlevel.Task) or not self._take_one():
                return
            self.withdraw(head)
            head()

    def call_all(self) -> None:
        """Call everyone who waits for it, as nobody will call them any more."""
        for call in [waiting for waiting in self._waiting if not isinstance(waiting, trio.lowlevel.Task)]:
            self.withdraw(call)
            call()

    @property
    def wait_s(self) -> float:
        """How long the one at the head of the queue has waited by now."""
        for since in self._waiting.values():
            return trio.current_time() - since
        return 0.0

    def _take_one(self) -> bool:
        if not self._is_free and time.perf_counter() >= self._young_until:
            return False
        self._is_free = False
        return True

    def _wake_next(self) -> None:
        """Let the task that has come to the head of the queue go, in the next round."""
        for head in self._waiting:
            if isinstance(head, trio.lowlevel.Task):
                trio.lowlevel.reschedule(head)
            return

    def _give_up(self, task: trio.lowlevel.Task) -> trio.lowlevel.Abort:
        del self._waiting[task]
        return trio.lowlevel.Abort.SUCCEEDED
