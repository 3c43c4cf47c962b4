"""What is noted for each message and connection, at a tenth of what `prometheus_client`'s own instruments cost.

They are for one thread: they have no lock.
"""

import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from types import TracebackType
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


class Histogram:
    """How often values were up to each of some bounds, and their sum."""

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds` rise; what is above the last is counted, too."""
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Note a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def time(self) -> "_Timing":
        """Note how many seconds a `with` block takes."""
        return _Timing(self)

    def add_to(self, family: HistogramMetricFamily, labels: Sequence[str]) -> None:
        """Show it with these values of the labels."""
        names = (*(str(float(bound)) for bound in self._bounds), "+Inf")
        buckets = list(zip(names, map(float, accumulate(self._counts)), strict=True))
        family.add_metric(labels, buckets, self._sum)


class _Timing:
    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._histogram.observe(time.perf_counter() - self._begun)


class HistogramCollector(Collector):
    """Shows histograms under one name: by the values of labels that tell them apart."""

    def __init__(
        self, name: str, text: str, labels: Sequence[str], histograms: Mapping[tuple[str, ...], Histogram]
    ) -> None:
        self._about: Final = (name, text)
        self._labels: Final = labels
        self._histograms: Final = histograms

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(*self._about, labels=self._labels)
        for values, histogram in self._histograms.items():
            histogram.add_to(family, values)
        return [family]


class Tally(Collector):
    """How often something happened, by the values of its labels; it shows that itself."""

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        self._about: Final = (name, text)
        self._labels: Final = labels
        self._counts: dict[tuple[str, ...], int] = {} if labels else {(): 0}

    def count(self, *values: str) -> None:
        """It has happened once more."""
        self._counts[values] = self._counts.get(values, 0) + 1

    def begin(self, *values: str) -> None:
        """Show that it has not happened yet: what comes into being with its first time shows no increase."""
        self._counts.setdefault(values, 0)

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(*self._about, labels=self._labels)
        for values, count in self._counts.items():
            family.add_metric(values, count)
        return [family]
