"""A token bucket gives what it has earned, and no more, whenever it is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ric0_trio.protocol.rate import TokenBucket

steps = st.lists(st.tuples(st.floats(0, 100), st.integers(1, 5)), max_size=50)


@given(steps, st.integers(1, 50), st.floats(0, 10))
def test_never_more_than_the_burst_and_what_was_earned(
    asked: list[tuple[float, int]], burst: int, per_s: float
) -> None:
    bucket, now, taken = TokenBucket(burst, per_s, now=0), 0.0, 0
    for pause, count in asked:
        now += pause
        taken += count if bucket.take(now, count) else 0
        assert taken <= burst + per_s * now + 1e-6


def test_a_refusal_takes_nothing() -> None:
    bucket = TokenBucket(3, 1, now=0)
    assert bucket.take(0, 2)
    assert not bucket.take(0, 2)
    assert bucket.take(0)
    assert not bucket.take(0)


def test_what_is_given_back_can_be_taken_again() -> None:
    bucket = TokenBucket(3, 0, now=0)
    assert bucket.take(0, 3)
    bucket.give_back(1)
    bucket.give_back(1)
    assert bucket.take(0, 2)
    assert not bucket.take(0)
    bucket.give_back(100)
    assert not bucket.take(0, 4)


def test_the_wait_is_until_one_is_there() -> None:
    bucket = TokenBucket(2, 0.5, now=10)
    assert bucket.wait_s(10) == 0
    assert bucket.take(10, 2)
    assert bucket.wait_s(10) == 2
    assert bucket.wait_s(11) == 1
    assert bucket.wait_s(11.5) == 0.5
    assert bucket.take(12)


def test_it_is_full_again_in_time() -> None:
    bucket = TokenBucket(60, 1, now=0)
    assert bucket.is_full(0)
    assert bucket.take(0, 60)
    assert not bucket.is_full(59.5)
    assert bucket.is_full(60)


@pytest.mark.parametrize("now", [0.0, 1e9])
def test_without_a_rate_nothing_comes_back(now: float) -> None:
    bucket = TokenBucket(1, 0, now=0)
    assert bucket.take(now)
    assert not bucket.take(now + 1e6)
