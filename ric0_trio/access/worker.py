"""The one thread that reads and writes the database, beside the event loop."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import outcome
import structlog
import trio

from ric0_trio.access.database import StoreError

T = TypeVar("T")


class FaultError(StoreError):
    """A fault of ours, and not of the file: the same work would fail again."""


class Worker:
    """Runs one piece of work at a time, in the order in which they are given."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._one_thread = trio.CapacityLimiter(1)
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work`, and give what it gives. Raises `StoreError`, and nothing else: that would end the server.

        When it is cancelled, the thread is left to itself, and what it does is not known.
        """
        try:
            result = await trio.to_thread.run_sync(
                lambda: outcome.capture(work), limiter=self._one_thread, abandon_on_cancel=True
            )
        except RuntimeError as error:  # the system gives no thread
            remedy = "raise this account's limit of processes"
            raise StoreError(f"{self._path}: it cannot be read: {error}; {remedy}") from None
        if isinstance(result, outcome.Error) and not isinstance(result.error, StoreError):
            self._log.error("access.faulty", exc_info=result.error)
            raise FaultError(f"{self._path}: a fault of ric0-trio itself: {result.error!r}; please report it")
        return result.unwrap()
