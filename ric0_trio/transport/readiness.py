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
_CROWD: Final = 16  # while fewer queue, to be told of each again costs less than to have the system be silent of it


class Readiness:
    """The sockets of a server. What it calls for one of them cannot harm the others: a fault is its task's."""

    def __init__(self, turns: Turnstile) -> None:
        self.turns: Final = turns
        """Where those take turns who are not to be served at once."""
        self._epoll: select.epoll | None = None
        self._watches: dict[int, Watch] = {}

    @property
    def is_running(self) -> bool:
        """Whether it watches."""
        return self._epoll is not None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Watch until cancelled. Who waits then still, waits as Trio does it from there on."""
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
                self.turns.call_all()
                for watch in list(self._watches.values()):
                    watch.on_end()

    def add(self, watch: "Watch", descriptor: int) -> bool:
        """Tell the system of a socket; False when it is to be waited for as Trio does it."""
        if self._epoll is None:
            return False
        self._epoll.register(descriptor, select.EPOLLIN)
        self._watches[descriptor] = watch
        return True

    def remove(self, descriptor: int) -> None:
        """Forget a socket, before it is closed: the system would not, while somebody has a copy of it."""
        del self._watches[descriptor]
        if self._epoll is not None:
            self._epoll.unregister(descriptor)


class Watch:
    """One socket, for the one task that waits for it."""

    __slots__ = ("_descriptor", "_is_put_off", "_is_told_of", "_readiness", "_serve", "_takes_turns", "_task")

    def __init__(self, readiness: Readiness, descriptor: int) -> None:
        self._readiness = readiness
        self._descriptor = descriptor
        self._is_told_of = self._is_put_off = False
        self._task: trio.lowlevel.Task | None = None
        self._serve: Serve | None = None
        self._takes_turns: Callable[[], bool] | None = None

    async def wait(self, serve: Serve, takes_turns: Callable[[], bool]) -> bool:
        """Call `serve` whenever there is something to read, until it returns or raises something, and do the same.

        As long as `takes_turns` says so, it is called when it is its turn. False is returned as well when `Readiness`
        ends. It may be cancelled. Raises `trio.ClosedResourceError` after `close`.
        """
        if self._is_put_off or self._tell():
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
        if self._is_put_off:  # in a crowd, which would be told of again and again
            if self._readiness.turns.calls > _CROWD:
                self._forget()
        elif self._serve is None or self._takes_turns is None:  # nobody waits
            self._forget()
        elif self._takes_turns() and not self._readiness.turns.take_free_turn():
            self._is_put_off = True
            self._readiness.turns.call_in_turn(self._take_turn)
        else:
            self._call(self._serve)

    def on_end(self) -> None:
        """It is not watched any more."""
        self._leave()
        self._wake(outcome.Value(False))

    def close(self) -> None:
        """Stop; the socket is closed next. Whoever waits still, is woken."""
        if not self._is_told_of:
            trio.lowlevel.notify_closing(self._descriptor)
        self._leave()
        self._wake(outcome.Error(trio.ClosedResourceError("this stream is closed")))

    def _take_turn(self) -> None:
        self._is_put_off = False
        if self._serve is None:
            return
        if self._tell():
            self._call(self._serve)
        else:
            self._wake(outcome.Value(False))

    def _call(self, serve: Serve) -> None:
        task = self._task
        try:
            said = serve()
        except BaseException as error:  # is raised where the task waits; `outcome.capture` does the same for more
            if self._task is task:  # else it was cancelled meanwhile
                self._wake(outcome.Error(error))
        else:
            if said is not None and self._task is task:
                self._wake(outcome.Value(said))

    def _wake(self, said: outcome.Outcome[bool | None]) -> None:
        task = self._task
        self._task = self._serve = self._takes_turns = None
        if task is not None:
            trio.lowlevel.reschedule(task, said)

    def _give_up(self, _: object) -> trio.lowlevel.Abort:
        self._task = self._serve = self._takes_turns = None
        return trio.lowlevel.Abort.SUCCEEDED

    def _tell(self) -> bool:
        """See that it is told of, if that can be."""
        self._is_told_of = self._is_told_of or self._readiness.add(self, self._descriptor)
        return self._is_told_of

    def _forget(self) -> None:
        self._is_told_of = False
        self._readiness.remove(self._descriptor)

    def _leave(self) -> None:
        if self._is_told_of:
            self._forget()
        if self._is_put_off:
            self._is_put_off = False
            self._readiness.turns.withdraw(self._take_turn)
