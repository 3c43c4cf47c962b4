"""Moments as they are kept: texts that read back, and sort as the moments do."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import example, given
from hypothesis import strategies as st

from ric0_trio.access.moments import end_in_words, to_text, to_words
from tests.access.stage import NOW

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC) | offsets)

WHOLE = NOW.replace(microsecond=0)
"""The microseconds of which are easily left out."""


@given(moments, moments)
@example(WHOLE, WHOLE + timedelta(microseconds=1))
@example(WHOLE, WHOLE - timedelta(microseconds=1))
def test_texts_sort_as_moments_do(one: datetime, other: datetime) -> None:
    written, another = str(to_text(one)), str(to_text(other))
    assert (written < another, written == another) == (one < other, one == other)
    assert len(written) == len(another)


@given(moments)
def test_texts_read_back(moment: datetime) -> None:
    assert datetime.fromisoformat(str(to_text(moment))) == moment


def test_no_moment_is_no_text() -> None:
    assert to_text(None) is None
    assert end_in_words(None) == "for good"


def test_words_are_in_utc_to_the_second() -> None:
    in_tonga = NOW.astimezone(timezone(timedelta(hours=13)))
    assert to_words(in_tonga) == "2026-01-02 03:04:05Z"
    assert end_in_words(in_tonga) == "until 2026-01-02 03:04:05Z"
