"""What was counted and timed, of one process, and of all of them together."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

_LEAST_S: Final = 1e-6
_BUCKETS_PER_E: Final = 1 / math.log(1.01)
_BUCKETS: Final = 2300
"""From a microsecond to more than an hour."""


def _new_counts() -> list[int]:
    return [0] * _BUCKETS


@dataclass
class Histogram:
    """Times, each kept to within half a per cent."""

    counts: list[int] = field(default_factory=_new_counts)

    def note(self, seconds: float) -> None:
        """Count one, of at least a microsecond."""
        self.counts[int(math.log(seconds * 1e6) * _BUCKETS_PER_E) if seconds > _LEAST_S else 0] += 1

    def percentile_ms(self, percent: float) -> float | None:
        """The time that so many per cent did not exceed, in milliseconds; None when nothing was noted."""
        wanted, seen = sum(self.counts) * percent / 100, 0
        for bucket, count in enumerate(self.counts):
            seen += count
            if count and seen >= wanted:
                return round(_LEAST_S * 1e3 * math.exp((bucket + 0.5) / _BUCKETS_PER_E), 4)
        return None

    def add(self, other: "Histogram") -> None:
        """Take in what another has."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]


@dataclass
class Tally:
    """What one worker process measured, or several of them."""

    operations: int = 0
    latencies: Histogram = field(default_factory=Histogram)
    errors: Counter[str] = field(default_factory=Counter)
    """How often each kind of failure came, in the warm-up too."""
    begun: int = 0
    """Operations that a timetable began."""
    resumed: int = 0
    pings: int = 0
    stayed: int = 0
    back_s: float | None = None
    """How long it took until the last was back, after a storm."""
    seconds: float = 0.0
    """How long it was measured."""
    cpu_s: float = 0.0
    share: float = 0.0
    """Of a processor, while it was measured; of several processes, that of the busiest."""

    def done(self, took_s: float) -> None:
        """Count an operation."""
        self.operations += 1
        self.latencies.note(took_s)


def merge(tallies: Iterable[Tally]) -> Tally:
    """Make one of what several processes measured at the same time."""
    whole = Tally()
    for one in tallies:
        whole.operations += one.operations
        whole.latencies.add(one.latencies)
        whole.errors.update(one.errors)
        whole.begun += one.begun
        whole.resumed += one.resumed
        whole.pings += one.pings
        whole.stayed += one.stayed
        whole.cpu_s += one.cpu_s
        whole.seconds = max(whole.seconds, one.seconds)
        whole.share = max(whole.share, one.share)
        if one.back_s is not None:
            whole.back_s = max(whole.back_s or 0.0, one.back_s)
    return whole
