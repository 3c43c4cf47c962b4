"""An open loop: each operation is due at its time, whatever has become of those before."""

from collections.abc import Callable

from ric0_trio.load.loop import Loop, clock


class Timetable:
    """So many a second, evenly. What finds no room when it is due begins as soon as there is some."""

    def __init__(self, loop: Loop, rate: float, has_room: Callable[[], bool], begin: Callable[[float], None]) -> None:
        """`begin` is given when the operation was due."""
        self._loop = loop
        self._apart_s = 1 / rate
        self._has_room = has_room
        self._begin = begin
        self._next = 0.0
        self._is_armed = False
        self._is_over = False

    def start(self, first: float) -> None:
        """The first is due then."""
        self._next = first
        self.use_room()

    def end(self) -> None:
        """Begin no more."""
        self._is_over = True

    def use_room(self) -> None:
        """Begin what is due, as far as there is room. To be called when there is room again."""
        now = clock()
        while self._next <= now and not self._is_over and self._has_room():
            due, self._next = self._next, self._next + self._apart_s
            self._begin(due)
        if self._next > now and not self._is_armed:
            self._is_armed = True
            self._loop.call_at(self._next, self._tick)

    def _tick(self) -> None:
        self._is_armed = False
        self.use_room()
