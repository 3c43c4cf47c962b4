"""Figures of several rounds."""

import pytest

from benchmarks.comparison.spread import Spread, ratio_of, spread_of

Values = list[float | None]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0, 1.0, 2.0], Spread(2.0, 1.0, 3.0, 3)),
        ([1.0, 2.0], Spread(1.5, 1.0, 2.0, 2)),
        ([5.0], Spread(5.0, 5.0, 5.0, 1)),
        ([3.0, None, 2.0], None),  # a round in which the load was the bottleneck
        ([None], None),
        ([], None),
    ],
)
def test_spread(values: Values, expected: Spread | None) -> None:
    assert spread_of(values) == expected


@pytest.mark.parametrize(
    ("values", "base", "expected"),
    [
        ([2.0, 4.0, 6.0], [1.0, 4.0, 2.0], 2.0),
        ([10.0, 1.0], [100.0, 10.0], 0.1),  # the first round was ten times slower, for both
        ([2.0, None], [1.0, 1.0], 2.0),
        ([2.0, 3.0], [None, 1.0], 3.0),
        ([2.0], [0.0], None),
        ([], [1.0], None),
    ],
)
def test_ratio_is_taken_round_by_round(values: Values, base: Values, expected: float | None) -> None:
    assert ratio_of(values, base) == expected
