"""The scenario `message`: connected users ask again to be let in, on and on, and are told that they are there."""

from collections import deque

from ric0_trio.load.connection import Connection
from ric0_trio.load.gathering import Gathering
from ric0_trio.load.loop import clock
from ric0_trio.load.people import Script
from ric0_trio.load.stage import Stage
from ric0_trio.load.timetable import Timetable


class Messages(Gathering):
    """One request at a time on each connection: one after another, or by a timetable."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._free = deque[Connection]()
        self._timetable: Timetable | None = None
        if stage.plan.rate is not None:
            rate = stage.plan.rate / stage.plan.processes
            self._timetable = Timetable(stage.loop, rate, self._has_room, self._ask_due)

    def start(self, at: float) -> None:
        if self._timetable is None:
            for connection in list(self.here):
                connection.go_on()
        else:
            self._free.extend(self.here)
            self._timetable.start(at + self.stage.worker / (self.stage.plan.rate or 1))

    def end(self) -> None:
        if self._timetable is not None:
            self._timetable.end()
        super().end()

    def act(self, user: bytes) -> Script:
        begun = clock()
        while not self.is_parting:
            yield from self.stage.book.ask(user)
            if self._timetable is not None:
                yield None
                continue
            now = clock()
            self.stage.tally.done(now - begun)
            begun = now

    def on_parked(self, connection: Connection) -> None:
        if connection not in self.here:
            super().on_parked(connection)
            return
        self.stage.tally.done(clock() - connection.due)
        self._free.append(connection)
        if self._timetable is not None:
            self._timetable.use_room()
        if self.is_parting:
            connection.go_on()

    def on_ended(self, connection: Connection, kind: str | None) -> None:
        if connection in self._free:
            self._free.remove(connection)
        super().on_ended(connection, kind)

    def _has_room(self) -> bool:
        return bool(self._free)

    def _ask_due(self, due: float) -> None:
        self.stage.tally.begun += 1
        connection = self._free.popleft()
        connection.due = due
        connection.go_on()
