"""The time that is given to a session: the epoch's, but steady."""

import math
import time

import trio


class SteadyClock:
    """Seconds since the epoch that never step back: the system's time when it was made, and Trio's clock since."""

    def __init__(self) -> None:
        self._offset = time.time() - trio.current_time()

    def now(self) -> float:
        """The present, in seconds since the epoch."""
        return trio.current_time() + self._offset

    def to_trio(self, moment: float | None) -> float:
        """A deadline of a session as one of Trio's; None is never. Rounded up, so that waking is not too early."""
        return math.inf if moment is None else moment - self._offset + 1e-6
