"""What the scenario of one worker process has to work with."""

import gc
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from ric0_trio.load.connection import Connection, Owner
from ric0_trio.load.loop import Loop
from ric0_trio.load.people import Phrasebook, Script
from ric0_trio.load.plan import Plan
from ric0_trio.load.streams import Target
from ric0_trio.load.tally import Tally
from ric0_trio.protocol import PublicKey


@dataclass
class Stage:
    """One worker's part of the plan, and its users."""

    plan: Plan
    worker: int
    """Its number, from 0."""
    loop: Loop
    target: Target
    book: Phrasebook
    users: Iterator[bytes]
    """What each user sends to be let in, over and over."""
    tally: Tally = field(default_factory=Tally)

    @property
    def connections(self) -> int:
        return self.plan.share(self.plan.connections, self.worker)

    def begin(self, script: Script, owner: Owner, due: float) -> Connection:
        connection = Connection(self.loop, self.target, script, owner, due)
        connection.begin()
        return connection


def set_stage(plan: Plan, worker: int, loop: Loop, target: Target, server: PublicKey) -> Stage:
    """Make the users, and all that they say to the server of that key."""
    book = Phrasebook(plan, server)
    numbers = range(worker, plan.users, plan.processes) or range(worker % plan.users, plan.users)
    users = [book.user(number) for number in numbers]
    gc.collect()
    gc.freeze()  # what is there by now stays
    return Stage(plan, worker, loop, target, book, itertools.cycle(users))
