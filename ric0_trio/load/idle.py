"""The scenario `idle`: users are connected, and do nothing but answer the server's pings."""

from ric0_trio.load.gathering import Gathering
from ric0_trio.load.stage import Stage


class Idle(Gathering):
    """All that is measured is what it costs the server to have them."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._pings_before = 0

    def start(self, at: float) -> None:
        self._pings_before = self._pings()

    def conclude(self) -> None:
        super().conclude()
        self.stage.tally.operations = len(self.here)
        self.stage.tally.pings = self._pings() - self._pings_before

    def _pings(self) -> int:
        return sum(connection.pings for connection in self.here)
