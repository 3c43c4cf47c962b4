"""The time of a test: it passes when the test says so."""

import math
from typing import Final

START: Final = 1_700_000_000.0
"""When tests begin, in seconds since the epoch: 2023-11-14T22:13:20Z."""


class VirtualClock:
    """Seconds since the epoch, as sessions want them: they never step back, and pass only by `advance`.

    A plain object for any runtime, or none. Under Trio, where tasks sleep as well, `trio.testing.MockClock` moves all.
    """

    def __init__(self, start: float = START) -> None:
        self._now = start

    def now(self) -> float:
        """The present, in seconds since the epoch."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass. Raises `ValueError` when they are negative, infinite or no number."""
        self.advance_to(self._now + seconds)

    def advance_to(self, moment: float) -> None:
        """Go on to `moment`, exactly. Raises `ValueError` when it is past, infinite or no number."""
        if not self._now <= moment < math.inf:  # NaN is neither
            raise ValueError(f"time goes forward: expected {self._now} or later, got {moment}")
        self._now = moment
