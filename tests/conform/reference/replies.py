"""The envelopes that the server sends."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conform.reference.envelopes import BadRequest, Request

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Replies:
    """Those of one connection."""

    def __init__(self, epoch: float) -> None:
        """`epoch` is what the system's clock says at second 0 of Trio's."""
        self._epoch = epoch
        self._last_us = 0

    def build(self, to: Request | BadRequest, status: str, data: dict[str, Any], now: float) -> dict[str, Any]:
        return {
            "time": self.write_time(self.stamp(now)),
            "type": "reply",
            "name": to.name,
            "conversation": to.conversation,
            "status": status,
            "data": data,
        }

    def stamp(self, now: float) -> int:
        """The microseconds since 1970, later than at the last call."""
        self._last_us = max(int((self._epoch + now) * 1_000_000), self._last_us + 1)
        return self._last_us

    def write_time(self, stamp_us: int) -> str:
        time = EPOCH + stamp_us * MICROSECOND
        return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
