"""The server under test: how it is reached, and what was found out about it before the checks."""

import ssl
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from ric0_trio.client.address import Address
from ric0_trio.conform.people import ED25519, FORMATS, RSA, User
from ric0_trio.protocol import PrivateKey

ACCESS_STATUSES: Final = (
    "disallowed_client",
    "disallowed_user",
    "unrecognised_user",
    "join_token_required",
    "invalid_join_token",
    "already_connected",
)
"""With which a server may refuse a good `connect`, by its rules of access."""


@cache
def _rsa_key() -> PrivateKey:
    """The key of all users with RSA: to make one takes longer than most checks."""
    return PrivateKey.generate(RSA)


@dataclass(frozen=True)
class Variant:
    """What a check is run with."""

    encoding: str
    user_format: str

    def __str__(self) -> str:
        return f"{self.encoding}, {self.user_format.partition('-')[0]}"


@dataclass
class Target:
    """A server, and what all checks share."""

    address: Address
    ssl_context: ssl.SSLContext | None
    join_token: str | None
    user_key: PrivateKey | None
    """The key of the user who is let in. Without it, users come and go, with keys made for the moment."""
    encodings: dict[str, str | None] = field(default_factory=dict)
    """Each that was tried: None when the server has it, else what it answered."""
    admissions: dict[str, str | None] = field(default_factory=dict)
    """Each format of users' keys that was tried: None when such a user is let in, else why not."""
    refused: set[str] = field(default_factory=set)
    """The formats whose users were refused by a rule of access."""
    turned_away: str | None = None
    """Why the server takes no more connections from here, when it says so."""

    def make_user(self, key_format: str) -> User:
        """Give a user with a key of that format: the one who was given, or someone new."""
        if self.user_key is not None and self.user_key.public.format == key_format:
            return User(self.user_key)
        if key_format == ED25519:
            return User(PrivateKey.generate())
        return User(_rsa_key())

    @property
    def spoken(self) -> list[str]:
        """The encodings that the server has; if it seems to have none, the first is tried all the same."""
        found = [name for name, problem in self.encodings.items() if problem is None]
        return found or list(self.encodings)[:1]

    @property
    def usual_format(self) -> str:
        """The format of the users of checks that are not about it: one that is let in, if any is."""
        first = ED25519 if self.user_key is None else self.user_key.public.format
        formats = sorted(FORMATS, key=lambda name: name != first)
        return next((name for name in formats if self.admissions.get(name, "") is None), first)
