"""Users who behave well: regulars, who come and go all the time, and newcomers, who join with a token."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import trio

from ric0_trio.client import ChatError, ConnectionClosedError, ServerIdentityError, UpgradeRefusedError
from ric0_trio.protocol import CloseCode
from tests.hostile.chaos_addresses import come_from, good_address, newcomers_address
from tests.hostile.chaos_host import Host, Life
from tests.hostile.chaos_ledger import Ledger
from tests.hostile.chaos_lines import CODECS, BareLine, Line, bare_line, own_line
from tests.hostile.chaos_people import Invitation, Session, User, make_key

STAY_S = (0.3, 6.0)
AWAY_S = (0.0, 2.0)
BANNED_S = (1.0, 3.0)
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
"""Shorter than docs/protocol.md asks for: a run is not as long as a day."""
LATE_S = 10.0
"""How late somebody may hear on a busy machine that they were banned, when they are not any more."""
NEWCOMERS_EVERY_S = 0.4
MOST_TRIES = 8
"""With one token: an address has ten failures, and waits then."""


@dataclass
class Tries:
    """How often those who behave well tried, with a server there all the time, and how often they were served."""

    number: int = 0
    served: int = 0

    @property
    def rate(self) -> float:
        return self.served / self.number if self.number else 1.0


class Program:
    """One client of a user, which logs in, stays a while, leaves in some way, and comes back."""

    def __init__(self, host: Host, ledger: Ledger, tries: Tries, user: User, address: str, seed: str) -> None:
        self._host = host
        self._ledger = ledger
        self._tries = tries
        self.user = user
        self._address = address
        self._random = random.Random(seed)  # noqa: S311 - not for secrets

    async def run(self) -> None:
        """Come and go until cancelled."""
        come_from(self._address)
        await self._pause(AWAY_S)  # those who begin together do not come together
        while True:
            await self.visit()
            await self._pause(AWAY_S)

    async def visit_from_there(self, most_tries: float = float("inf")) -> str:
        """Visit once, in a task that has nothing else to do."""
        come_from(self._address)
        return await self.visit(most_tries)

    async def visit(self, most_tries: float = float("inf")) -> str:
        """Try until the server lets the user in, with a back-off; stay, leave, and return the last status."""
        user, tries, status = self.user, 0, "none"
        while tries < most_tries:
            if self._must_be_let_in:
                self._ledger.want_in(user)
            status = await self._try()
            if status == "success":
                break
            if status == "disallowed_user":  # it is their user who tries again
                await self._pause(BANNED_S)
            await trio.sleep(self._random.uniform(0, min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(tries, 16))))
            tries += 1
        return status

    async def _try(self) -> str:
        life, status = self._host.life if self._host.is_up else None, "none"
        try:
            async with self._line() as line:
                token = self.user.next_token
                with self._ledger.asking(self.user, brings_token=token is not None) as attempt:
                    attempt.status = await line.connect(self.user, token)
                status = attempt.status
                self._count_try(life, status)
                if attempt.session is not None:
                    await self._be_there(line, attempt.session)
                elif isinstance(line, BareLine):
                    await line.hang_up()
        except ChatError as error:
            self._note(error)
            if status == "none":
                self._count_try(life, status)
        return status

    def _count_try(self, life: Life | None, status: str) -> None:
        if life is self._host.life and not life.is_over and status in ("none", "success", "unknown_error"):
            self._tries.number += 1
            self._tries.served += status == "success"

    @property
    def _must_be_let_in(self) -> bool:
        """Whether there is no way in which the server can rightly refuse them for long."""
        invitation = self.user.invitation
        if invitation is None:
            return self.user.is_added.surely(True)
        return self.user.joined_at < float("inf") or not invitation.is_scarce

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[Line]:
        if self._random.random() < 0.5:
            async with own_line(self._host) as own:
                yield own
        else:
            async with bare_line(self._host, self._random.choice(CODECS)) as bare:
                yield bare

    async def _be_there(self, line: Line, session: Session) -> None:
        politely = False
        try:
            for _ in range(self._random.randrange(3)):
                await line.stay(self._random.uniform(*STAY_S) / 3)
                await self._look_around(line, session)
            await line.stay(self._random.uniform(*STAY_S) / 3)
            politely = await self._leave(line, session)
        finally:
            self._ledger.end(session, politely=politely)

    async def _look_around(self, line: Line, session: Session) -> None:
        sent_at = trio.current_time()
        if await line.look_around():
            self._ledger.sign(session, sent_at)
            self._ledger.counts["asked"] += 1

    async def _leave(self, line: Line, session: Session) -> bool:
        """Leave with a goodbye, with a Close frame, without a word or with a reset; tell whether it was the first."""
        manner = self._random.choice(["goodbye", "goodbye", "close", "drop"])
        self._ledger.counts[f"left by {manner}"] += 1
        if manner == "goodbye":
            sent_at = trio.current_time()
            await line.disconnect()
            self._ledger.sign(session, sent_at)
            return True
        if isinstance(line, BareLine):
            await (line.hang_up() if manner == "close" else line.reset())
        return False

    def _note(self, error: ChatError) -> None:
        self._ledger.counts[_name(error)] += 1
        if isinstance(error, ServerIdentityError):
            self._ledger.complain("the server is not itself", str(error))
        if not isinstance(error, ConnectionClosedError):
            return
        user, now = self.user, trio.current_time()
        if error.code == CloseCode.BANNED and user.is_banned.surely(False, now - LATE_S):
            self._ledger.complain("put out as banned, and is not", user.name)
        elif error.code == CloseCode.KICKED and not user.was_kicked:
            self._ledger.complain("put out, and nobody did", user.name)
        elif error.code in (CloseCode.REPLACED, CloseCode.INTERNAL_ERROR, CloseCode.PROTOCOL_ERROR):
            self._ledger.complain(f"put out with {error.code}", f"{user.name}: {error.reason}")

    async def _pause(self, bounds: tuple[float, float]) -> None:
        await trio.sleep(self._random.uniform(*bounds))


class Newcomers:
    """Users who come for the first time, each with a token of which others have a part, and then once more."""

    def __init__(self, host: Host, ledger: Ledger, tries: Tries, seed: str) -> None:
        self._host = host
        self._ledger = ledger
        self._tries = tries
        self._seed = seed
        self._random = random.Random(seed)  # noqa: S311 - not for secrets
        self._number = 0

    async def run(self) -> None:
        """Let them come until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(self._random.expovariate(1 / NEWCOMERS_EVERY_S))
                invitation = self._find_invitation()
                if invitation is not None:
                    invitation.offered += 1
                    self._number += 1
                    nursery.start_soon(self._come, self._make(invitation), newcomers_address(self._number))

    def _find_invitation(self) -> Invitation | None:
        open_ones = [each for each in self._ledger.invitations if each.is_scarce and each.is_open]
        return self._random.choice(open_ones) if open_ones else None

    def _make(self, invitation: Invitation) -> User:
        user = User(make_key(self._random), f"newcomer {self._number}", invitation=invitation)
        return self._ledger.enrol(user)

    async def _come(self, user: User, address: str) -> None:
        come_from(address)
        program = Program(self._host, self._ledger, self._tries, user, address, f"{self._seed} {user.name}")
        if await program.visit(MOST_TRIES) == "success":
            await trio.sleep(self._random.uniform(*AWAY_S))
            await program.visit()
        user.wants_in_since = float("inf")


def make_regulars(
    host: Host, ledger: Ledger, tries: Tries, invitations: list[Invitation], number: int, seed: int
) -> list[Program]:
    """Make so many users who share the tokens evenly; one in ten has two programs."""
    source = random.Random(f"{seed} regulars")  # noqa: S311 - not for secrets
    programs = []
    for each in range(number):
        twins = 2 if each % 10 == 9 else 1
        invitation = invitations[each % len(invitations)]
        user = ledger.enrol(User(make_key(source), f"regular {each}", programs=twins, invitation=invitation))
        for twin in range(twins):
            address = good_address(2 * each + twin)
            programs.append(Program(host, ledger, tries, user, address, f"{seed} {user.name} {twin}"))
    return programs


def _name(error: ChatError) -> str:
    if isinstance(error, UpgradeRefusedError):
        return f"HTTP {error.status}"
    return f"closed {error.code}" if isinstance(error, ConnectionClosedError) else type(error).__name__
