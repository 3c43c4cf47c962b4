"""A worker process: it carries out its part of a plan, and says what it measured."""

import math
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Any, Final

from ric0_trio.load.idle import Idle
from ric0_trio.load.loop import Loop, clock
from ric0_trio.load.message import Messages
from ric0_trio.load.plan import Plan, Scenario
from ric0_trio.load.scenario import Acts
from ric0_trio.load.session import Sessions
from ric0_trio.load.stage import Stage, set_stage
from ric0_trio.load.storm import Storm
from ric0_trio.load.streams import Target
from ric0_trio.load.tally import Tally
from ric0_trio.protocol import PublicKey

_SCENARIOS: Final[dict[Scenario, Callable[[Stage], Acts]]] = {
    Scenario.SESSION: Sessions,
    Scenario.MESSAGE: Messages,
    Scenario.IDLE: Idle,
    Scenario.STORM: Storm,
}


@dataclass(frozen=True)
class Brief:
    """What a worker is told first."""

    plan: Plan
    worker: int
    server: PublicKey
    family: socket.AddressFamily
    place: tuple[Any, ...]


@dataclass(frozen=True)
class Ready:
    """What it says when it is prepared."""

    connected: int
    errors: dict[str, int]


@dataclass(frozen=True)
class Times:
    """What it is told then, by the clock that all processes share."""

    begin: float
    measure_from: float
    measure_to: float


class Worker:
    """Told `Brief`, says `Ready`, is told `Times`, says its `Tally`. Anything else that it is told ends it early."""

    deadline = math.inf

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._loop = Loop()
        self._times: Times | None = None
        self._is_stopped = False

    def work(self) -> None:
        """Do it all."""
        brief: Brief = self._pipe.recv()
        plan = brief.plan
        target = Target(brief.family, brief.place, plan.address.host, plan.tls(), plan.resumes)
        stage = set_stage(plan, brief.worker, self._loop, target, brief.server)
        scenario = _SCENARIOS[plan.scenario](stage)
        self._loop.watch(self._pipe.fileno(), self)
        scenario.prepare()
        scenario.conclude()
        self._pipe.send(Ready(stage.tally.stayed, dict(stage.tally.errors)))
        while self._times is None and not self._is_stopped:
            self._loop.run_until(math.inf)
        self._pipe.send(stage.tally if self._times is None else self._measure(stage, scenario, self._times))
        self._loop.forget(self._pipe.fileno())
        self._pipe.close()  # nobody waits for what follows
        scenario.end()

    def on_ready(self, events: int) -> None:
        try:
            told = self._pipe.recv()
        except EOFError:
            told = None
        if isinstance(told, Times):
            self._times = told
        else:
            self._is_stopped = True
        self._loop.stop()

    def on_late(self) -> None:
        pass

    def _measure(self, stage: Stage, scenario: Acts, times: Times) -> Tally:
        self._loop.run_until(times.begin)
        scenario.start(times.begin)
        is_on = not self._is_stopped and self._loop.run_until(times.measure_from)
        stage.tally = tally = Tally(errors=stage.tally.errors)
        tally.resumed = -stage.target.resumed
        begun, cpu = clock(), time.process_time()
        if is_on:
            self._loop.run_until(times.measure_to)
        tally.seconds, tally.cpu_s = clock() - begun, time.process_time() - cpu
        tally.share = tally.cpu_s / tally.seconds if tally.seconds > 0 else 0.0
        tally.resumed += stage.target.resumed
        scenario.conclude()
        stage.tally = Tally()  # for what ends later, and is not counted
        return tally
