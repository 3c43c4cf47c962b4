"""Time that passes when a test says so."""

from datetime import datetime

import pytest

from ric0_trio.testing import START, START_TEXT, VirtualClock


def test_it_stands_still_until_it_is_told() -> None:
    clock = VirtualClock()
    assert clock.now() == clock.now() == START
    clock.advance(0)
    clock.advance(2.5)
    assert clock.now() == START + 2.5
    clock.advance_to(START + 7)
    assert clock.now() == START + 7


def test_it_starts_where_it_is_told() -> None:
    assert VirtualClock(12.5).now() == 12.5


@pytest.mark.parametrize("seconds", [-0.5, float("nan"), float("inf"), float("-inf")])
def test_it_never_steps_back(seconds: float) -> None:
    clock = VirtualClock()
    for step in (clock.advance, lambda seconds: clock.advance_to(START + seconds)):
        with pytest.raises(ValueError, match="time goes forward"):
            step(seconds)
    assert clock.now() == START


def test_the_beginning_has_one_spelling() -> None:
    assert datetime.fromisoformat(START_TEXT).timestamp() == START
