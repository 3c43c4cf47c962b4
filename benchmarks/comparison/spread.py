"""Figures of several rounds: their middle, their spread, and how they compare round by round."""

import statistics
from collections.abc import Sequence

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """The median of the rounds that gave a figure, and the least and the most of them."""

    median: float
    low: float
    high: float
    rounds: int


def spread_of(values: Sequence[float | None]) -> Spread | None:
    """Sum rounds up; None when there is a round for which the load was the bottleneck, or there is none at all."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return Spread(statistics.median(known), min(known), max(known), len(known))


def ratio_of(values: Sequence[float | None], base: Sequence[float | None]) -> float | None:
    """The median of the ratios round by round, as what disturbs a round disturbs both; None without a common round."""
    ratios = [one / other for one, other in zip(values, base, strict=False) if one is not None and other]
    return statistics.median(ratios) if ratios else None
