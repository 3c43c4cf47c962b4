"""The open loop: what is due when, with room and without."""

import pytest

from ric0_trio.load.loop import Loop, clock
from ric0_trio.load.timetable import Timetable

RATE, MANY = 1000.0, 50


def test_each_is_due_at_its_time() -> None:
    loop, due = Loop(), list[float]()

    def begin(when: float) -> None:
        assert clock() >= when
        due.append(when)
        if len(due) == MANY:
            loop.stop()

    begun = clock()
    Timetable(loop, RATE, lambda: len(due) < MANY, begin).start(begun)
    assert not loop.run_until(begun + 20)
    assert due == pytest.approx([begun + number / RATE for number in range(MANY)], abs=1e-6)


def test_what_waits_keeps_its_time() -> None:
    """Without room nothing begins; with room again, what was due is begun, and none is left out."""
    loop, due, room = Loop(), list[float](), [1]

    def begin(when: float) -> None:
        room[0] -= 1
        due.append(when)

    begun = clock()
    timetable = Timetable(loop, RATE, lambda: room[0] > 0, begin)
    timetable.start(begun)
    loop.run_until(begun + 20 / RATE)
    assert due == [begun]
    room[0] = 10
    timetable.use_room()
    assert len(due) == 11
    assert due[-1] - begun < 11 / RATE
    timetable.end()
    room[0] = 10
    timetable.use_room()
    assert len(due) == 11
