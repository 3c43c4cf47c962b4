"""What the store of a chaos run must hold, looked up with plain SQL in a copy, and held against what clients were told.

A copy that was made while the server serves must have all that was told before. When everyone is gone, it must also
have nothing else, but for attempts of which nobody knows what became of them.
"""

import math
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.access.crash_checks import RULES
from tests.hostile.chaos_ledger import Ledger
from tests.hostile.chaos_people import Invitation, User

LEEWAY_S = 5.0
"""Who left in the last second before a kill may be missing (docs/access.md), and what is busy is late."""
STRUCTURE = {rule: query for rule, query in RULES.items() if not rule.startswith("half a command")}


@dataclass(frozen=True)
class TokenTold:
    """What is known of a token."""

    number: int
    uses: int
    is_revoked: bool | None
    let_in: frozenset[str]
    brought_by: frozenset[str]


@dataclass(frozen=True)
class UserTold:
    """What a user was told, and what is known of them."""

    fingerprint: str
    name: str
    token: int | None
    admissions: int
    refusals: int
    unanswered: int
    is_member: bool | None
    """None when nobody can know."""
    is_banned: bool | None
    departures: int
    """Sessions that were over long enough before a kill, and all of a server that was stopped."""


@dataclass(frozen=True)
class Told:
    """All that is known at one moment."""

    users: dict[str, UserTold]
    tokens: dict[int, TokenTold]
    denied: dict[str, bool | None]


def sum_up(ledger: Ledger, now: float) -> Told:
    """Take down what is known by `now`."""
    return Told(
        users={user.fingerprint: _sum_up_user(user, now) for user in ledger.users.values()},
        tokens={each.number: _sum_up_token(each) for each in ledger.invitations},
        denied={name: fact.known for name, fact in ledger.denied.items()},
    )


def find_problems(copy: Path, told: Told, *, is_final: bool) -> Iterator[str]:
    """Look at a copy; `is_final` when nobody has been there since."""
    with closing(sqlite3.connect(copy)) as connection:
        integrity = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        yield from (f"damaged: {text}" for text in integrity if text != "ok")
        for rule, query in STRUCTURE.items():
            yield from (f"{rule}: {row[0]}" for row in connection.execute(query))
        yield from _find_lost_changes(connection, told)
        yield from _find_lost_members(connection, told)
        yield from _find_strangers(connection, told) if is_final else ()
        yield from _find_miscounted(connection, told, is_final=is_final)
        yield from _find_two_at_once(connection, told)


def _sum_up_user(user: User, now: float) -> UserTold:
    departures = [
        session
        for session in user.sessions
        if session.life.how == "stopped" or session.ended_at + LEEWAY_S < min(session.life.ended_at, now)
    ]
    is_member: bool | None = user.joined_at < math.inf
    if user.invitation is None:
        is_member = user.is_added.known
    elif not is_member and user.unanswered:
        is_member = None
    return UserTold(
        fingerprint=user.fingerprint,
        name=user.name,
        token=user.invitation.number if user.invitation else None,
        admissions=user.admissions,
        refusals=user.refusals,
        unanswered=user.unanswered + user.asking,
        is_member=is_member,
        is_banned=user.is_banned.known,
        departures=len(departures),
    )


def _sum_up_token(invitation: Invitation) -> TokenTold:
    return TokenTold(
        number=invitation.number,
        uses=invitation.uses,
        is_revoked=invitation.is_revoked.known,
        let_in=frozenset(invitation.let_in),
        brought_by=frozenset(invitation.brought_by),
    )


def _find_lost_changes(connection: sqlite3.Connection, told: Told) -> Iterator[str]:
    banned = _column(connection, "SELECT user FROM ban")
    for user in told.users.values():
        if user.is_banned is not None and user.is_banned is not (user.fingerprint in banned):
            yield f"lost: the {'ban' if user.is_banned else 'end of the ban'} of {user.name}"
    tokens = {row[0]: (row[1], row[2] is not None) for row in connection.execute("SELECT id, uses, revoked FROM token")}
    for token in told.tokens.values():
        uses, is_revoked = tokens.get(token.number, (0, False))
        if uses != token.uses:
            yield f"lost: token {token.number}"
        elif token.is_revoked is not None and token.is_revoked is not is_revoked:
            yield f"lost: the revocation of token {token.number}"
    denied = _column(connection, "SELECT name FROM client_rule WHERE ruling = 'deny'")
    yield from (f"lost: the denial of {name}" for name, is_on in told.denied.items() if is_on and name not in denied)


def _find_lost_members(connection: sqlite3.Connection, told: Told) -> Iterator[str]:
    members = dict(connection.execute("SELECT user, token FROM member"))
    for user in told.users.values():
        if user.is_member and user.fingerprint not in members:
            yield f"lost: {user.name}, who was told success, or was added"
        if user.is_member is False and user.token is None and user.fingerprint in members:
            yield f"a member whom nobody made one: {user.name}"
        if user.is_member and user.token is not None and members.get(user.fingerprint) not in (user.token, None):
            yield f"{user.name} brought token {user.token}, and is a member by {members[user.fingerprint]}"


def _find_strangers(connection: sqlite3.Connection, told: Told) -> Iterator[str]:
    for fingerprint, token in connection.execute("SELECT user, token FROM member"):
        user = told.users.get(fingerprint)
        if user is None or user.is_member is False:
            yield f"a member who was never told so: {fingerprint if user is None else user.name}"
        elif token is not None and fingerprint not in told.tokens[token].brought_by:
            yield f"{user.name} is a member by token {token}, and never brought it"
    for number, used in connection.execute("SELECT id, used FROM token"):
        token = told.tokens[number]
        unclear = sum(told.users[each].is_member is None for each in token.brought_by)
        if not len(token.let_in) <= used <= len(token.let_in) + unclear:
            yield f"token {number} was used {used} times, and {len(token.let_in)} users were let in by it"


def _find_miscounted(connection: sqlite3.Connection, told: Told, *, is_final: bool) -> Iterator[str]:
    query = "SELECT user, event, count(*) FROM audit WHERE user IS NOT NULL GROUP BY user, event"
    counts = {(user, event): count for user, event, count in connection.execute(query)}
    for user in told.users.values():
        admitted, refused, left = (counts.get((user.fingerprint, each), 0) for each in ("admitted", "refused", "left"))
        if admitted < user.admissions:
            yield f"lost: {user.name} was let in {user.admissions} times; the audit has {admitted}"
        if refused < user.refusals:
            yield f"lost: {user.name} was refused {user.refusals} times; the audit has {refused}"
        if left < user.departures:
            yield f"lost: {user.name} left {user.departures} times in good time; the audit has {left}"
        if left > admitted:
            yield f"{user.name} left {left} times, and was let in {admitted} times"
        if is_final and admitted + refused > user.admissions + user.refusals + user.unanswered:
            heard = user.admissions + user.refusals
            yield f"{user.name} heard {heard} answers, of {admitted + refused} in the audit, {user.unanswered} unheard"


def _find_two_at_once(connection: sqlite3.Connection, told: Told) -> Iterable[str]:
    """Whoever is let in has left before, or the server was another one; but who is put out may be back sooner."""
    found = set[str]()
    on = set[str]()
    query = "SELECT event, user FROM audit WHERE topic = 'session' AND coalesce(user, '') NOT IN"
    query += " (SELECT user FROM audit WHERE event IN ('kicked', 'user.banned')) ORDER BY at, id"
    for event, user in connection.execute(query):
        if event == "server.started":
            on.clear()
        elif event == "left":
            on.discard(user)
        elif event == "admitted":
            if user in on:
                found.add(told.users[user].name if user in told.users else user)
            on.add(user)
    return [f"two connections of one user at once, says the audit: {name}" for name in sorted(found)]


def _column(connection: sqlite3.Connection, query: str) -> set[str]:
    return {row[0] for row in connection.execute(query)}
