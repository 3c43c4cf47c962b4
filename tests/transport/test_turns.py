"""Strangers take turns: one each round, in the order in which they came."""

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from ric0_trio.transport.turns import Turnstile


async def test_turns_come_in_order_and_one_a_round() -> None:
    turns, served = Turnstile(), list[int]()
    most_in_a_round = 0

    async def come(number: int) -> None:
        await turns.take_turn()
        served.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(come, number)
            await trio.lowlevel.checkpoint()
        while len(served) < 50:
            before = len(served)
            await trio.lowlevel.checkpoint()
            most_in_a_round = max(most_in_a_round, len(served) - before)
    assert most_in_a_round <= 2  # its round may be over before or after this task's
    assert served == list(range(50))


async def test_one_who_gives_up_is_forgotten(autojump_clock: MockClock) -> None:
    turns = Turnstile()
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(turns.take_turn)
        nursery.cancel_scope.cancel()
    await wait_all_tasks_blocked()
    assert turns.wait_s == 0
    await turns.take_turn()


async def test_the_wait_is_that_of_the_first_in_the_queue(mock_clock: MockClock) -> None:
    turns = Turnstile()
    assert turns.wait_s == 0
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(turns.take_turn)
        for _ in range(2):  # a round in which all of them come to the queue, in whatever order, and this task
            await trio.lowlevel.checkpoint()
        mock_clock.jump(3)
        assert turns.wait_s == 3
    assert turns.wait_s == 0
