"""A run: meet the server, have the workers prepare, begin at once, measure, and merge."""

import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

import trio

from ric0_trio.load.crew import Crew, hired
from ric0_trio.load.introduction import find_place, meet_server
from ric0_trio.load.loop import clock
from ric0_trio.load.plan import Plan, Scenario
from ric0_trio.load.server_usage import Usage, read_usage
from ric0_trio.load.tally import Tally, merge
from ric0_trio.load.verdict import bottleneck, say_errors, shortcoming
from ric0_trio.load.worker import Brief, Ready, Times

_HEAD_START_S: Final = 0.05
_STEP_S: Final = 0.5


@dataclass(frozen=True)
class Measured:
    """What came of a run."""

    plan: Plan
    begun: datetime
    tally: Tally
    server_pid: int | None
    before: Usage | None
    after: Usage | None
    """Of the server, at the edges of the measured time."""
    is_interrupted: bool

    @property
    def bottleneck(self) -> str | None:
        """What to do, when it was the load that was measured."""
        rate, tally = self.plan.rate, self.tally
        # Processes may have to share processors: then none of them is busy all the time.
        together = tally.cpu_s / tally.seconds / len(os.sched_getaffinity(0)) if tally.seconds else 0.0
        asked = None if rate is None else rate * tally.seconds
        return bottleneck(max(tally.share, together), asked, tally.begun)

    @property
    def problem(self) -> str | None:
        """What is wrong with the figures, and what to do; None when they can be used."""
        return self.bottleneck or (None if self.is_interrupted else shortcoming(self.plan, self.tally))


class Audience(Protocol):
    """Who is told how a run goes on."""

    def hear(self, text: str) -> None:
        """What is being done."""

    def see_connected(self, users: int) -> None:
        """So many users are there, and the measured time begins."""


class NotConnectedError(Exception):
    """Not all users who should be there could be connected."""


def run(plan: Plan, server_pid: int | None, audience: Audience) -> Measured:
    """Carry out the plan; Ctrl-C ends the measured time early.

    Raises `NotConnectedError`, `WorkerLostError`, `OSError` when the server's process is gone, and the client's
    `ChatError` when already the first connection fails.
    """
    with hired(plan.processes) as crew:  # first, as a process is best forked while it has no threads
        audience.hear("meeting the server")
        key = trio.run(meet_server, plan, restrict_keyboard_interrupt_to_checkpoints=True)
        place = find_place(plan.address)
        crew.tell([Brief(plan, worker, key, *place) for worker in range(crew.size)])
        audience.hear("preparing")
        ready: list[Ready] = crew.hear()
        connected = sum(one.connected for one in ready)
        if plan.scenario is not Scenario.SESSION and connected < plan.connections:
            errors = sum((Counter(one.errors) for one in ready), Counter[str]())
            text = f"{connected} of {plan.connections} users could be connected: {say_errors(errors)}"
            raise NotConnectedError(text)
        return _measure(plan, crew, connected, server_pid, audience)


def _measure(plan: Plan, crew: Crew, connected: int, server_pid: int | None, audience: Audience) -> Measured:
    def usage() -> Usage | None:
        return None if server_pid is None else read_usage(server_pid)

    def wait(until: float) -> None:
        while (now := clock()) < until and not crew.wait(min(until, now + _STEP_S)):
            audience.hear(f"measuring: {max(0.0, until - now):.0f} of {plan.seconds:g} s are left")

    begun, before, is_interrupted = datetime.now(UTC), None, False
    try:
        audience.see_connected(connected)
        begin = clock() + _HEAD_START_S
        times = Times(begin, begin + plan.warm_up_s, begin + plan.seconds)
        crew.tell([times] * crew.size)
        wait(times.measure_from)
        before = usage()
        wait(times.measure_to)
        after = usage()
    except KeyboardInterrupt:
        after, is_interrupted = usage(), True
        crew.tell([None] * crew.size)
    audience.hear("ending")
    return Measured(plan, begun, merge(crew.hear()), server_pid, before, after, is_interrupted)
