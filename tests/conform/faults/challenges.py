"""Faults in proving the server's key."""

import base64
import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256

from tests.conform.faults.seeding import seeds
from tests.conform.reference import keys
from tests.conform.reference.envelopes import Request
from tests.conform.reference.identity import Identity
from tests.conform.reference.session import Deeds, Session, State
from tests.independent.keys import ED25519, RSA, Ed25519UserKey, PublicKey, RsaUserKey, make_key, to_base64


@seeds("M12")
class SignsTheText(Identity):
    """What is signed is the base64, not what it stands for."""

    def sign(self, challenge: bytes) -> str:
        return super().sign(to_base64(challenge).encode())


@seeds("K6")
class SignsAnotherHash(Identity):
    """What is signed with Ed25519 is a SHA-256."""

    def sign(self, challenge: bytes) -> str:
        assert isinstance(self.key, Ed25519UserKey)
        return to_base64(self.key._private.sign(hashlib.sha256(challenge).digest()))


@seeds("K6")
class SignsWithoutHash(Identity):
    """What is signed with Ed25519 is the challenge itself."""

    def sign(self, challenge: bytes) -> str:
        assert isinstance(self.key, Ed25519UserKey)
        return to_base64(self.key._private.sign(challenge))


@seeds("K14", key_format=RSA)
class SignsWithPss(Identity):
    """An RSA signature is padded by PSS."""

    def sign(self, challenge: bytes) -> str:
        assert isinstance(self.key, RsaUserKey)
        return to_base64(self.key._private.sign(challenge, PSS(MGF1(SHA256()), 32), SHA256()))


@seeds("M14")
class SignsNothing(Identity):
    """The signature is 64 zero bytes."""

    def sign(self, challenge: bytes) -> str:
        return to_base64(bytes(64))


@seeds("M12")
class SignsTheSame(Identity):
    """Every signature is the one over the first challenge."""

    first: str | None = None

    def sign(self, challenge: bytes) -> str:
        self.first = self.first or super().sign(challenge)
        return self.first


@seeds("M14")
class WritesUrlSafeSignatures(Identity):
    """The signature is in the URL-safe alphabet."""

    def sign(self, challenge: bytes) -> str:
        # Nearly every signature has a character that the alphabets do not share.
        return super().sign(challenge).replace("+", "-").replace("/", "_")


@seeds("M14")
class WritesNoPadding(Identity):
    """The signature's base64 has no padding."""

    def sign(self, challenge: bytes) -> str:
        return super().sign(challenge).rstrip("=")


@seeds("M14")
class WritesLines(Identity):
    """The signature's base64 ends in a line feed."""

    def sign(self, challenge: bytes) -> str:
        return super().sign(challenge) + "\n"


class _Shows(Identity):
    def show(self, key: PublicKey) -> PublicKey:
        raise NotImplementedError

    @property
    def shown(self) -> PublicKey:
        return self.show(super().shown)


@seeds("M14")
class ShowsAnotherKey(_Shows):
    """The key that is shown is not the one that signs."""

    other = make_key("ed25519-sha512")

    def show(self, key: PublicKey) -> PublicKey:
        return self.other.public


@seeds("M13")
class ShowsABareKey(_Shows):
    """The server's Ed25519 key is shown as 32 bytes, without its DER prefix."""

    def show(self, key: PublicKey) -> PublicKey:
        return {**key, "key": to_base64(base64.b64decode(key["key"])[-32:])}


@seeds("M13", key_format=RSA)
class ShowsAnotherEncoding(_Shows):
    """The server's RSA key is shown as SubjectPublicKeyInfo."""

    def show(self, key: PublicKey) -> PublicKey:
        prefix = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f00")
        return {**key, "key": to_base64(prefix + base64.b64decode(key["key"]))}


@seeds("M13")
class ShowsAnUnpaddedKey(_Shows):
    """The base64 of the server's key has no padding."""

    def show(self, key: PublicKey) -> PublicKey:
        return {**key, "key": key["key"].rstrip("=")}


@seeds("M13")
class NamesAnotherFormat(_Shows):
    """The format of the server's key is called `ed25519`."""

    def show(self, key: PublicKey) -> PublicKey:
        return {**key, "format": "ed25519"}


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


@seeds("M11")
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


@seeds("M15")
class SignsUnpaddedChallenges(_Loose):
    """The base64 of a challenge needs no padding."""

    def mend(self, text: str) -> str:
        return text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)


@seeds("M15")
class SignsUrlSafeChallenges(_Loose):
    """A challenge may be in the URL-safe alphabet."""

    def mend(self, text: str) -> str:
        return text.replace("-", "+").replace("_", "/")


@seeds("M15")
class SignsChallengesWithSpaces(_Loose):
    """The base64 of a challenge may have white space."""

    def mend(self, text: str) -> str:
        return "".join(text.split())


@seeds("M15")
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


@seeds("S1-CHALLENGED")
class SignsOnce(Session):
    """A second challenge is refused."""

    def challenge(self, request: Request) -> Deeds:
        if self.state is not State.OPEN:
            return self.reply(request, "invalid_challenge")
        return super().challenge(request)


@seeds("S1-CONNECTED")
class EndsTheUserByChallenge(Session):
    """A challenge puts a connected user out."""

    def challenged(self) -> None:
        self.state = State.CHALLENGED


@seeds("M13")
class LeavesOutItsKey(Session):
    """The reply to `challenge` has no `pubkey`."""

    def answer_challenge(self, request: Request, challenge: bytes) -> dict[str, Any]:
        answer = super().answer_challenge(request, challenge)
        del answer["pubkey"]
        return answer


@seeds("M14")
class LeavesOutItsSignature(Session):
    """The reply to `challenge` has no signature."""

    def answer_challenge(self, request: Request, challenge: bytes) -> dict[str, Any]:
        answer = super().answer_challenge(request, challenge)
        del answer["challenge_response"]
        return answer


@seeds("K15", key_format=RSA)
class WritesLongSignatures(Identity):
    """An RSA signature has a zero byte before it."""

    def sign(self, challenge: bytes) -> str:
        return to_base64(b"\0" + self.key.sign(challenge))


@seeds("K21")
class HasManyKeys(Session):
    """The server has a new key on each connection."""

    def answer_challenge(self, request: Request, challenge: bytes) -> dict[str, Any]:
        self.identity = Identity(make_key(ED25519))
        return super().answer_challenge(request, challenge)
