"""What the database says about users, programs and tokens: look-ups alone, each within a transaction."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from ric0_trio.access.database import NonsenseError
from ric0_trio.access.moments import to_text
from ric0_trio.access.records import Ban, ClientRule, Entry, JoinRequest, Member, Ruling, Token, TokenUse
from ric0_trio.access.rules import Facts, Policy, needs_token
from ric0_trio.protocol import KEY_FORMATS, Fingerprint, SoftwareVersion

T = TypeVar("T")

CLIENT_DEFAULT: Final = "client_default"

_TOKEN: Final = "id, note, uses, used, since, made_by, expires, revoked"  # noqa: S105 - columns
_MATCHES_SHOWN: Final = 5


def hash_token(secret: str) -> bytes:
    """What is kept of a token: it has 160 random bits, so a plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class Rulebook:
    """Reads the rules in an open transaction of `connection`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def find_member(self, user: Fingerprint) -> Member | None:
        """Find a member."""
        return self._find(Member, "SELECT * FROM member WHERE user = ?", user)

    def find_ban(self, user: Fingerprint) -> Ban | None:
        """Find a user's ban, which may have ended."""
        return self._find(Ban, "SELECT * FROM ban WHERE user = ?", user)

    def find_token(self, secret: str) -> Token | None:
        """Find a token by its hash, so that the time which that takes tells nothing about it."""
        return self._find(Token, f"SELECT {_TOKEN} FROM token WHERE hash = ?", hash_token(secret))  # noqa: S608

    def gather_facts(self, request: JoinRequest, policy: Policy, live: int, now: datetime) -> Facts:
        """Look up what `decide` wants to know; a token only if it is needed."""
        is_member = self.find_member(request.user) is not None
        secret = request.join_token if needs_token(policy, is_member=is_member) else None
        return Facts(
            now=now,
            client_rules=self.find_client_rules(request.client_app.name),
            client_default=self.client_default(),
            ban=self.find_ban(request.user),
            is_member=is_member,
            token=None if secret is None else self.find_token(secret),
            live=live,
        )

    def find_client_rules(self, name: str) -> list[ClientRule]:
        """Find the rules for a program, the newest first."""
        query = "SELECT * FROM client_rule WHERE name = ? ORDER BY id DESC"
        return [_to_client_rule(row) for row in self._connection.execute(query, (name,))]

    def client_default(self) -> Ruling:
        """What becomes of software that no rule speaks of."""
        row = self._connection.execute("SELECT value FROM setting WHERE name = ?", (CLIENT_DEFAULT,)).fetchone()
        return Ruling.ALLOW if row is None else _checked(Ruling, row["value"])

    def members(self) -> list[Member]:
        """All members, the oldest first."""
        return [_convert(row, Member) for row in self._connection.execute("SELECT * FROM member ORDER BY since, user")]

    def bans(self) -> list[Ban]:
        """All bans, the oldest first; those that have ended as well."""
        return [_convert(row, Ban) for row in self._connection.execute("SELECT * FROM ban ORDER BY since, user")]

    def client_rules(self) -> list[ClientRule]:
        """All rules for software, by name, and the newest first."""
        query = "SELECT * FROM client_rule ORDER BY name, id DESC"
        return [_to_client_rule(row) for row in self._connection.execute(query)]

    def find_token_by_number(self, number: int) -> Token | None:
        """Find a token by its number."""
        return self._find(Token, f"SELECT {_TOKEN} FROM token WHERE id = ?", number)  # noqa: S608 - a constant

    def tokens(self) -> list[Token]:
        """All tokens, the oldest first."""
        query = f"SELECT {_TOKEN} FROM token ORDER BY id"  # noqa: S608 - a constant
        return [_convert(row, Token) for row in self._connection.execute(query)]

    def token_uses(self, *, token: int | None = None, user: Fingerprint | None = None) -> list[TokenUse]:
        """Who joined with a token, or with which tokens a user joined; the first first. All, when neither is given."""
        query = "SELECT token, user, name, at FROM token_use"
        if token is not None:
            rows = self._connection.execute(f"{query} WHERE token = ? ORDER BY id", (token,))
        elif user is not None:
            rows = self._connection.execute(f"{query} WHERE user = ? ORDER BY id", (user,))
        else:
            rows = self._connection.execute(f"{query} ORDER BY id")
        return [_convert(row, TokenUse) for row in rows]

    def find_entries(
        self, *, since: datetime | None = None, user: Fingerprint | None = None, last: int = -1
    ) -> Iterator[Entry]:
        """Read the newest `last` entries of the audit (all, when that is negative), the oldest first."""
        conditions = {"at >= ?": to_text(since), "user = ?": user}
        chosen = {condition: value for condition, value in conditions.items() if value is not None}
        where = " AND ".join(chosen) or "TRUE"
        newest = f"SELECT * FROM audit WHERE {where} ORDER BY at DESC, id DESC LIMIT ?"  # noqa: S608 - constants
        query = f"SELECT {', '.join(Entry.__struct_fields__)} FROM ({newest}) ORDER BY at, id"  # noqa: S608 - constants
        for row in self._connection.execute(query, (*chosen.values(), last)):
            yield _convert(row, Entry)

    def find_users(self, prefix: str) -> list[Fingerprint]:
        """Find users whose fingerprint begins so, with or without its label, wherever they occur: five at most."""
        label, _, digits = prefix.rpartition(":")
        labels = [label] if label else [rules.label for rules in KEY_FORMATS.values()]
        found: set[str] = set()
        for begin in (f"{label}:{digits}" for label in labels):
            for table in ("member", "ban", "token_use", "audit"):
                query = f"SELECT DISTINCT user FROM {table} WHERE user >= ? AND user < ? LIMIT ?"  # noqa: S608
                rows = self._connection.execute(query, (begin, begin + "g", _MATCHES_SHOWN))
                found.update(row["user"] for row in rows)
        return [Fingerprint(user) for user in sorted(found)][:_MATCHES_SHOWN]

    def _find(self, kind: type[T], query: str, key: str | int | bytes) -> T | None:
        row = self._connection.execute(query, (key,)).fetchone()
        return None if row is None else _convert(row, kind)


def _convert(row: sqlite3.Row, kind: type[T]) -> T:
    """Make a record of a row. Raises `NonsenseError`."""
    return _checked(lambda plain: msgspec.convert(plain, kind, strict=False), dict(row))


def _to_client_rule(row: sqlite3.Row) -> ClientRule:
    plain = dict(row)
    versions = {
        key: _checked(SoftwareVersion.parse, plain.pop(key)) for key in ("at_least", "below") if plain[key] is not None
    }
    return _checked(lambda plain: msgspec.convert(plain | versions, ClientRule, strict=False), plain)


def _checked(read: Callable[[Any], T], value: Any) -> T:
    """Read what the database holds. Raises `NonsenseError`."""
    try:
        return read(value)
    except ValueError as error:  # msgspec's are as well
        raise NonsenseError(f"it holds {str(value)!r:.200}, which makes no sense") from error
