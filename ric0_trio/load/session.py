"""The scenario `session`: users come and go, on and on."""

from ric0_trio.load.connection import Connection
from ric0_trio.load.loop import clock
from ric0_trio.load.people import Script
from ric0_trio.load.scenario import PART_S, REST_S
from ric0_trio.load.stage import Stage
from ric0_trio.load.timetable import Timetable


class Sessions:
    """Each place is taken again as soon as it is free; or sessions begin by a timetable, while there are places."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._busy = 0
        self._is_over = False
        self._timetable: Timetable | None = None
        if stage.plan.rate is not None:
            self._timetable = Timetable(
                stage.loop, stage.plan.rate / stage.plan.processes, self._has_room, self._begin_due
            )

    def prepare(self) -> None:
        pass

    def start(self, at: float) -> None:
        if self._timetable is not None:
            self._timetable.start(at + self._stage.worker / (self._stage.plan.rate or 1))
            return
        for _ in range(self._stage.connections):
            self._begin(at)

    def conclude(self) -> None:
        pass

    def end(self) -> None:
        self._is_over = True
        if self._timetable is not None:
            self._timetable.end()
        if self._busy:
            self._stage.loop.run_until(clock() + PART_S)

    def on_parked(self, connection: Connection) -> None:
        pass

    def on_ended(self, connection: Connection, kind: str | None) -> None:
        self._busy -= 1
        now = clock()
        if kind is None:
            self._stage.tally.done(now - connection.due)
        else:
            self._stage.tally.errors[kind] += 1
        if self._is_over:
            if not self._busy:
                self._stage.loop.stop()
        elif self._timetable is not None:
            self._timetable.use_room()
        elif kind is None:
            self._begin(now)
        else:
            self._stage.loop.call_at(now + REST_S, self._begin_rested)

    def _has_room(self) -> bool:
        return self._busy < self._stage.connections

    def _begin_due(self, due: float) -> None:
        self._stage.tally.begun += 1
        self._begin(due)

    def _begin_rested(self) -> None:
        if not self._is_over:
            self._begin(clock())

    def _begin(self, due: float) -> None:
        self._busy += 1
        self._stage.begin(self._session(next(self._stage.users)), self, due)

    def _session(self, user: bytes) -> Script:
        yield from self._stage.book.enter(user)
        yield from self._stage.book.leave()
