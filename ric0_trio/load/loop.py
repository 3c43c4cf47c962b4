"""The event loop: epoll, timers, and nothing else. An event costs a call, and a turn one system call."""

import heapq
import itertools
import select
import time
from collections.abc import Callable
from typing import Final, Protocol

clock: Final = time.perf_counter
"""Seconds, on the clock that all processes of a machine share."""

_EVENTS_A_TURN = 64
_FINE_S = 0.02
_SWEEP_S = 1.0


class Watcher(Protocol):
    """Who is told when a descriptor is ready."""

    deadline: float
    """When it has waited too long, by `clock`."""

    def on_ready(self, events: int) -> None:
        """Something can be read or written, or has broken."""

    def on_late(self) -> None:
        """The deadline has passed."""


class Loop:
    """Runs for a while, goes on from there, and can be stopped."""

    def __init__(self) -> None:
        self.now = clock()
        """When this turn began."""
        self._epoll = select.epoll()
        self._watchers: dict[int, Watcher] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._is_stopped = False
        self._sweep()

    def watch(self, descriptor: int, watcher: Watcher, *, is_writing: bool = False) -> None:
        """Tell the watcher when there is something to read, or room to write; until `forget`."""
        self._watchers[descriptor] = watcher
        self._epoll.register(descriptor, select.EPOLLOUT if is_writing else select.EPOLLIN)

    def watch_reading(self, descriptor: int) -> None:
        """From now on it is for reading."""
        self._epoll.modify(descriptor, select.EPOLLIN)

    def forget(self, descriptor: int) -> None:
        """To be followed by closing the descriptor, which is what takes it off the epoll."""
        self._watchers.pop(descriptor, None)

    def call_at(self, when: float, act: Callable[[], None]) -> None:
        """Call it then, or as soon as may be."""
        heapq.heappush(self._timers, (when, next(self._numbers), act))

    def stop(self) -> None:
        """Have `run_until` return after this turn."""
        self._is_stopped = True

    def run_until(self, end: float) -> bool:
        """Run until `end`, or until it is stopped; whether it came to the end."""
        self._is_stopped = False
        poll, watcher_of, timers = self._epoll.poll, self._watchers.get, self._timers
        while True:
            self.now = now = clock()
            while timers[0][0] <= now:  # the sweep is always there
                heapq.heappop(timers)[2]()
            if now >= end or self._is_stopped:
                return not self._is_stopped
            wait_s = min(timers[0][0], end) - clock()
            if wait_s < _FINE_S:  # epoll's own time-out is in whole milliseconds
                select.select((self._epoll,), (), (), max(wait_s, 0.0))
                wait_s = 0.0
            for descriptor, events in poll(wait_s, _EVENTS_A_TURN):
                watcher = watcher_of(descriptor)
                if watcher is not None:
                    watcher.on_ready(events)

    def _sweep(self) -> None:
        late = [watcher for watcher in self._watchers.values() if watcher.deadline < self.now]
        for watcher in late:
            watcher.on_late()
        self.call_at(self.now + _SWEEP_S, self._sweep)
