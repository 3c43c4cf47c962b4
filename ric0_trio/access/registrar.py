"""Decides about those who want to join, and writes down what comes of it: one transaction for all who wait."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from ric0_trio.access import audit
from ric0_trio.access.audit import AuditBounds
from ric0_trio.access.database import Database, NonsenseError
from ric0_trio.access.moments import to_text
from ric0_trio.access.records import Ban, Entry, Guest
from ric0_trio.access.rulebook import Rulebook
from ric0_trio.access.rules import Decision, Facts, Policy, decide
from ric0_trio.protocol import Admitted, Fingerprint, Refused


class Candidate(msgspec.Struct, frozen=True):
    """Someone who wants to join, with a token or without."""

    guest: Guest
    join_token: str | None

    def __repr__(self) -> str:  # a token must not reach a log
        return f"Candidate(guest={self.guest!r}, …)"


class Registrar:
    """Blocks while it reads and writes: not for the event loop. One thread at a time. All of it raises `StoreError`."""

    def __init__(self, database: Database, policy: Policy, bounds: AuditBounds) -> None:
        self._database = database
        self._policy = policy
        self._bounds = bounds

    def admit(
        self, candidates: Sequence[Candidate], live: Mapping[Fingerprint, int], notes: Sequence[Entry], now: datetime
    ) -> list[Decision | NonsenseError]:
        """Decide about each in turn; `live` counts the connections that their users have now. All or none is kept.

        `notes` are added to the audit first. Whoever's own rows make no sense is answered with that.
        """
        counts = dict(live)
        decisions: list[Decision | NonsenseError] = []
        with self._database.transaction() as connection:
            rules = Rulebook(connection)
            entries = list(notes)
            for candidate in candidates:
                request = candidate.guest.request(candidate.join_token)
                live_now = counts.get(request.user, 0)
                try:
                    facts = rules.gather_facts(request, self._policy, live_now, now)
                except NonsenseError as error:
                    decisions.append(error)
                    continue
                decision = decide(request, self._policy, facts)
                if isinstance(decision.verdict, Admitted):
                    counts[request.user] = live_now if decision.replaces_oldest else live_now + 1
                    _write_membership(connection, candidate, decision, facts)
                entries.append(_note(candidate.guest, decision, now))
                decisions.append(decision)
            audit.append(connection, entries)
        return decisions

    def find_bans(self, users: Iterable[Fingerprint], now: datetime) -> list[Ban]:
        """Find the bans that hold for any of `users`."""
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
                decide(request, self._policy, rules.gather_facts(request, self._policy, 0, now)) for request in requests
            ]

    def prune(self, now: datetime) -> bool:
        """Drop some of what the audit has too much of, and tell whether there is more to drop."""
        with self._database.transaction() as connection:
            return audit.prune(connection, self._bounds, now)


def _write_membership(connection: sqlite3.Connection, candidate: Candidate, decision: Decision, facts: Facts) -> None:
    user, name, at = candidate.guest.fingerprint, candidate.guest.user.name, to_text(facts.now)
    if facts.is_member:
        connection.execute("UPDATE member SET name = ?, seen = ? WHERE user = ?", (name, at, user))
    elif decision.uses_token and facts.token is not None:
        number = facts.token.id
        connection.execute("UPDATE token SET used = used + 1 WHERE id = ?", (number,))
        connection.execute(
            "INSERT INTO member (user, name, since, made_by, token, seen) VALUES (?, ?, ?, 'token', ?, ?)",
            (user, name, at, number, at),
        )
        connection.execute(
            "INSERT INTO token_use (token, user, name, at) VALUES (?, ?, ?, ?)", (number, user, name, at)
        )


def _note(guest: Guest, decision: Decision, now: datetime) -> Entry:
    if isinstance(decision.verdict, Refused):
        return guest.entry(now, "refused", refusal=decision.verdict.status, detail=decision.why)
    return guest.entry(now, "admitted", detail=decision.why)
