"""Sockets that one task waits for: nothing is lost, nobody harms another, and turns are kept."""

import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from ric0_trio.transport.readiness import Readiness, Serve, Watch
from ric0_trio.transport.turns import Turnstile

A_FEW_ROUNDS = 10


class End:
    """A watched socket, and its peer."""

    def __init__(self, readiness: Readiness) -> None:
        self.peer, self.ours = socket.socketpair()
        self.ours.setblocking(False)
        self.watch = Watch(readiness, self.ours.fileno())

    def close(self) -> None:
        self.watch.close()
        self.ours.close()
        self.peer.close()

    async def wait(self, serve: Serve, *, takes_turns: bool = False) -> bool:
        return await self.watch.wait(serve, lambda: takes_turns)

    def collect(self, into: bytearray, until: bytes) -> Serve:
        """Take what comes until that has come."""

        def serve() -> bool | None:
            into.extend(self.ours.recv(100))
            return True if into.endswith(until) else None

        return serve


@asynccontextmanager
async def running(*, is_running: bool = True) -> AsyncIterator[Readiness]:
    readiness = Readiness(Turnstile())
    with readiness.turns.following_rounds():
        async with trio.open_nursery() as nursery:
            if is_running:
                await nursery.start(readiness.run)
            yield readiness
            nursery.cancel_scope.cancel()


@contextmanager
def ends(readiness: Readiness, number: int) -> Iterator[list[End]]:
    made = [End(readiness) for _ in range(number)]
    yield made
    for end in made:
        end.close()


async def some_rounds() -> None:
    for _ in range(A_FEW_ROUNDS):
        await trio.lowlevel.checkpoint()


class Rounds(trio.abc.Instrument):
    """How often the event loop goes round."""

    count = 0

    def after_io_wait(self, timeout: float) -> None:
        self.count += 1


async def count_rounds() -> int:
    """How often it goes round in a twentieth of a second."""
    rounds = Rounds()
    trio.lowlevel.add_instrument(rounds)
    await trio.sleep(0.05)
    trio.lowlevel.remove_instrument(rounds)
    return rounds.count


@pytest.mark.parametrize("is_running", [True, False])
async def test_who_waits_is_called_until_it_has_enough(is_running: bool) -> None:
    heard = [bytearray() for _ in range(100)]
    async with running(is_running=is_running) as readiness:
        with ends(readiness, 100) as all_of_them:
            async with trio.open_nursery() as nursery:
                for end, into in zip(all_of_them, heard, strict=True):
                    nursery.start_soon(end.wait, end.collect(into, b"!"))
                for piece in (b"a", b"b", b"c!"):
                    for end in all_of_them:
                        end.peer.send(piece)
                    await some_rounds()
    assert set(map(bytes, heard)) == {b"abc!"}


@pytest.mark.parametrize("is_running", [True, False])
async def test_it_returns_what_it_is_told(is_running: bool) -> None:
    async with running(is_running=is_running) as readiness:
        with ends(readiness, 1) as (end,):
            end.peer.send(b"x")
            assert await end.wait(lambda: False) is False
            assert await end.wait(lambda: True) is True


@pytest.mark.parametrize("is_running", [True, False])
async def test_a_fault_is_raised_where_it_belongs_and_nowhere_else(is_running: bool) -> None:
    heard = bytearray()

    def fail() -> bool:
        raise ZeroDivisionError

    async def wait_in_vain(end: End) -> None:
        with pytest.raises(ZeroDivisionError):
            await end.wait(fail)

    async with running(is_running=is_running) as readiness:
        with ends(readiness, 2) as (bad, good):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait_in_vain, bad)
                nursery.start_soon(good.wait, good.collect(heard, b"!"))
                bad.peer.send(b"x")
                good.peer.send(b"x")
                await some_rounds()
                good.peer.send(b"!")
    assert heard == b"x!"


@pytest.mark.parametrize("takes_turns", [False, True])
@pytest.mark.parametrize("is_running", [True, False])
async def test_what_comes_when_nobody_waits_is_found_later(is_running: bool, takes_turns: bool) -> None:
    async with running(is_running=is_running) as readiness:
        with ends(readiness, 1) as (end,):
            for number in range(3):
                with trio.move_on_after(0):
                    await end.wait(lambda: True, takes_turns=takes_turns)
                end.peer.send(b"x")
                await some_rounds()
                heard = bytearray()
                await end.wait(end.collect(heard, b"x"), takes_turns=takes_turns)
                assert heard == b"x", number


async def test_nobody_is_told_again_and_again_of_what_is_not_read() -> None:
    async with running() as readiness:
        with ends(readiness, 2) as (unread, gone):
            for end in (unread, gone):
                with trio.move_on_after(0):
                    await end.wait(lambda: True)
            unread.peer.send(b"x")
            gone.peer.close()
            await wait_all_tasks_blocked()
            assert await count_rounds() < A_FEW_ROUNDS


@pytest.mark.parametrize("is_running", [True, False])
async def test_whoever_waits_for_what_is_closed_is_woken(is_running: bool) -> None:
    async def wait_in_vain(end: End) -> None:
        with pytest.raises(trio.ClosedResourceError):
            await end.wait(lambda: True)

    async with running(is_running=is_running) as readiness:
        with ends(readiness, 1) as (end,):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait_in_vain, end)
                await wait_all_tasks_blocked()
                end.watch.close()


@pytest.mark.parametrize("number", [1, 100], ids=["one", "a crowd"])
@pytest.mark.parametrize("takes_turns", [False, True])
async def test_when_it_ends_whoever_waits_goes_on_without_it(takes_turns: bool, number: int) -> None:
    async def wait_again_and_again(end: End, into: bytearray) -> None:
        while not await end.wait(end.collect(into, b"!"), takes_turns=takes_turns):
            pass

    readiness = Readiness(Turnstile())
    with ends(readiness, number) as all_of_them:
        heard = [bytearray() for _ in all_of_them]
        async with trio.open_nursery() as nursery:
            async with trio.open_nursery() as watching:
                await watching.start(readiness.run)
                for end, into in zip(all_of_them, heard, strict=True):
                    nursery.start_soon(wait_again_and_again, end, into)
                    end.peer.send(b"a")
                await some_rounds()  # which nobody follows: who takes turns is in the queue now
                watching.cancel_scope.cancel()
            await wait_all_tasks_blocked()
            assert set(map(bytes, heard)) == {b"a"}
            for end in all_of_them:
                end.peer.send(b"!")
    assert set(map(bytes, heard)) == {b"a!"}


async def test_what_is_closed_is_forgotten_though_somebody_has_a_copy_of_it() -> None:
    async with running() as readiness:
        with ends(readiness, 1) as (end,), socket.socket(fileno=os.dup(end.ours.fileno())):
            with trio.move_on_after(0):
                await end.wait(lambda: True)
            end.watch.close()
            end.ours.close()
            end.peer.send(b"x")
            assert await count_rounds() < A_FEW_ROUNDS


async def test_a_crowd_that_has_hung_up_holds_up_nobody() -> None:
    """A socket that has ended is told of at every look, whatever else was asked for, as long as it is watched."""
    readiness = Readiness(Turnstile())  # whose rounds nobody follows, so that nobody gets a turn
    rounds = Rounds()
    async with trio.open_nursery() as nursery:
        await nursery.start(readiness.run)
        with ends(readiness, 500) as crowd, ends(readiness, 1) as (user,):
            for end in crowd:
                nursery.start_soon(partial(end.wait, lambda: True, takes_turns=True))
            await some_rounds()
            for end in crowd:
                end.peer.close()
            for _ in range(500):
                await trio.lowlevel.checkpoint()
            trio.lowlevel.add_instrument(rounds)
            user.peer.send(b"x")
            await user.wait(lambda: True)
            trio.lowlevel.remove_instrument(rounds)
            nursery.cancel_scope.cancel()
    assert rounds.count <= 3


async def test_one_who_is_closed_in_the_round_in_which_it_is_told_of_is_not_called() -> None:
    called = []

    async def wait(end: End, serve: Callable[[], bool]) -> None:
        with pytest.raises(trio.ClosedResourceError):
            await end.wait(serve)

    async with running() as readiness:
        with ends(readiness, 2) as (one, other):

            def close_both() -> bool:
                called.append(1)
                one.close()
                other.close()
                return True

            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait, one, close_both)
                nursery.start_soon(wait, other, close_both)
                await wait_all_tasks_blocked()
                one.peer.send(b"x")
                other.peer.send(b"x")
    assert called == [1]


async def test_one_who_cancels_itself_while_it_is_served_is_cancelled() -> None:
    async with running() as readiness:
        with ends(readiness, 1) as (end,):
            with trio.CancelScope() as scope:

                def give_up() -> bool:
                    end.ours.recv(1)
                    scope.cancel()
                    return True

                end.peer.send(b"x")
                await end.wait(give_up)
            assert scope.cancelled_caught


async def test_turns_are_taken_in_the_order_of_coming_by_tasks_and_by_those_who_are_called() -> None:
    served = list[int]()

    async def take_turn(readiness: Readiness, number: int) -> None:
        await readiness.turns.take_turn()
        served.append(number)

    async def be_called(end: End, number: int) -> None:
        def serve() -> bool:
            served.append(number)
            return True

        await end.wait(serve, takes_turns=True)

    async with running() as readiness:
        with ends(readiness, 40) as all_of_them:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(take_turn, readiness, -1)  # from here on there is somebody in the queue
                for number, end in enumerate(all_of_them):
                    if number % 3:
                        nursery.start_soon(be_called, end, number)
                await trio.lowlevel.checkpoint()
                for number, end in enumerate(all_of_them):
                    if number % 3:
                        end.peer.send(b"x")
                    else:
                        nursery.start_soon(take_turn, readiness, number)
                    await trio.lowlevel.checkpoint()
    assert sorted(served) == [-1, *range(40)]
    called = [number for number in served if number % 3]
    assert called == sorted(called)
    assert [number for number in served if number % 3 == 0] == list(range(0, 40, 3))


@pytest.mark.parametrize("gives_up", [True, False])
async def test_one_who_leaves_the_queue_holds_up_nobody(gives_up: bool) -> None:
    turns, served = Turnstile(), list[int]()

    def first() -> None:
        served.append(1)

    def second() -> None:
        served.append(2)

    async with trio.open_nursery() as nursery:
        turns.call_in_turn(first)
        turns.call_in_turn(second)
        nursery.start_soon(turns.take_turn)
        await wait_all_tasks_blocked()
        turns.withdraw(second)
        turns.withdraw(first)
        turns.withdraw(first)  # which is not there any more
        if gives_up:
            nursery.cancel_scope.cancel()
    assert turns.wait_s == 0
    assert turns.calls == 0
    assert served == []


async def test_of_two_who_queue_one_is_called_in_a_round_that_is_not_young() -> None:
    turns, served = Turnstile(), list[int]()
    turns.call_in_turn(lambda: served.append(1))
    turns.call_in_turn(lambda: served.append(2))
    turns.call_those_due()
    assert served == []  # no round has begun
    turns.after_io_wait(0)
    turns.call_those_due()
    assert served[:1] == [1]
    for _ in range(2):
        turns.after_io_wait(0)
        turns.call_those_due()
    assert served == [1, 2]
