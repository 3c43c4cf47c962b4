"""What is done to the file in `tests.access.crash`: servers that let people in, and an operator's commands."""

import random
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
import trio
import trio.testing

from ric0_trio.access import moments
from ric0_trio.access.audit import AuditBounds
from ric0_trio.access.database import Database
from ric0_trio.access.editing import Editor
from ric0_trio.access.rules import Mode, Policy
from ric0_trio.access.sqlite import SqliteAccess, open_sqlite_access
from ric0_trio.access.store import Applicant
from ric0_trio.protocol import Admit, Admitted, Fingerprint, Kick, PublicKey
from ric0_trio.testing import CLIENT_APP, base64_of, user
from tests.access.crash_points import Points, say
from tests.protocol.pair import ED25519_PREFIX

T = TypeVar("T")


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is to do."""

    work: Literal["serve", "mingle", "operate"]
    path: str
    label: str
    """Begins the names of all whom it brings."""
    returning: list[str] = []
    """Members of earlier rounds, who come back without a token."""
    victim: str = ""
    """A member, whom an operator bans."""
    lives_s: float
    """When it is killed, unless it has ended by then."""
    fatal_phase: str = ""
    fatal_number: int = 0


class Invitation(msgspec.Struct, frozen=True):
    number: int
    secret: str


@cache
def key_of(name: str) -> PublicKey:
    """A key that nobody can sign with: whoever asks to be admitted has proved already who they are."""
    return PublicKey(base64_of(ED25519_PREFIX + sha256(name.encode()).digest()), "ed25519-sha512")


def fingerprint_of(name: str) -> Fingerprint:
    return key_of(name).fingerprint


# An operator's commands: each tells what it did when it is kept, as the real ones do


def command(path: str, change: Callable[[Editor], T]) -> T:
    database = Database(Path(path))
    try:
        with database.transaction() as connection:
            return change(Editor(connection, "operator", moments.now()))
    finally:
        database.close()


def invite(path: str, label: str, *uses: int, barred: str = "", added: str = "") -> list[Invitation]:
    """Make tokens, whose note says how many there must be, and ban and add someone, all together."""

    def change(editor: Editor) -> list[Invitation]:
        note = f"batch {label} of {len(uses)}"
        made = [editor.create_tokens(1, uses=count, expires=None, note=note)[0] for count in uses]
        if barred:
            editor.ban(fingerprint_of(barred), "", None, is_silent=True)
        if added:
            editor.add_member(fingerprint_of(added))
        return [Invitation(token.id, secret) for token, secret in made]

    invitations = command(path, change)
    for invitation, count in zip(invitations, uses, strict=True):
        say(f"created {invitation.number} {count}")
    if barred:
        say(f"barred {barred}")
    if added:
        say(f"added {added}")
    return invitations


def ban_and_revoke(path: str, name: str) -> None:
    """What `user ban --revoke-token` does."""
    who = fingerprint_of(name)

    def change(editor: Editor) -> None:
        editor.ban(who, "sold the invitation", None, is_silent=False)
        for use in editor.rules.token_uses(user=who)[-1:]:
            editor.revoke_token(use.token)

    command(path, change)
    say(f"banned {name}")


def operate(orders: Orders, points: Points) -> None:
    points.phase = "operating"
    invite(orders.path, orders.label, 1, 2, 3)
    ban_and_revoke(orders.path, orders.victim)


# A server


class Door:
    """Those who come to one server, and go."""

    def __init__(self, access: SqliteAccess) -> None:
        self._access = access
        self._inside: dict[str, str] = {}
        self._connections = 0

    async def come(self, name: str, token: Invitation | None = None) -> bool:
        """Ask for a place, and tell the answer as soon as it is there."""
        self._connections += 1
        connection = f"{name} {self._connections}"
        request = Admit(user(key_of(name), name), CLIENT_APP, token.secret if token else None)
        verdict = await self._access.admit(Applicant(connection, "192.0.2.1", _ignore), request)
        if not isinstance(verdict, Admitted):
            say(f"refused {name} {verdict.status}")
            return False
        say(f"admitted {name} {token.number if token else '-'}")
        self._inside[name] = connection
        return True

    async def go(self, name: str) -> None:
        await self._access.release(self._inside.pop(name), "bye")

    async def come_and_go(self, name: str, token: Invitation | None, times: int) -> None:
        for _ in range(times):
            if await self.come(name, token):
                token = None  # it has made them a member
                await self.go(name)

    async def come_together(self, pairs: list[tuple[str, Invitation | None]]) -> list[str]:
        """Let several come at once, who are then decided as one batch; tell who is in."""
        async with trio.open_nursery() as nursery:
            for name, token in pairs:
                nursery.start_soon(self.come, name, token)
        return [name for name, _ in pairs if name in self._inside]


def _ignore(kick: Kick) -> None:
    """Those who are put out leave when they leave."""


async def serve(orders: Orders, points: Points) -> None:
    """Go through everything once, in a way that has as many points whoever is first. No time passes."""
    path, label = orders.path, orders.label
    racers = [f"{label}.{number}" for number in range(3)]
    lone, added, barred, late = (f"{label}.{role}" for role in ("lone", "added", "barred", "late"))
    points.phase = "opening"
    async with open_sqlite_access(Path(path), Policy(mode=Mode.INVITE), AuditBounds()) as access:
        points.phase = "serving"
        door = Door(access)
        two, one = await trio.to_thread.run_sync(lambda: invite(path, label, 2, 1, barred=barred, added=added))
        crowd = [(name, two) for name in (*racers, barred)] + [(lone, one), (added, one)]
        pairs: list[tuple[str, Invitation | None]] = [*crowd, *((name, None) for name in orders.returning)]
        random.Random(label).shuffle(pairs)  # noqa: S311 - not for secrets
        inside = await door.come_together(pairs)
        winner, loser = (next(name for name in racers if (name in inside) is won) for won in (True, False))
        await door.go(winner)
        await trio.to_thread.run_sync(ban_and_revoke, path, lone)
        await access.refresh()
        await door.go(lone)
        await door.come_together([(winner, None), (loser, two), (late, None)])


async def mingle(orders: Orders) -> None:
    """All at the same time, in real time, for a while."""
    path, label = orders.path, orders.label
    choices = random.Random(label)  # noqa: S311 - not for secrets
    barred, added = f"{label}.barred", f"{label}.added"
    newcomers = [f"{label}.{number}" for number in range(16)]
    async with open_sqlite_access(Path(path), Policy(mode=Mode.INVITE), AuditBounds()) as access:
        door = Door(access)
        tokens = await trio.to_thread.run_sync(lambda: invite(path, label, 5, 3, 1, barred=barred, added=added))
        async with trio.open_nursery() as nursery:
            for name in (added, barred, *orders.returning):
                nursery.start_soon(door.come_and_go, name, None, 6)
            for name in newcomers:
                nursery.start_soon(door.come_and_go, name, choices.choice(tokens), choices.randrange(1, 6))
            for number, victim in enumerate(choices.sample([*newcomers, *orders.returning], 3)):
                await trio.to_thread.run_sync(invite, path, f"{label}.{number}", 1, 2)
                await trio.to_thread.run_sync(ban_and_revoke, path, victim)
                await access.refresh()


def work(orders: Orders, points: Points) -> None:
    """Carry orders out, to the end."""
    match orders.work:
        case "serve":
            trio.run(serve, orders, points, clock=trio.testing.MockClock())
        case "mingle":
            trio.run(mingle, orders)
        case "operate":
            operate(orders, points)
