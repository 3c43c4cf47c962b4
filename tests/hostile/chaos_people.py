"""Who takes part in a chaos run, and what an operator has said of them."""

import math
import random
from dataclasses import dataclass, field

import trio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ric0_trio.protocol import AppInfo, Fingerprint, PrivateKey
from ric0_trio.testing import CLIENT_APP
from tests.hostile.chaos_host import Life
from tests.protocol.pair import pem_of

TOO_MANY = 2
"""Users who are given a scarce token, beyond its uses."""


class Fact:
    """What an operator switches on and off. Nobody can be sure of it while a command is under way, or if one failed."""

    def __init__(self) -> None:
        self._is_on = False
        self._since = -math.inf

    def begin(self) -> None:
        """A command is about to change it."""
        self._since = math.inf

    def settle(self, is_on: bool) -> None:
        """A command has said that it did."""
        self._is_on, self._since = is_on, trio.current_time()

    def surely(self, is_on: bool, since: float = math.nextafter(math.inf, 0)) -> bool:
        """Whether it has been so ever since then; by default, whether it is so now."""
        return self._is_on is is_on and self._since <= since

    @property
    def since(self) -> float:
        """When it became what it is."""
        return self._since

    @property
    def known(self) -> bool | None:
        """What it is; None when nobody can be sure."""
        return None if self._since == math.inf else self._is_on


@dataclass(eq=False)
class Invitation:
    """A join token."""

    number: int
    secret: str
    uses: int
    is_scarce: bool = False
    """More users are given it than it has uses."""
    is_revoked: Fact = field(default_factory=Fact)
    offered: int = 0
    """To how many users it was given."""
    brought_by: set[Fingerprint] = field(default_factory=set)
    """Who has sent it, with a true proof."""
    let_in: set[Fingerprint] = field(default_factory=set)
    """Who was told "success" for the first time after having sent it."""

    @property
    def is_open(self) -> bool:
        """Whether it is to be given to more users."""
        return self.offered < self.uses + TOO_MANY and not self.is_revoked.surely(True)


@dataclass(eq=False)
class Session:
    """A connection of a user, from the reply that let it in."""

    user: "User"
    life: Life
    asked_at: float
    since: float
    sign_at: float
    """When the last request was sent which the server answered as one does to a user who is connected."""
    ended_at: float = math.inf

    def is_surely_on(self, begin: float, end: float) -> bool:
        """Whether the server held it to be connected all this time."""
        return self.since <= begin and end <= self.sign_at


@dataclass(eq=False)
class User:
    """Someone with a key, and what they were told."""

    key: PrivateKey
    name: str
    programs: int = 1
    """How many log in as them, by turns."""
    app: AppInfo = CLIENT_APP
    invitation: Invitation | None = None
    """Theirs to bring."""
    is_added: Fact = field(default_factory=Fact)
    is_banned: Fact = field(default_factory=Fact)
    was_kicked: bool = False
    admissions: int = 0
    refusals: int = 0
    unanswered: int = 0
    """Attempts of which nobody knows what became of them."""
    lost_at: float = -math.inf
    """When the last of these was given up."""
    joined_at: float = math.inf
    """When they were first told "success"."""
    left_politely: bool = False
    """The last session ended with a goodbye that was answered."""
    sessions: list[Session] = field(default_factory=list)
    asking: int = 0
    """Attempts that wait for their answer."""
    wants_in_since: float = math.inf
    """Since when someone who behaves well has been trying to get in."""
    gone_at: float = -math.inf
    """When there was last anyone of theirs."""
    fingerprint: Fingerprint = field(init=False)

    def __post_init__(self) -> None:
        self.fingerprint = self.key.public.fingerprint

    @property
    def next_token(self) -> str | None:
        """What to bring. Members need none any more; that they are not asked for one again is a part of the test."""
        return self.invitation.secret if self.invitation is not None and self.joined_at == math.inf else None

    @property
    def is_about(self) -> bool:
        """Whether one of their programs is in, or asks to be."""
        return self.asking > 0 or any(session.ended_at == math.inf for session in self.sessions[-4:])

    def is_surely_member(self, since: float) -> bool:
        """Whether they must be one, and have been since then. Only those who were added are ever removed."""
        return self.joined_at <= since if self.invitation else self.is_added.surely(True, since)


def make_key(source: random.Random) -> PrivateKey:
    """The same from the same seed: for tests alone."""
    return PrivateKey.from_pem(pem_of(Ed25519PrivateKey.from_private_bytes(source.randbytes(32))))
