"""What became of each connection: told in one line of the log when it has ended, without flooding it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog
import trio

from ric0_trio.protocol import Close, CloseCode
from ric0_trio.protocol.rate import TokenBucket

_STRANGERS_AT_ONCE: Final = 50
_STRANGERS_PER_S: Final = 2
_REPORT_EVERY_S: Final = 10.0


class Cause(StrEnum):
    """Why a connection ended."""

    CLIENT = "client"
    """The client closed it."""
    LOST = "lost"
    """It ended without a word."""
    SILENT = "silent"
    """The client did not answer a ping."""
    STALLED = "stalled"
    """The client did not read what it was sent."""
    LIMIT = "limit"
    """A limit was reached (docs/limits.md)."""
    VIOLATION = "violation"
    """The client broke the protocol."""
    REFUSED = "refused"
    """What it asked for in HTTP is not to be had."""
    PUT_OUT = "put_out"
    """The user was banned, kicked, or replaced by a newer connection of theirs."""
    STOPPING = "stopping"
    """The server went away."""
    FAULT = "fault"
    """The server failed."""


_CAUSES: Final = {
    CloseCode.GOING_AWAY: Cause.STOPPING,
    CloseCode.TRY_AGAIN_LATER: Cause.LIMIT,
    CloseCode.INTERNAL_ERROR: Cause.FAULT,
    CloseCode.BANNED: Cause.PUT_OUT,
    CloseCode.KICKED: Cause.PUT_OUT,
    CloseCode.REPLACED: Cause.PUT_OUT,
}


@dataclass(frozen=True)
class Ending:
    """How a connection ended."""

    cause: Cause
    why: str
    code: int | None = None
    """Of the WebSocket's Close frame: the client's, or ours."""
    http_status: int | None = None
    """What was answered instead of a WebSocket."""
    detail: str | None = None
    limit: str | None = None
    """Which limit was reached, if that is why."""


def ending_of(close: Close) -> Ending:
    """How a connection ends that the server closes."""
    cause = _CAUSES.get(close.code, Cause.VIOLATION if close.limit is None else Cause.LIMIT)
    return Ending(cause, close.reason, code=int(close.code), detail=close.detail, limit=close.limit)


class History:
    """What happened on one connection."""

    def __init__(self) -> None:
        self.begun_at: Final = trio.current_time()
        self.messages_in = self.messages_out = 0
        self.connects = 0
        """How many `connect` requests were answered."""
        self.status: str | None = None
        """What the last of them was answered."""
        self.user: str | None = None
        """The last user who was let in: the short form of the fingerprint."""
        self.name: str | None = None
        """What they call themselves."""
        self.client: str | None = None
        """The software with which someone asked to be let in last."""
        self.ending: Ending | None = None

    def end(self, ending: Ending) -> Ending:
        """Take note of the end, and give the one that counts: the first that was told."""
        self.ending = self.ending or ending
        return self.ending


class EndingLog:
    """Writes `connection.ended`: for each that had a user, and of strangers' for so many a second.

    The others are at level debug, and their number is told.
    """

    def __init__(self) -> None:
        self._strangers = TokenBucket(_STRANGERS_AT_ONCE, _STRANGERS_PER_S, now=0)
        self._left_out = 0
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def leave_out(self) -> None:
        """Count one that is not worth a line."""
        self._left_out += 1

    def write(
        self,
        ending: Ending,
        history: History,
        bytes_in: int,
        bytes_out: int,
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        """Write the line of a connection that has ended."""
        now = trio.current_time()
        is_shown = history.user is not None or self._strangers.take(now)
        self._left_out += not is_shown
        write = log.info if is_shown else log.debug
        write(
            "connection.ended",
            cause=str(ending.cause),
            limit=ending.limit,
            why=ending.why,
            code=ending.code,
            http_status=ending.http_status,
            detail=ending.detail,
            user=history.user,
            name=history.name,
            client=history.client,
            connects=history.connects or None,
            status=history.status,
            duration_s=round(now - history.begun_at, 3),
            bytes_in=bytes_in,
            bytes_out=bytes_out,
            messages_in=history.messages_in,
            messages_out=history.messages_out,
        )

    async def report(self) -> None:
        """Tell every ten seconds how many were left out, until cancelled."""
        while True:
            await trio.sleep(_REPORT_EVERY_S)
            self.tell()

    def tell(self) -> None:
        """Tell how many were left out since the last time."""
        if self._left_out:
            self._log.info("log.left_out", line="connection.ended", times=self._left_out)
            self._left_out = 0
