"""Decides about those who want to join, and writes down what comes of it: one transaction for all who wait."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from ric0_trio.access import audit
from ric0_trio.access.audit import AuditBounds
from ric0_trio.access.database import Database
from ric0_trio.access.moments import to_text
from ric0_trio.access.places import Guest
from ric0_trio.access.records import Ban, Entry
from ric0_trio.access.rulebook import Rulebook
from ric0_trio.access.rules import Decision, Facts, JoinRequest, Policy, decide, needs_token
from ric0_trio.protocol import Admitted, Fingerprint, Refused

_PRUNE_EVERY = 256


class Candidate(msgspec.Struct, frozen=True):
    """Someone who wants to join, with a token or without."""

    guest: Guest
    join_token: str | None


class Registrar:
    """Blocks while it reads and writes: not for the event loop. One thread at a time."""

    def __init__(self, database: Database, policy: Policy, bounds: AuditBounds) -> None:
        self._database = database
        self._policy = policy
        self._bounds = bounds
        self._unpruned = _PRUNE_EVERY

    def admit(
        self, candidates: Sequence[Candidate], live: Mapping[Fingerprint, int], notes: Sequence[Entry], now: datetime
    ) -> list[Decision]:
        """Decide about each in turn; `live` counts the connections that their users have now. All or none is kept.

        `notes` are added to the audit first. Raises `StoreError`.
        """
        counts = dict(live)
        decisions = []
        with self._database.transaction() as connection:
            rules = Rulebook(connection)
            entries = list(notes)
            for candidate in candidates:
                request = candidate.guest.request(candidate.join_token)
                live_now = counts.get(request.user, 0)
                facts = gather_facts(rules, request, self._policy, live_now, now)
                decision = decide(request, self._policy, facts)
                if isinstance(decision.verdict, Admitted):
                    counts[request.user] = live_now if decision.replaces_oldest else live_now + 1
                    _write_membership(connection, candidate, decision, facts)
                entries.append(_note(candidate.guest, decision, now))
                decisions.append(decision)
            audit.append(connection, entries)
            self._prune(connection, len(entries), now)
        return decisions

    def find_bans(self, users: Iterable[Fingerprint], now: datetime) -> list[Ban]:
        """Find the bans that hold for any of `users`. Raises `StoreError`."""
        with self._database.transaction("read") as connection:
            rules = Rulebook(connection)
            bans = [rules.find_ban(user) for user in users]
        return [ban for ban in bans if ban is not None and ban.holds(now)]

    def review(self, guests: Sequence[Guest], now: datetime) -> list[Decision]:
        """Decide again about users who are connected, as if they came now with no other connection."""
        requests = [guest.request(None) for guest in guests]
        with self._database.transaction("read") as connection:
            rules = Rulebook(connection)
            return [
                decide(request, self._policy, gather_facts(rules, request, self._policy, 0, now))
                for request in requests
            ]

    def _prune(self, connection: sqlite3.Connection, added: int, now: datetime) -> None:
        self._unpruned += added
        if self._unpruned >= _PRUNE_EVERY:
            audit.prune(connection, self._bounds, now)
            self._unpruned = 0


def gather_facts(rules: Rulebook, request: JoinRequest, policy: Policy, live: int, now: datetime) -> Facts:
    """Look up what `decide` wants to know; a token only if it is needed."""
    is_member = rules.find_member(request.user) is not None
    secret = request.join_token if needs_token(policy, is_member=is_member) else None
    return Facts(
        now=now,
        client_rules=rules.find_client_rules(request.client_app.name),
        client_default=rules.client_default(),
        ban=rules.find_ban(request.user),
        is_member=is_member,
        token=None if secret is None else rules.find_token(secret),
        live=live,
    )


def _write_membership(connection: sqlite3.Connection, candidate: Candidate, decision: Decision, facts: Facts) -> None:
    user, name, at = candidate.guest.fingerprint, candidate.guest.user.name, to_text(facts.now)
    if facts.is_member:
        connection.execute("UPDATE member SET name = ?, seen = ? WHERE user = ?", (name, at, user))
    elif decision.uses_token and facts.token is not None:
        number = facts.token.id
        connection.execute("UPDATE token SET used = used + 1 WHERE id = ?", (number,))
        connection.execute(
            "INSERT INTO member (user, name, since, added_by, token, seen) VALUES (?, ?, ?, 'token', ?, ?)",
            (user, name, at, number, at),
        )
        connection.execute(
            "INSERT INTO token_use (token, user, name, at) VALUES (?, ?, ?, ?)", (number, user, name, at)
        )


def _note(guest: Guest, decision: Decision, now: datetime) -> Entry:
    if isinstance(decision.verdict, Refused):
        return guest.entry(now, "refused", refusal=decision.verdict.status, detail=decision.why)
    return guest.entry(now, "admitted", detail=decision.why)
