"""What is refused for reaching a limit: how it is said to the client, and counted for the operator."""

from collections import Counter
from dataclasses import dataclass
from math import ceil
from typing import Final

import structlog
import trio

from ric0_trio.server.upgrade import HttpRefusal

_REPORT_EVERY_S: Final = 10.0


@dataclass(frozen=True)
class Full:
    """There is no room for a newcomer: which limit says so, and when to come back."""

    limit: str
    text: str
    retry_after_s: float

    def as_http(self) -> HttpRefusal:
        """The answer to a newcomer who has a moment."""
        return HttpRefusal(
            503, f"{self.text}; try again later", [("Retry-After", str(ceil(self.retry_after_s)))], self.limit
        )


class Refusals:
    """Counts what each limit refused. The log tells the first at once, and of a flood one in ten seconds."""

    def __init__(self) -> None:
        self.counts = Counter[str]()
        """How often each limit was reached, by its name."""
        self._untold: dict[str, tuple[int, str]] = {}
        self._told_at: dict[str, float] = {}
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def note(self, limit: str, peer: str) -> None:
        """Someone reached a limit."""
        self.counts[limit] += 1
        count, _ = self._untold.get(limit, (0, ""))
        self._untold[limit] = (count + 1, peer)
        if trio.current_time() >= self._told_at.get(limit, float("-inf")) + _REPORT_EVERY_S:
            self._tell(limit)

    async def report(self) -> None:
        """Tell what has not been told yet, every ten seconds, until cancelled."""
        while True:
            await trio.sleep(_REPORT_EVERY_S)
            self.tell()

    def tell(self) -> None:
        """Tell what has not been told yet."""
        for limit in list(self._untold):
            self._tell(limit)

    def _tell(self, limit: str) -> None:
        count, peer = self._untold.pop(limit)
        self._told_at[limit] = trio.current_time()
        self._log.info("limit.reached", limit=limit, times=count, last_peer=peer)
