"""`SqliteAccess`: the rules in a file, beside the server. The event loop never waits for the disk.

All that reads or writes the file runs in one worker thread at a time. Those who ask to join while it is busy wait,
and are decided together: in turn, in one transaction, so that no race is left, with one wait for the disk.
"""

import math
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import outcome
import structlog
import trio

from ric0_trio.access import moments
from ric0_trio.access.audit import AuditBounds
from ric0_trio.access.database import Database, StoreError
from ric0_trio.access.places import Guest, Place, Places
from ric0_trio.access.records import Entry, Topic
from ric0_trio.access.registrar import Candidate, Registrar
from ric0_trio.access.rules import Decision, Policy, Rule
from ric0_trio.access.store import Applicant
from ric0_trio.protocol import Admit, Admitted, CloseCode, Fingerprint, Kick, Refused, Status, Verdict

T = TypeVar("T")

_BUSY_TIMEOUT_S: Final = 2.0
_ANSWER_TIMEOUT_S: Final = 10.0
"""A disk that hangs is not waited for longer."""
_BATCH: Final = 256
_LOOK_EVERY_S: Final = 1.0
"""How long a rule that was changed without telling the server may go unnoticed, and a note may be unwritten."""
_MAX_NOTES: Final = 20_000
_COMPLAIN_EVERY_S: Final = 10.0

_UNANSWERED: Final = Refused(Status.UNKNOWN_ERROR)
_BANNED: Final = "you are banned from this server"
_UNWELCOME: Final = "you may no longer be here: the rules have changed"
_REPLACED: Final = "replaced by a newer connection of yours"


@dataclass(eq=False)
class _Asked:
    """An admission that waits for its answer."""

    place: Place
    join_token: str | None = field(repr=False)
    answer: outcome.Outcome[Decision] | None = None
    """None, once `answered` is set: the store could not be asked."""
    is_given_up: bool = False
    answered: trio.Event = field(default_factory=trio.Event)


@asynccontextmanager
async def open_sqlite_access(
    path: Path, policy: Policy, bounds: AuditBounds, now: Callable[[], datetime] = moments.now
) -> AsyncIterator["SqliteAccess"]:
    """Keep the rules in the file at `path`, which is made if need be, while the block lasts.

    `policy` is what the configuration says of them. Raises `StoreError`.
    """
    database = await trio.to_thread.run_sync(lambda: Database(path, busy_timeout_s=_BUSY_TIMEOUT_S))
    access = SqliteAccess(database, policy, bounds, now)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(access._decide_in_turn)
        nursery.start_soon(access._look_for_changes)
        try:
            yield access
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + _ANSWER_TIMEOUT_S):
                await access._close()
            nursery.cancel_scope.cancel()


class SqliteAccess:
    """An `AccessStore`, and what an operator can ask of it while it runs. Made by `open_sqlite_access`."""

    def __init__(self, database: Database, policy: Policy, bounds: AuditBounds, now: Callable[[], datetime]) -> None:
        self.policy: Final = policy
        """What the configuration says of the rules."""
        self._database = database
        self._registrar = Registrar(database, policy, bounds)
        self._now = now
        self._places = Places()
        self._queue = deque[_Asked]()
        self._notes = deque[Entry]()
        self._notes_lost = 0
        self._wanted = trio.Event()
        self._one_thread = trio.CapacityLimiter(1)
        self._one_batch = trio.Lock()
        self._version_seen = database.data_version
        self._complained_at = -math.inf
        self._is_failing = False
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        # Whoever was on when a server was killed had left by now: nothing else will say so.
        self._note(Entry(at=now(), topic=Topic.SESSION, event="server.started", actor="server"))

    # For the server

    async def admit(self, applicant: Applicant, request: Admit) -> Verdict:
        guest = Guest(
            fingerprint=request.user.pubkey.fingerprint,
            user=request.user,
            client_app=request.client_app,
            peer=applicant.peer,
        )
        asked = _Asked(Place(applicant=applicant, guest=guest, since=self._now()), request.join_token)
        self._places.register(asked.place)
        self._queue.append(asked)
        self._wanted.set()
        verdict: Verdict = _UNANSWERED
        try:
            with trio.move_on_after(_ANSWER_TIMEOUT_S):
                await asked.answered.wait()
            if asked.answer is not None:
                verdict = asked.answer.unwrap().verdict
        finally:
            if not isinstance(verdict, Admitted):
                asked.is_given_up = True
                self._places.remove(applicant.connection_id)
        return verdict

    async def release(self, connection_id: str, why: str) -> None:
        place = self._places.remove(connection_id)
        if place is not None:
            self._note_departure(place, why)

    # For the operator

    def who(self) -> list[Place]:
        """Who is connected, whoever came first first."""
        return [place for place in self._places if place.counts]

    def kick(self, user: Fingerprint, reason: str, actor: str) -> int:
        """Put every connection of a user out, and say how many there were."""
        found = [place for place in self._places if place.guest.fingerprint == user and place.evicted is None]
        for place in found:
            self._places.evict(place, Kick(CloseCode.KICKED, reason or "you were put out by the operator"))
        if found:
            name = found[-1].guest.user.name
            detail = f"{len(found)} connections{': ' if reason else ''}{reason}"
            self._note(
                Entry(
                    at=self._now(), topic=Topic.CHANGE, event="kicked", actor=actor, user=user, name=name, detail=detail
                )
            )
        return len(found)

    async def refresh(self) -> int:
        """Put out whoever has been banned since the last look, and say how many connections that were.

        Raises `StoreError`.
        """
        version = await self._in_thread(lambda: self._database.data_version)
        if version == self._version_seen:
            return 0
        watched = {place.guest.fingerprint for place in self._places}
        bans = await self._in_thread(lambda: self._registrar.find_bans(watched, self._now()))
        reasons = {ban.user: ban.told_reason or _BANNED for ban in bans}
        found = [place for place in self._places if place.guest.fingerprint in reasons and place.evicted is None]
        for place in found:
            self._places.evict(place, Kick(CloseCode.BANNED, reasons[place.guest.fingerprint]))
        self._version_seen = version
        return len(found)

    async def review(self) -> int:
        """Put out whoever would not be let in now, and say how many connections that were. Raises `StoreError`."""
        banned = await self.refresh()
        places = self.who()
        guests = [place.guest for place in places]
        decisions = await self._in_thread(lambda: self._registrar.review(guests, self._now()))
        found = 0
        for place, decision in zip(places, decisions, strict=True):
            if isinstance(decision.verdict, Refused) and place.evicted is None:
                code = CloseCode.BANNED if decision.rule is Rule.BAN else CloseCode.KICKED
                self._places.evict(place, Kick(code, decision.verdict.reason or _UNWELCOME))
                found += 1
        return banned + found

    # What goes on by itself

    async def _decide_in_turn(self) -> None:
        while True:
            with trio.move_on_after(_LOOK_EVERY_S):
                await self._wanted.wait()
            self._wanted = trio.Event()
            await self._decide()
            if self._queue:  # there are more than are decided at once, or some have come meanwhile
                self._wanted.set()

    async def _look_for_changes(self) -> None:
        while True:
            await trio.sleep(_LOOK_EVERY_S)
            if len(self._places):
                try:
                    await self.refresh()
                except StoreError as error:
                    self._complain(error)

    async def _decide(self) -> None:
        """Answer those who wait, and write notes down."""
        async with self._one_batch:
            waiting = [self._queue.popleft() for _ in range(min(len(self._queue), _BATCH))]
            waiting = [asked for asked in waiting if not asked.is_given_up]
            notes = list(islice(self._notes, _BATCH))
            if not waiting and not notes:
                return
            candidates = [Candidate(asked.place.guest, asked.join_token) for asked in waiting]
            users = {candidate.guest.fingerprint for candidate in candidates}
            live = {user: len(self._places.of(user)) for user in users}
            work = partial(self._registrar.admit, candidates, live, notes, self._now())
            match await self._in_thread(lambda: outcome.capture(work)):
                case outcome.Value(value=decisions):
                    self._drop_notes(len(notes))
                    self._rejoice()
                    for asked, decision in zip(waiting, decisions, strict=True):
                        self._take_decision(asked, decision)
                case outcome.Error(error=StoreError() as error):
                    self._complain(error)
                case fault:  # of ours: raised to those whom it concerns, as raised here it would end the server
                    self._drop_notes(len(notes))
                    self._notes_lost += len(notes)
                    for asked in waiting:
                        asked.answer = fault
            for asked in waiting:
                asked.answered.set()

    def _take_decision(self, asked: _Asked, decision: Decision) -> None:
        place = asked.place
        if isinstance(decision.verdict, Admitted) and asked.is_given_up:  # the client is gone, and so is its place
            self._note_departure(place, "the answer came too late")
        elif isinstance(decision.verdict, Admitted):
            own = self._places.of(place.guest.fingerprint)
            if decision.replaces_oldest:
                for oldest in own[: len(own) - self.policy.connections_per_user + 1]:
                    self._places.evict(oldest, Kick(CloseCode.REPLACED, _REPLACED))
            self._places.admit(place, self._now())
        asked.answer = outcome.Value(decision)

    def _note_departure(self, place: Place, why: str) -> None:
        if place.evicted is not None:
            why = f"{place.evicted.code.name.lower()}: {place.evicted.reason}"
        self._note(place.guest.entry(self._now(), "left", detail=why))

    def _note(self, entry: Entry) -> None:
        if len(self._notes) < _MAX_NOTES:
            self._notes.append(entry)
        else:
            self._notes_lost += 1

    def _drop_notes(self, number: int) -> None:
        for _ in range(number):
            self._notes.popleft()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await trio.to_thread.run_sync(work, limiter=self._one_thread, abandon_on_cancel=True)

    def _complain(self, error: StoreError) -> None:
        self._is_failing = True
        now = trio.current_time()
        if now - self._complained_at >= _COMPLAIN_EVERY_S:
            self._complained_at = now
            self._log.error("access.failed", error=str(error), notes_lost=self._notes_lost)

    def _rejoice(self) -> None:
        if self._is_failing:
            self._is_failing = False
            self._complained_at = -math.inf
            self._log.info("access.recovered", notes_lost=self._notes_lost)

    async def _close(self) -> None:
        unwritten = math.inf
        while len(self._notes) < unwritten:  # until there are none, or none can be written
            unwritten = len(self._notes)
            await self._decide()
        await self._in_thread(self._database.close)
