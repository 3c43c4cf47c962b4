"""Times and counts, of one process and of several."""

import random
import statistics
from collections import Counter

import pytest

from ric0_trio.load.tally import Histogram, Tally, merge


def noted(times: list[float]) -> Histogram:
    histogram = Histogram()
    for time in times:
        histogram.note(time)
    return histogram


@pytest.mark.parametrize("seconds", [2e-6, 1e-5, 1e-3, 0.5, 60.0, 3600.0])
def test_a_time_is_kept_to_a_per_cent(seconds: float) -> None:
    assert noted([seconds]).percentile_ms(50) == pytest.approx(seconds * 1e3, rel=0.01)


def test_percentiles_are_those_of_the_raw_times() -> None:
    rolled = random.Random(7)  # noqa: S311
    times = [rolled.lognormvariate(-6, 1.5) for _ in range(20_000)]
    percentiles = statistics.quantiles(times, n=1000, method="inclusive")
    histogram = noted(times)
    for percent in (50.0, 99.0, 99.9):
        raw = percentiles[int(percent * 10) - 1]
        assert histogram.percentile_ms(percent) == pytest.approx(raw * 1e3, rel=0.02)


def test_what_is_no_time_is_the_least() -> None:
    assert noted([0.0, -1.0]).percentile_ms(99) == noted([1e-6]).percentile_ms(50)


def test_nothing_noted() -> None:
    assert Histogram().percentile_ms(50) is None


def test_processes_are_merged() -> None:
    """Percentiles of all their times together, and not a mean of theirs; the busiest process, and the last one back."""
    fast, slow = [0.001] * 98, [0.1] * 2
    one = Tally(98, noted(fast), Counter(http_503=1), 98, 5, 2, 3, 0.5, 4.0, 1.0, 0.66)
    other = Tally(2, noted(slow), Counter(http_503=2, refused=1), 2, 1, 1, 4, 0.75, 4.5, 3.0, 0.25)
    whole = merge([one, other])
    counts = (whole.operations, whole.begun, whole.resumed, whole.pings, whole.stayed)
    assert counts == (100, 100, 6, 3, 7)
    assert whole.errors == {"http_503": 3, "refused": 1}
    assert (whole.back_s, whole.seconds, whole.cpu_s, whole.share) == (0.75, 4.5, 4.0, 0.66)
    assert whole.latencies.counts == noted(fast + slow).counts
    assert merge([Tally(), Tally()]).back_s is None
