"""`SqliteAccess`: the rules in a file, beside the server. The event loop never waits for the disk.

All that reads or writes the file runs in one worker thread at a time. Those who ask to join while it is busy wait,
and are decided together: in turn, in one transaction, so that no race is left, with one wait for the disk.
"""

import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import structlog
import trio

from ric0_trio.access import moments
from ric0_trio.access.audit import AuditBounds
from ric0_trio.access.database import Database, NonsenseError, StoreError
from ric0_trio.access.notes import Notes
from ric0_trio.access.places import Place, Places
from ric0_trio.access.records import Entry, Guest, Topic
from ric0_trio.access.registrar import Candidate, Registrar
from ric0_trio.access.rules import Decision, Policy, Rule
from ric0_trio.access.store import Applicant
from ric0_trio.access.worker import FaultError, Worker
from ric0_trio.protocol import Admit, Admitted, CloseCode, Fingerprint, Kick, Refused, Status, Verdict

_BUSY_TIMEOUT_S: Final = 2.0
_PATIENCE_S: Final = 10.0
"""A disk that hangs is not waited for longer. (A session waits for less by default: its client is gone by then.)"""
_BATCH: Final = 256
_LOOK_EVERY_S: Final = 1.0
"""How long a rule that was changed without telling the server may go unnoticed, and a note may be unwritten."""
_PRUNE_EVERY_S: Final = 60.0
_COMPLAIN_EVERY_S: Final = 10.0

_UNANSWERED: Final = Refused(Status.UNKNOWN_ERROR)
_BANNED: Final = "you are banned from this server"
_KICKED: Final = "you were put out by the operator"
_UNWELCOME: Final = "you may no longer be here: the rules have changed"
_REPLACED: Final = "replaced by a newer connection of yours"


@dataclass(eq=False)
class _Asked:
    """An admission that waits for its answer."""

    place: Place
    join_token: str | None = field(repr=False)
    answer: Verdict = _UNANSWERED
    is_given_up: bool = False
    answered: trio.Event = field(default_factory=trio.Event)


@asynccontextmanager
async def open_sqlite_access(
    path: Path, policy: Policy, bounds: AuditBounds, now: Callable[[], datetime] = moments.now
) -> AsyncIterator["SqliteAccess"]:
    """Keep the rules in the file at `path`, which is made if need be, while the block lasts.

    `policy` is what the configuration says of them. One at a time for each file: hold `DataDir.hold` meanwhile. Raises
    `StoreError`.
    """
    database = await trio.to_thread.run_sync(
        lambda: Database(path, is_server=True, busy_timeout_s=_BUSY_TIMEOUT_S), abandon_on_cancel=True
    )
    access = SqliteAccess(database, policy, bounds, now)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(access._decide_in_turn)
        nursery.start_soon(access._look_for_changes)
        nursery.start_soon(access._keep_bounds)
        try:
            yield access
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + _PATIENCE_S):
                await access._close()
            access._patience.cancel()
            nursery.cancel_scope.cancel()


class SqliteAccess:
    """An `AccessStore`, and what an operator can ask of it while it runs. Made by `open_sqlite_access`."""

    def __init__(self, database: Database, policy: Policy, bounds: AuditBounds, now: Callable[[], datetime]) -> None:
        self.policy = policy
        """What the configuration says of the rules."""
        self._database = database
        self._registrar = Registrar(database, policy, bounds)
        self._now = now
        self._places = Places()
        self._queue = deque[_Asked]()
        self._notes = Notes()
        self._worker = Worker(database.path)
        self._wanted = trio.Event()
        self._one_batch = trio.Lock()
        self._patience = trio.CancelScope()
        self._version_seen: int | None = None
        self._complained_at = -math.inf
        self._problem: str | None = None
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        # Whoever was on when a server was killed had left by now: nothing else will say so.
        self._note_of_server("started", f"mode {policy.mode}")

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
        try:
            with trio.move_on_after(_PATIENCE_S):
                await asked.answered.wait()
            if not asked.answered.is_set():
                why = "it does not answer; see the disk, and the system's log"
                self._complain(StoreError(f"{self._database.path}: {why}"))
        finally:
            if not isinstance(asked.answer, Admitted):
                asked.is_given_up = True
                self._places.remove(applicant.connection_id)
                if asked in self._queue:
                    self._queue.remove(asked)
        return asked.answer

    async def release(self, connection_id: str, why: str) -> None:
        place = self._places.remove(connection_id)
        if place is not None:
            self._note_departure(place, why)

    # For the operator

    @property
    def problem(self) -> str | None:
        """Why nobody can be let in, if that is so."""
        return self._problem

    def change(self, policy: Policy, bounds: AuditBounds) -> None:
        """Go by another policy from the next admission on; who is on stays."""
        self.policy = policy
        self._registrar = Registrar(self._database, policy, bounds)

    def who(self) -> list[Place]:
        """Who is connected, whoever came first first."""
        return [place for place in self._places if place.counts]

    async def kick(self, user: Fingerprint, reason: str, actor: str) -> int:
        """Put every connection of a user out, write that down, and say how many there were."""
        own = [place for place in self._places if place.guest.fingerprint == user]
        name = own[-1].guest.user.name if own else None
        closed = self._evict((place, Kick(CloseCode.KICKED, reason or _KICKED)) for place in own)
        if closed:
            await self._note_kick(user, name, actor, reason or None)
        return closed

    async def refresh(self) -> int:
        """Put out whoever has been banned since the last look, and say how many connections that were.

        Raises `StoreError`.
        """
        version = await self._worker.run(lambda: self._database.data_version)
        if version == self._version_seen:
            return 0
        watched = {place.guest.fingerprint for place in self._places}
        bans = await self._worker.run(lambda: self._registrar.find_bans(watched, self._now()))
        reasons = {ban.user: ban.told_reason or _BANNED for ban in bans}
        closed = self._evict(
            (place, Kick(CloseCode.BANNED, reasons[place.guest.fingerprint]))
            for place in self._places
            if place.guest.fingerprint in reasons
        )
        self._version_seen = version
        return closed

    async def review(self, *, user: Fingerprint | None, client: str | None, actor: str) -> int:
        """Put out whoever would not be let in now, write that down, and say how many connections that were.

        Of this `user` alone, or of those with this `client` software; of all, when both are None. Raises `StoreError`.
        """
        banned = await self.refresh()
        places = [
            place
            for place in self.who()
            if user in (None, place.guest.fingerprint) and client in (None, place.guest.client_app.name)
        ]
        guests = [place.guest for place in places]
        decisions = await self._worker.run(lambda: self._registrar.review(guests, self._now()))
        closed = self._evict(
            (place, Kick(_code_for(decision.rule), decision.verdict.reason or _UNWELCOME))
            for place, decision in zip(places, decisions, strict=True)
            if isinstance(decision.verdict, Refused)
        )
        if closed:
            connections = f"{closed} connection{'' if closed == 1 else 's'}"
            await self._note_kick(user, None, actor, f"{connections}, as the rules have changed")
        return banned + closed

    def _evict(self, kicks: Iterable[tuple[Place, Kick]]) -> int:
        return sum(self._places.evict(place, kick) for place, kick in kicks)

    # What goes on by itself

    async def _decide_in_turn(self) -> None:
        while True:
            with trio.move_on_after(_LOOK_EVERY_S):
                await self._wanted.wait()
            self._wanted = trio.Event()
            await self._decide()
            is_behind = len(self._notes) >= _BATCH and self._problem is None
            if self._queue or is_behind:  # there are more than are taken at once, or some have come meanwhile
                self._wanted.set()

    async def _look_for_changes(self) -> None:
        while True:
            await trio.sleep(_LOOK_EVERY_S)
            if len(self._places):
                try:
                    await self.refresh()
                except StoreError as error:
                    self._complain(error)

    async def _keep_bounds(self) -> None:
        while True:
            try:
                while await self._worker.run(lambda: self._registrar.prune(self._now())):
                    pass
            except StoreError as error:
                self._complain(error)
            await trio.sleep(_PRUNE_EVERY_S)

    async def _decide(self) -> None:
        """Answer those who wait, and write notes down."""
        async with self._one_batch:
            waiting = [self._queue.popleft() for _ in range(min(len(self._queue), _BATCH))]
            notes = self._notes.first(_BATCH)
            if not waiting and not notes:
                return
            candidates = [Candidate(asked.place.guest, asked.join_token) for asked in waiting]
            users = {candidate.guest.fingerprint for candidate in candidates}
            live = {user: len(self._places.of(user)) for user in users}
            work = partial(self._registrar.admit, candidates, live, notes, self._now())
            policy = self.policy  # by which they are decided, whatever it is by then
            try:
                # What is being written must be known, to be answered.
                with trio.CancelScope(shield=True) as self._patience:
                    decisions = await self._worker.run(work)
                    self._notes.drop(len(notes))
                    self._rejoice()
                    for asked, decision in zip(waiting, decisions, strict=True):
                        self._take_decision(asked, decision, policy.connections_per_user)
            except StoreError as error:
                self._complain(error)
                if isinstance(error, FaultError):  # it would come back with them, for ever
                    self._notes.lose(len(notes))
            finally:
                for asked in waiting:
                    asked.answered.set()

    def _take_decision(self, asked: _Asked, decision: Decision | NonsenseError, most: int) -> None:
        place = asked.place
        if isinstance(decision, NonsenseError):
            # It keeps out this user alone, so it is no problem of the store's.
            self._log_failure(f"{self._database.path}: {decision}; run `ric0-trio check`")
            return
        asked.answer = decision.verdict
        if isinstance(decision.verdict, Admitted) and asked.is_given_up:  # the client is gone, and so is its place
            self._note_departure(place, "the answer came too late")
        elif isinstance(decision.verdict, Admitted):
            if decision.replaces_oldest:  # it may have left meanwhile
                own = self._places.of(place.guest.fingerprint)
                oldest = own[: max(0, len(own) - most + 1)]
                self._evict((place, Kick(CloseCode.REPLACED, _REPLACED)) for place in oldest)
            self._places.admit(place, self._now())

    # What is written down

    def _note_departure(self, place: Place, why: str) -> None:
        if place.evicted is not None:
            why = f"{place.evicted.code.name.lower()}: {place.evicted.reason}"
        self._notes.add(place.guest.entry(self._now(), "left", detail=why))

    async def _note_kick(self, user: Fingerprint | None, name: str | None, actor: str, detail: str | None) -> None:
        at, topic = self._now(), Topic.CHANGE
        entry = Entry(at=at, topic=topic, event="kicked", actor=actor, user=user, name=name, detail=detail)
        self._notes.add(entry)
        await self._decide()

    def _note_of_server(self, event: str, detail: str | None = None) -> None:
        event = f"server.{event}"
        self._notes.add(Entry(at=self._now(), topic=Topic.SESSION, event=event, actor="server", detail=detail))

    def _complain(self, error: StoreError) -> None:
        if self._problem is None:  # a new one is told at once
            self._complained_at = -math.inf
        self._problem = str(error)
        self._log_failure(self._problem)

    def _log_failure(self, error: str) -> None:
        now = trio.current_time()
        if now - self._complained_at >= _COMPLAIN_EVERY_S:
            self._complained_at = now
            self._log.error("access.failed", error=error, notes_lost=self._notes.lost)

    def _rejoice(self) -> None:
        if self._problem is not None:
            self._problem = None
            self._log.info("access.recovered", notes_lost=self._notes.lost)

    async def _close(self) -> None:
        self._note_of_server("stopped")
        left = math.inf
        while len(self._queue) + len(self._notes) < left:  # until there is nothing, or nothing can be written
            left = len(self._queue) + len(self._notes)
            await self._decide()
        if len(self._notes):
            self._notes.lose(len(self._notes))
            self._log.error("access.failed", error="the last entries could not be written", notes_lost=self._notes.lost)
        await self._worker.run(self._database.close)


def _code_for(rule: Rule | None) -> CloseCode:
    return CloseCode.BANNED if rule is Rule.BAN else CloseCode.KICKED
