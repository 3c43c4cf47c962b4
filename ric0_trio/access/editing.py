"""An operator's changes to the rules: each with its entry in the audit, in one transaction."""

import secrets
import sqlite3
from base64 import b32encode
from datetime import datetime

import msgspec

from ric0_trio.access import audit
from ric0_trio.access.moments import end_in_words, to_text
from ric0_trio.access.records import Ban, ClientRule, Entry, Ruling, Token, Topic
from ric0_trio.access.rulebook import CLIENT_DEFAULT, Rulebook, hash_token
from ric0_trio.protocol import Fingerprint, SoftwareVersion

TOKEN_BYTES = 20


class Editor:
    """One operator's turn at the rules, at one moment, in an open transaction of `connection`."""

    def __init__(self, connection: sqlite3.Connection, actor: str, now: datetime) -> None:
        self._connection = connection
        self._actor = actor
        self._now = now
        self.rules = Rulebook(connection)
        """What stands in the rules, these changes included."""

    def add_member(self, user: Fingerprint) -> bool:
        """Make a user a member; False when they are one already."""
        if self.rules.find_member(user) is not None:
            return False
        row = (user, to_text(self._now), self._actor)
        self._connection.execute("INSERT INTO member (user, since, made_by) VALUES (?, ?, ?)", row)
        self._note("member.added", user)
        return True

    def remove_member(self, user: Fingerprint) -> bool:
        """Take a membership away; False when there is none. How they once joined stays known."""
        if not self._connection.execute("DELETE FROM member WHERE user = ?", (user,)).rowcount:
            return False
        self._note("member.removed", user)
        return True

    def ban(self, user: Fingerprint, reason: str, until: datetime | None, *, is_silent: bool) -> Ban:
        """Ban a user, in place of any ban before."""
        ban = Ban(user=user, reason=reason, is_silent=is_silent, since=self._now, until=until, made_by=self._actor)
        self._connection.execute("DELETE FROM ban WHERE user = ?", (user,))
        self._connection.execute(
            "INSERT INTO ban (user, reason, is_silent, since, until, made_by) VALUES (?, ?, ?, ?, ?, ?)",
            (user, reason, is_silent, to_text(self._now), to_text(until), self._actor),
        )
        self._note("user.banned", user, f"{end_in_words(until)}{', silently' if is_silent else ''}", reason)
        return ban

    def unban(self, user: Fingerprint) -> bool:
        """Lift a ban; False when there is none."""
        if not self._connection.execute("DELETE FROM ban WHERE user = ?", (user,)).rowcount:
            return False
        self._note("user.unbanned", user)
        return True

    def set_client_rule(
        self, name: str, ruling: Ruling, *, at_least: SoftwareVersion | None, below: SoftwareVersion | None, reason: str
    ) -> ClientRule:
        """Add a rule for software, before all others of that name; those of which it leaves nothing are dropped."""
        self._connection.execute(
            "INSERT INTO client_rule (name, ruling, at_least, below, reason, since, made_by)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (name, ruling, *map(_version_text, (at_least, below)), reason, to_text(self._now), self._actor),
        )
        rule, *older = self.rules.find_client_rules(name)
        covered = [(old.id,) for old in older if rule.covers(old)]
        self._connection.executemany("DELETE FROM client_rule WHERE id = ?", covered)
        self._note(
            f"client.{'allowed' if ruling is Ruling.ALLOW else 'denied'}", None, f"{name!r}, {rule.versions}", reason
        )
        return rule

    def set_client_default(self, ruling: Ruling) -> None:
        """Say what becomes of software that no rule speaks of."""
        self._connection.execute(
            "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (CLIENT_DEFAULT, ruling),
        )
        self._note("client.default", None, ruling)

    def create_tokens(self, number: int, *, uses: int, expires: datetime | None, note: str) -> list[tuple[Token, str]]:
        """Make so many tokens, and give each with its secret, which nothing else knows."""
        made = [self._create_token(uses, expires, note) for _ in range(number)]
        first, last = made[0][0], made[-1][0]
        which = f"token {first.id}, good" if number == 1 else f"tokens {first.id} to {last.id}, each good"
        self._note("token.created", None, f"{which} {first.purpose}", note)
        return made

    def _create_token(self, uses: int, expires: datetime | None, note: str) -> tuple[Token, str]:
        secret = b32encode(secrets.token_bytes(TOKEN_BYTES)).decode().lower()
        number = self._connection.execute(
            "INSERT INTO token (hash, note, uses, since, made_by, expires) VALUES (?, ?, ?, ?, ?, ?)",
            (hash_token(secret), note, uses, to_text(self._now), self._actor, to_text(expires)),
        ).lastrowid
        token = Token(
            id=number or 0,
            note=note,
            uses=uses,
            used=0,
            since=self._now,
            made_by=self._actor,
            expires=expires,
            revoked=None,
        )
        return token, secret

    def revoke_token(self, number: int) -> Token | None:
        """Make a token worthless, and give it as it is then; None when there is none of that number."""
        token = self.rules.find_token_by_number(number)
        if token is None or token.revoked is not None:
            return token
        self._connection.execute("UPDATE token SET revoked = ? WHERE id = ?", (to_text(self._now), number))
        self._note("token.revoked", None, f"token {number}")
        return msgspec.structs.replace(token, revoked=self._now)

    def _note(self, event: str, user: Fingerprint | None, *details: str) -> None:
        detail = ": ".join(filter(None, details)) or None
        entry = Entry(at=self._now, topic=Topic.CHANGE, event=event, actor=self._actor, user=user, detail=detail)
        audit.append(self._connection, [entry])


def _version_text(version: SoftwareVersion | None) -> str | None:
    return None if version is None else str(version)
