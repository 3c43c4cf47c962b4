"""Faults in which challenges are answered how."""

import base64

from tests.conform.faults.seeding import seeds
from tests.conform.reference import keys
from tests.conform.reference.envelopes import Request
from tests.conform.reference.identity import Identity
from tests.conform.reference.session import Deeds, Session, State
from tests.independent.keys import to_base64


@seeds("M16")
class SignsShortChallenges(Identity):
    """A challenge of 15 bytes is signed, and an empty one."""

    def read_challenge(self, text: str) -> bytes | None:
        raw = keys.decode(text)
        return raw if raw is not None and len(raw) < 16 else super().read_challenge(text)


@seeds("M16")
class SignsLongChallenges(Identity):
    """A challenge of 129 bytes is signed."""

    def read_challenge(self, text: str) -> bytes | None:
        raw = keys.decode(text)
        return raw if raw is not None and len(raw) > 128 else super().read_challenge(text)


@seeds("M11")
class WantsLongerChallenges(Identity):
    """A challenge of 16 bytes is refused."""

    def read_challenge(self, text: str) -> bytes | None:
        raw = super().read_challenge(text)
        return None if raw is not None and len(raw) == 16 else raw


@seeds("M11")
class WantsShorterChallenges(Identity):
    """A challenge of 128 bytes is refused."""

    def read_challenge(self, text: str) -> bytes | None:
        raw = super().read_challenge(text)
        return None if raw is not None and len(raw) == 128 else raw


@seeds("M17")
class SignsKeys(Identity):
    """What could be another server's Ed25519 key is signed."""

    def is_key(self, raw: bytes) -> bool:
        return False


@seeds("M17")
class RefusesWhatLooksLikeAKey(Identity):
    """Any challenge of 44 bytes is refused."""

    def is_key(self, raw: bytes) -> bool:
        return len(raw) == 44


class _Loose(Identity):
    """Takes a text for the strict base64 that it is made into."""

    def mend(self, text: str) -> str:
        raise NotImplementedError

    def read_challenge(self, text: str) -> bytes | None:
        return super().read_challenge(self.mend(text))


@seeds("K2")
class SignsUnpaddedChallenges(_Loose):
    """The base64 of a challenge needs no padding."""

    def mend(self, text: str) -> str:
        return text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)


@seeds("K1")
class SignsUrlSafeChallenges(_Loose):
    """A challenge may be in the URL-safe alphabet."""

    def mend(self, text: str) -> str:
        return text.replace("-", "+").replace("_", "/")


@seeds("K3")
class SignsChallengesWithSpaces(_Loose):
    """The base64 of a challenge may have white space."""

    def mend(self, text: str) -> str:
        return "".join(text.split())


@seeds("K4")
class SignsSecondSpellings(Identity):
    """Unused bits in the base64 of a challenge need not be zero."""

    def read_challenge(self, text: str) -> bytes | None:
        raw = super().read_challenge(text)
        if raw is None and len(text) % 4 == 0 and text.isascii() and text.rstrip("=").isalnum():
            return super().read_challenge(to_base64(base64.b64decode(text)))
        return raw


@seeds("M15", "M16", "M17")
class ClosesForBadChallenges(Session):
    """A challenge that cannot be signed ends the connection."""

    def challenge(self, request: Request) -> Deeds:
        if self.identity.read_challenge(request.data["challenge"]) is None:
            return self.ignore()
        return super().challenge(request)


@seeds("M15", "M16", "M17")
class CallsBadChallengesBadRequests(Session):
    """A challenge that cannot be signed is answered `invalid_message`."""

    def challenge(self, request: Request) -> Deeds:
        if self.identity.read_challenge(request.data["challenge"]) is None:
            return self.reply(request, "invalid_message")
        return super().challenge(request)


@seeds("M18")
class ForgetsAtABadChallenge(Session):
    """A bad challenge takes back what a good one brought."""

    def challenge(self, request: Request) -> Deeds:
        if self.identity.read_challenge(request.data["challenge"]) is None and self.state is State.CHALLENGED:
            self.state = State.OPEN
        return super().challenge(request)


@seeds("M25")
class TakesBadChallengesForGood(Session):
    """After a challenge that was refused, `connect` is let through."""

    def challenge(self, request: Request) -> Deeds:
        self.challenged()
        return super().challenge(request)


@seeds("S3-CHALLENGED", "S3-CONNECTED", "S3-DISCONNECTED")
class SignsOnce(Session):
    """A second challenge is refused."""

    def challenge(self, request: Request) -> Deeds:
        if self.state is not State.OPEN:
            return self.reply(request, "invalid_challenge")
        return super().challenge(request)


@seeds("S3-CONNECTED")
class EndsTheUserByChallenge(Session):
    """A challenge puts a connected user out."""

    def challenged(self) -> None:
        self.state = State.CHALLENGED


@seeds("M15")
class SignsWhatIsNoBase64(Identity):
    """A challenge that is no base64 is signed as it is."""

    def read_challenge(self, text: str) -> bytes | None:
        raw = super().read_challenge(text)
        return text.encode() if raw is None and keys.decode(text) is None else raw
