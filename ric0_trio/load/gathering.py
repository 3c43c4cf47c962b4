"""Users who are connected and stay: what the scenarios `message`, `idle` and `storm` have in common."""

from typing import Final

from ric0_trio.load.connection import Connection
from ric0_trio.load.loop import clock
from ric0_trio.load.people import Script
from ric0_trio.load.scenario import PART_S
from ric0_trio.load.stage import Stage

_AT_ONCE: Final = 16
_ATTEMPTS: Final = 3
_REST_S: Final = 0.5
_GATHER_S: Final = 30.0
_GATHER_EACH_S: Final = 0.02


class Gathering:
    """So many users, each on one connection, which is parked once the user is in."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.here: set[Connection] = set()
        """Those that are in."""
        self.is_parting = False
        self._is_gathering = False
        self._to_come = stage.connections
        self._retries = (_ATTEMPTS - 1) * stage.connections

    def prepare(self) -> None:
        """Bring them in, a few at a time, each with three attempts on average."""
        self._is_gathering = True
        for _ in range(min(_AT_ONCE, self._to_come)):
            self._bring_next()
        self.stage.loop.run_until(clock() + _GATHER_S + _GATHER_EACH_S * self.stage.connections)
        self._is_gathering = False

    def bring(self, due: float) -> Connection:
        """Have one come."""
        return self.stage.begin(self._stay(next(self.stage.users)), self, due)

    def act(self, user: bytes) -> Script:
        """What a user does once the connection goes on; then they leave."""
        yield from ()

    def on_parked(self, connection: Connection) -> None:
        self.here.add(connection)
        if self._to_come:
            self._bring_next()
        elif len(self.here) == self.stage.connections:
            self.stage.loop.stop()

    def on_ended(self, connection: Connection, kind: str | None) -> None:
        self.here.discard(connection)
        if kind is not None:
            self.stage.tally.errors[kind] += 1
        if self._is_gathering and self._retries:
            self._retries -= 1
            self._to_come += 1
            self.stage.loop.call_at(clock() + _REST_S, self._bring_next)
        elif self._is_gathering or not self.here:
            self.stage.loop.stop()

    def conclude(self) -> None:
        self.stage.tally.stayed = len(self.here)

    def end(self) -> None:
        self.is_parting = True
        for connection in [one for one in self.here if one.is_parked]:
            connection.go_on()
        if self.here:
            self.stage.loop.run_until(clock() + PART_S)

    def _bring_next(self) -> None:
        if self._to_come and self._is_gathering:
            self._to_come -= 1
            self.bring(clock())

    def _stay(self, user: bytes) -> Script:
        yield from self.stage.book.enter(user)
        yield None
        yield from self.act(user)
        yield from self.stage.book.leave()
