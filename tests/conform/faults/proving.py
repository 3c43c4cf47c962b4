"""Faults in how the server shows and proves its key."""

import base64
import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256

from tests.conform.faults.seeding import seeds
from tests.conform.reference.envelopes import Request
from tests.conform.reference.identity import Identity
from tests.conform.reference.session import Session
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


@seeds("M12")
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


@seeds("M12")
class WritesUrlSafeSignatures(Identity):
    """The signature is in the URL-safe alphabet."""

    def sign(self, challenge: bytes) -> str:
        # Nearly every signature has a character that the alphabets do not share.
        return super().sign(challenge).replace("+", "-").replace("/", "_")


@seeds("M12")
class WritesNoPadding(Identity):
    """The signature's base64 has no padding."""

    def sign(self, challenge: bytes) -> str:
        return super().sign(challenge).rstrip("=")


@seeds("M12")
class WritesLines(Identity):
    """The signature's base64 ends in a line feed."""

    def sign(self, challenge: bytes) -> str:
        return super().sign(challenge) + "\n"


@seeds("K14", "M12", key_format=RSA)
class WritesLongSignatures(Identity):
    """An RSA signature has a zero byte before it."""

    def sign(self, challenge: bytes) -> str:
        return to_base64(b"\0" + self.key.sign(challenge))


class _Shows(Identity):
    def show(self, key: PublicKey) -> PublicKey:
        raise NotImplementedError

    @property
    def shown(self) -> PublicKey:
        return self.show(super().shown)


@seeds("M12")
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


@seeds("K21")
class HasManyKeys(Session):
    """The server has a new key on each connection."""

    def answer_challenge(self, request: Request, challenge: bytes) -> dict[str, Any]:
        self.identity = Identity(make_key(ED25519))
        return super().answer_challenge(request, challenge)


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
