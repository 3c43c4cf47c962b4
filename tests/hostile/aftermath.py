"""What is counted after an attack: what the server refused, and what is left of it."""

import gc
from collections.abc import Mapping
from enum import Enum
from itertools import count
from pathlib import Path
from typing import NamedTuple, Self

import trio

from tests.hostile.people import PATIENCE_S

POLL_S = 0.02
_DESCRIPTORS = Path("/dev/fd")


class Times(Enum):
    """How often a limit is reached, where that is a matter of chance."""

    SOME = "at least once"
    PERHAPS = "or not at all"


Refusals = Mapping[str, int | Times]

FLOODED: Refusals = {"bytes": Times.PERHAPS, "reads": Times.PERHAPS}
"""What a flood can reach besides, while the server closes the connection."""


def check_refusals(counted: Mapping[str, int], expected: Refusals) -> None:
    """Each limit that had to be reached was counted under its name, and no other was."""
    possible = {limit: counted.get(limit, 0) for limit in expected}
    assert counted == {limit: times for limit, times in possible.items() if times}, counted
    for limit, times in expected.items():
        match times:
            case Times.SOME:
                assert counted.get(limit), f"{limit} was not reached: {counted}"
            case int():
                assert counted.get(limit) == times, f"{limit} was not reached {times} times: {counted}"


class Resources(NamedTuple):
    """What a connection takes: tasks, and descriptors of both of its ends."""

    tasks: int
    descriptors: int

    @classmethod
    def now(cls) -> Self:
        return cls(trio.lowlevel.current_statistics().tasks_living, len(list(_DESCRIPTORS.iterdir())))

    async def check_all_are_back(self) -> None:
        """As many are in use as were then; it is waited for."""
        with trio.move_on_after(PATIENCE_S):
            for polls in count(1):
                if Resources.now() == self:
                    break
                if polls % 100 == 0:  # it takes long
                    gc.collect()
                await trio.sleep(POLL_S)
        left = Resources.now()
        assert left == self, f"{left} instead of {self}"
