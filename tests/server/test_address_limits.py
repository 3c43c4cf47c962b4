"""What one address may do: each bound is reached, and lifted again in time."""

from typing import Any

import pytest

from ric0_trio.server import ServerLimits, address_limits
from ric0_trio.server.address_limits import AddressLimits

ONE, OTHER = "192.0.2.1", "192.0.2.2"


def make(**limits: Any) -> AddressLimits:
    return AddressLimits(ServerLimits(**limits))


def enter(book: AddressLimits, now: float, group: str | None = ONE) -> str | None:
    full = book.enter(group, now)
    return None if full is None else full.limit


def test_as_many_connections_as_may_be_open() -> None:
    book = make(connections_per_address=3)
    assert [enter(book, 0) for _ in range(4)] == [None, None, None, "connections_per_address"]
    assert enter(book, 0, OTHER) is None
    book.leave(ONE)
    assert enter(book, 0) is None


def test_as_many_new_ones_a_minute() -> None:
    book = make(new_connections_per_address_per_min=60)

    def come(now: float) -> str | None:
        refused = enter(book, now)
        if refused is None:
            book.leave(ONE)
        return refused

    assert [come(0) for _ in range(60)] == [None] * 60
    full = book.enter(ONE, 0)
    assert full is not None
    assert (full.limit, full.retry_after_s) == ("new_connections_per_address_per_min", 1)
    assert enter(book, 0, OTHER) is None
    assert [come(1) for _ in range(2)] == [None, "new_connections_per_address_per_min"]  # one a second comes back
    assert [come(61) for _ in range(61)] == [None] * 60 + ["new_connections_per_address_per_min"]


def test_to_come_again_on_an_open_connection_counts() -> None:
    book = make(new_connections_per_address_per_min=3)
    assert enter(book, 0) is None
    assert book.enter_again(ONE, 0) is None
    assert book.enter_again(ONE, 0) is None
    full = book.enter_again(ONE, 0)
    assert full is not None
    assert full.limit == "new_connections_per_address_per_min"
    assert enter(book, 0) == "new_connections_per_address_per_min"


def test_ten_failures_bar_an_address() -> None:
    book = make(failures_per_address=10, failure_window_s=120, failure_bar_s=300)
    assert [book.note_failure(ONE, now) for now in range(9)] == [None] * 9
    full = book.note_failure(ONE, 100)
    assert full is not None
    assert (full.limit, full.retry_after_s) == ("failures_per_address", 300)
    assert enter(book, 100) == "failures_per_address"
    assert enter(book, 100, OTHER) is None
    assert enter(book, 399.9) == "failures_per_address"
    assert enter(book, 400) is None
    assert book.note_failure(ONE, 400) is None  # it begins anew


def test_who_is_barred_and_fails_again_is_not_barred_for_longer() -> None:
    book = make(failures_per_address=1, failure_bar_s=300)
    assert book.note_failure(ONE, 0) is not None
    full = book.note_failure(ONE, 200)
    assert full is not None
    assert full.retry_after_s == 100
    assert enter(book, 300) is None


@pytest.mark.parametrize(("before", "after"), [(3, 5), (5, 3)])
def test_another_limit_of_failures_counts_those_that_were_noted(before: int, after: int) -> None:
    book = make(failures_per_address=before)
    assert [book.note_failure(ONE, 0) for _ in range(2)] == [None, None]
    book.limits = ServerLimits(failures_per_address=after)
    assert [book.note_failure(ONE, 0) for _ in range(after - 3)] == [None] * (after - 3)
    assert book.note_failure(ONE, 0) is not None


def test_failures_that_are_far_apart_do_not_bar() -> None:
    book = make(failures_per_address=10, failure_window_s=120)
    assert [book.note_failure(ONE, 13.5 * number) for number in range(100)] == [None] * 100


def test_who_is_exempt_is_not_counted() -> None:
    book = make(connections_per_address=1, new_connections_per_address_per_min=1, failures_per_address=1)
    for _ in range(100):
        assert enter(book, 0, None) is None
        assert book.enter_again(None, 0) is None
        assert book.note_failure(None, 0) is None
    book.leave(None)
    assert len(book) == 0


def test_an_address_of_which_there_is_nothing_to_remember_is_forgotten() -> None:
    book = make()
    for number in range(1000):
        assert enter(book, 0, f"quiet {number}") is None
        book.leave(f"quiet {number}")
    assert len(book) == 1000
    for number in range(500):
        assert enter(book, 61 + number / 1000, f"next {number}") is None
    assert len(book) == 500


def test_who_is_there_or_is_barred_is_remembered() -> None:
    book = make(failures_per_address=1, failure_bar_s=300)
    assert enter(book, 0, "there") is None
    assert book.note_failure("barred", 0) is not None
    for number in range(100):
        enter(book, 200, f"next {number}")
    assert enter(book, 200, "barred") == "failures_per_address"
    book.leave("there")


def test_no_more_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_limits, "MAX_REMEMBERED", 100)
    book = make()
    assert enter(book, 0, "there") is None
    for number in range(1000):
        assert enter(book, 0, f"{number}") is None
        book.leave(f"{number}")
    assert len(book) == 100
    book.leave("there")  # it was not forgotten


def test_whoever_comes_too_often_is_told_five_times_and_then_once_a_second() -> None:
    book = make(connections_per_address=1)
    assert enter(book, 0) is None

    def is_told(now: float) -> bool:
        full = book.enter(ONE, now)
        assert full is not None
        return full.is_told

    assert [is_told(0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [is_told(1) for _ in range(2)] == [True, False]
