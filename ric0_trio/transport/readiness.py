"""`Readiness`: one task waits for all sockets, and what takes no waiting is done then and there.

Trio tells the system anew of each wait, and wakes a task at its end: of a small message, that is most of the cost
(docs/benchmarks.md). Here a socket is told of once, for as long as it is open. On systems without epoll, and while
`run` does not, sockets are waited for as Trio does it.
"""

import select
from collections.abc import Callable
from typing import Final

import outcome
import trio

from ric0_trio.transport.turns import Turnstile

Serve = Callable[[], bool | None]
"""Does what there is to do with what can be read, without waiting. None: the wait goes on; else it returns that."""

_MOST_A_ROUND: Final = 64  # so that other tasks get their turn; who is left is found the next time
_CROWD: Final = (
    16  # so many in the queue may be told of each round; it costs more to have the system be silent about each
)


class Readiness:
    """The sockets of a server. What it calls for one of them cannot harm the others: a fault is its task's."""

    def __init__(self, turns: Turnstile) -> None:
        self.turns: Final = turns
        """Where those take turns who are not to be served at once."""
        self._epoll: select.epoll | None = None
        self._watches: dict[int, Watch] = {}

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Watch until cancelled, which may not be before all who wait are gone."""
        if not hasattr(select, "epoll"):
            task_status.started()
            return
        with select.epoll() as epoll:
            self._epoll = epoll
            task_status.started()
            try:
                while True:
                    if self.turns.calls:
                        await trio.lowlevel.checkpoint()  # until the next round
                    else:
                        await trio.lowlevel.wait_readable(epoll.fileno())
                    self.turns.call_those_due()
                    for descriptor, _ in epoll.poll(0, _MOST_A_ROUND):
                        watch = self._watches.get(descriptor)
                        if watch is not None:  # else it was closed this round
                            watch.on_readable()
            finally:
                self._epoll = None

    def add(self, watch: "Watch", descriptor: int) -> bool:
        """Tell the system of a socket; False when it is to be waited for as Trio does it."""
        if self._epoll is None:
            return False
        self._epoll.register(descriptor, select.EPOLLIN)
        self._watches[descriptor] = watch
        return True

    def listen(self, descriptor: int, *, is_wanted: bool) -> None:
        """Have the system tell of a socket, or be silent about it but for its end."""
        if self._epoll is not None:
            self._epoll.modify(descriptor, select.EPOLLIN if is_wanted else 0)

    def remove(self, descriptor: int, *, is_closed: bool) -> None:
        """Forget a socket. The system forgets by itself what is closed."""
        del self._watches[descriptor]
        if self._epoll is not None and not is_closed:
            self._epoll.unregister(descriptor)


class Watch:
    """One socket, for the one task that waits for it."""

    __slots__ = (
        "_descriptor",
        "_is_put_off",
        "_is_silent",
        "_is_told_of",
        "_readiness",
        "_serve",
        "_takes_turns",
        "_task",
    )

    def __init__(self, readiness: Readiness, descriptor: int) -> None:
        self._readiness = readiness
        self._descriptor = descriptor
        self._is_told_of = self._is_put_off = self._is_silent = False
        self._task: trio.lowlevel.Task | None = None
        self._serve: Serve | None = None
        self._takes_turns: Callable[[], bool] | None = None

    async def wait(self, serve: Serve, takes_turns: Callable[[], bool]) -> bool:
        """Call `serve` whenever there is something to read, until it returns or raises something, and do the same.

        As long as `takes_turns` says so, it is called when it is its turn. It may be cancelled. Raises
        `trio.ClosedResourceError` after `close`.
        """
        if not self._is_told_of:
            self._is_told_of = self._readiness.add(self, self._descriptor)
        if self._is_told_of:
            self._task, self._serve, self._takes_turns = trio.lowlevel.current_task(), serve, takes_turns
            said: bool = await trio.lowlevel.wait_task_rescheduled(self._give_up)
            return said
        while True:
            await trio.lowlevel.wait_readable(self._descriptor)
            if takes_turns():
                await self._readiness.turns.take_turn()
            if (done := serve()) is not None:
                return done

    def on_readable(self) -> None:
        """There is something to read."""
        if self._is_put_off:
            if not self._is_silent and self._readiness.turns.calls > _CROWD:
                self._is_silent = True
                self._readiness.listen(self._descriptor, is_wanted=False)
        elif self._serve is None or self._takes_turns is None:  # nobody waits, and it would be told again and again
            self._forget(is_closed=False)
        elif self._takes_turns() and not self._readiness.turns.take_free_turn():
            self._is_put_off = True
            self._readiness.turns.call_in_turn(self._take_turn)
        else:
            self._call(self._serve)

    def close(self) -> None:
        """Stop, as the socket is closed. Whoever waits still, is woken."""
        if self._is_told_of:
            self._forget(is_closed=True)
        else:
            trio.lowlevel.notify_closing(self._descriptor)
        self._wake(outcome.Error(trio.ClosedResourceError("this stream is closed")))

    def _take_turn(self) -> None:
        self._is_put_off = False
        if self._is_silent:
            self._is_silent = False
            self._readiness.listen(self._descriptor, is_wanted=True)
        if self._serve is not None:
            self._call(self._serve)

    def _call(self, serve: Serve) -> None:
        task = self._task
        said = outcome.capture(serve)
        goes_on = isinstance(said, outcome.Value) and said.value is None
        if not goes_on and self._task is task:  # else it was cancelled meanwhile
            self._wake(said)
        del said  # what was raised refers to this frame by its traceback

    def _wake(self, said: outcome.Outcome[bool | None]) -> None:
        task = self._task
        self._task = self._serve = self._takes_turns = None
        if task is not None:
            trio.lowlevel.reschedule(task, said)

    def _give_up(self, _: object) -> trio.lowlevel.Abort:
        self._task = self._serve = self._takes_turns = None
        return trio.lowlevel.Abort.SUCCEEDED

    def _forget(self, *, is_closed: bool) -> None:
        self._is_told_of = False
        self._readiness.remove(self._descriptor, is_closed=is_closed)
        if self._is_put_off:
            self._is_put_off = self._is_silent = False
            self._readiness.turns.withdraw(self._take_turn)
