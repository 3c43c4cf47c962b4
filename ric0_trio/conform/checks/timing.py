"""Deadlines of the server: that it keeps them, neither early nor late."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import trio

from ric0_trio.conform.outcomes import EndedError, FailedError

EARLY_S: Final = 1.0
LATE_S: Final = 3.0
"""How much before and after its time a deadline may be seen to pass: networks and busy machines take some."""


class Stopwatch:
    """Measures from the moment that it is made, or from `begun`, a moment of Trio's clock."""

    def __init__(self, begun: float | None = None) -> None:
        self._begun = trio.current_time() if begun is None else begun

    def expect(self, what: str, seconds: float) -> None:
        """See that so much time has passed, about."""
        took = trio.current_time() - self._begun
        if not seconds - EARLY_S <= took <= seconds + LATE_S:
            raise FailedError(f"{what} after {seconds:g} s", f"after {took:.1f} s")

    def expect_within(self, what: str, seconds: float) -> None:
        """See that no more time than that has passed."""
        took = trio.current_time() - self._begun
        if took > seconds:
            raise FailedError(f"{what} within {seconds:g} s", f"after {took:.1f} s")

    def expect_no_sooner(self, what: str, seconds: float) -> None:
        """See that so much time has passed, about, or more."""
        took = trio.current_time() - self._begun
        if took < seconds - EARLY_S:
            raise FailedError(f"{what} no sooner than after {seconds:g} s", f"after {took:.1f} s")


async def all_at_once(*waits: Callable[[], Awaitable[None]]) -> None:
    """Carry out parts of a check side by side. Raises what the first of them that did not pass raised."""
    ended: list[EndedError] = []

    async def carry_out(wait: Callable[[], Awaitable[None]]) -> None:
        try:
            await wait()
        except EndedError as error:
            ended.append(error)

    async with trio.open_nursery() as nursery:
        for wait in waits:
            nursery.start_soon(partial(carry_out, wait))
    if ended:
        raise ended[0]
