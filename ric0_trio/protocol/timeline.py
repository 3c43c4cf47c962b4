"""The time of one connection: what its embedder says it is, checked, and written on what is sent."""

from datetime import UTC, datetime, timedelta
from typing import Final

from ric0_trio.protocol.errors import LocalProtocolError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Timeline:
    """The latest `now` (seconds since the epoch) and the latest time that was sent."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._last_stamp_us = 0

    def advance(self, now: float) -> None:
        """Move on to `now`. Raises `LocalProtocolError` when that is a step back, or no time at all."""
        if not now >= self.now:  # NaN is neither
            raise LocalProtocolError(f"`now` stepped back, from {self.now} to {now}")
        self.now = now

    def stamp(self) -> datetime:
        """Give the present as UTC, in whole microseconds, later than every stamp before."""
        now_us = int(self.now * 1_000_000)
        self._last_stamp_us = now_us if now_us > self._last_stamp_us else self._last_stamp_us + 1
        return _EPOCH + self._last_stamp_us * _MICROSECOND  # exact, and half of what timedelta(microseconds=…) takes
