"""The scenario `storm`: all users are cut off at once, and all come back at once."""

import random
from functools import partial

from ric0_trio.load.connection import Connection
from ric0_trio.load.gathering import Gathering
from ric0_trio.load.loop import clock
from ric0_trio.load.stage import Stage

_MAX_BACK_OFF_S = 60
_INSIDE_S = 0.02
"""It begins so long after the measured time has."""


class Storm(Gathering):
    """It is over when the last is back. Who is turned away comes again after a while, as clients should."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._cut_at = 0.0
        self._is_on = False
        self._attempts: dict[Connection, int] = {}
        self._random = random.Random(f"{stage.plan.seed} {stage.worker}")  # noqa: S311

    def start(self, at: float) -> None:
        self.stage.loop.call_at(at + _INSIDE_S, self._cut_all)

    def on_parked(self, connection: Connection) -> None:
        if self._is_on:
            self._attempts.pop(connection, None)
            took_s = clock() - self._cut_at
            self.stage.tally.done(took_s)
            if len(self.here) + 1 == self.stage.connections:
                self.stage.tally.back_s = took_s
        super().on_parked(connection)

    def on_ended(self, connection: Connection, kind: str | None) -> None:
        attempt = self._attempts.pop(connection, 0)
        if not self._is_on or self.is_parting:
            super().on_ended(connection, kind)
            return
        self.here.discard(connection)
        self.stage.tally.errors[kind or "closed_1000"] += 1
        pause_s = self._random.uniform(0, min(_MAX_BACK_OFF_S, 2**attempt))  # docs/protocol.md, "Close codes"
        self.stage.loop.call_at(clock() + pause_s, partial(self._come_back, attempt + 1))

    def _cut_all(self) -> None:
        for connection in self.here:
            connection.reset()
        self.here.clear()
        self._is_on = True
        self._cut_at = clock()
        for _ in range(self.stage.connections):
            self._come_back(0)

    def _come_back(self, attempt: int) -> None:
        if not self.is_parting:
            self._attempts[self.bring(self._cut_at)] = attempt
