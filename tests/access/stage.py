"""What the tests of `access` share: people who want to join, a store to join, and an operator beside it."""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import trio

from ric0_trio.access.audit import AuditBounds
from ric0_trio.access.records import Guest
from ric0_trio.access.rules import Mode, Policy
from ric0_trio.access.sqlite import SqliteAccess, open_sqlite_access
from ric0_trio.access.store import Applicant
from ric0_trio.protocol import (
    Admit,
    Admitted,
    AppInfo,
    CloseCode,
    Fingerprint,
    Kick,
    PublicKey,
    SoftwareVersion,
    UserIdentity,
    Verdict,
)
from ric0_trio.testing import CLIENT_APP, HOME_KEY, base64_of
from tests.protocol.pair import ED25519_PREFIX

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
OPERATOR = "ann"
ADMITTED = Admitted()
OPEN, MEMBERS, INVITE = (Policy(mode) for mode in Mode)

PATIENCE_S = 100
"""Longer than anything takes that works, however slow the machine."""


# People


@cache
def key_of(number: int) -> PublicKey:
    """The key of the user with this number. Nobody has its other half: a store is not asked to verify."""
    return PublicKey(base64_of(ED25519_PREFIX + number.to_bytes(32, "big", signed=True)), "ed25519-sha512")


def fingerprint(number: int) -> Fingerprint:
    return key_of(number).fingerprint


def app(name: str = CLIENT_APP.name, version: str = "0.9.1-beta") -> AppInfo:
    return AppInfo(name=name, version=SoftwareVersion.parse(version), capabilities=[], extensions={})


_connection_numbers = count(1)


@dataclass(eq=False)
class Visitor:
    """One connection of the user with this number."""

    number: int
    name: str = "Zoë"
    app: AppInfo = field(default_factory=app)
    token: str | None = None
    peer: str = "192.0.2.1"
    connection_id: str = field(default_factory=lambda: f"c{next(_connection_numbers)}")
    kicks: list[Kick] = field(default_factory=list)
    is_out: trio.Event = field(default_factory=trio.Event)

    @property
    def user(self) -> Fingerprint:
        return fingerprint(self.number)

    @property
    def codes(self) -> list[CloseCode]:
        """With which it was put out."""
        return [kick.code for kick in self.kicks]

    @property
    def guest(self) -> Guest:
        """What a store knows of it."""
        return Guest(fingerprint=self.user, user=self._identity, client_app=self.app, peer=self.peer)

    @property
    def _identity(self) -> UserIdentity:
        return UserIdentity(name=self.name, type="user", pubkey=key_of(self.number), home_server=HOME_KEY.public)

    async def join(self, access: SqliteAccess) -> Verdict:
        applicant = Applicant(self.connection_id, self.peer, self._evict)
        return await access.admit(applicant, Admit(self._identity, self.app, self.token))

    async def must_join(self, access: SqliteAccess) -> None:
        assert await self.join(access) == ADMITTED

    async def leave(self, access: SqliteAccess, why: str = "disconnected") -> None:
        await access.release(self.connection_id, why)

    def _evict(self, kick: Kick) -> None:
        self.kicks.append(kick)
        self.is_out.set()


async def join_all(access: SqliteAccess, visitors: list[Visitor]) -> list[Verdict]:
    """Let all of them ask at once, and give the answers in their order."""
    verdicts: dict[Visitor, Verdict] = {}

    async def join(visitor: Visitor) -> None:
        verdicts[visitor] = await visitor.join(access)

    async with trio.open_nursery() as nursery:
        for visitor in visitors:
            nursery.start_soon(join, visitor)
    return [verdicts[visitor] for visitor in visitors]


# A store


class HandClock:
    """Tells the moment that the test has set."""

    def __init__(self) -> None:
        self.moment = NOW

    def __call__(self) -> datetime:
        return self.moment


@asynccontextmanager
async def open_store(
    path: Path, policy: Policy = OPEN, now: HandClock | None = None, bounds: AuditBounds | None = None
) -> AsyncIterator[SqliteAccess]:
    """A store at `path`, for which, and for the block, nobody waits for ever."""
    with trio.fail_after(PATIENCE_S):
        async with open_sqlite_access(path, policy, bounds or AuditBounds(), now or HandClock()) as access:
            yield access


class Gate:
    """Stands in a thread of the store, behind `work` or before it, until it is opened: once, then it stays open."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self._work = work
        self._is_reached, self._is_open = threading.Event(), threading.Event()

    @property
    def before(self) -> Callable[..., Any]:
        def wait_and_work(*args: Any) -> Any:
            self._wait()
            return self._work(*args)

        return wait_and_work

    @property
    def after(self) -> Callable[..., Any]:
        def work_and_wait(*args: Any) -> Any:
            result = self._work(*args)
            self._wait()
            return result

        return work_and_wait

    async def reached(self) -> None:
        """Wait until a thread stands at it."""
        await until(self._is_reached.is_set)

    def open(self) -> None:
        self._is_open.set()

    def _wait(self) -> None:
        self._is_reached.set()
        assert self._is_open.wait(PATIENCE_S)


async def until(condition: Callable[[], object]) -> None:
    """Wait for what a thread brings about."""
    while not condition():
        await trio.lowlevel.checkpoint()


async def review(access: SqliteAccess) -> int:
    """Of all who are there."""
    return await access.review(user=None, client=None, actor=OPERATOR)


def present(access: SqliteAccess) -> list[str]:
    """The connections that are there, in the store's order."""
    return [place.applicant.connection_id for place in access.who()]
