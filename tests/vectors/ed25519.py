"""Ed25519 with `cryptography`, and the few points and numbers that forgeries are made of."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

PREFIX = bytes.fromhex("302a300506032b6570032100")
ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19

IDENTITY = (1).to_bytes(32, "little")
SMALL_ORDER = {
    "order 1": IDENTITY,
    "order 2": (PRIME - 1).to_bytes(32, "little"),
    "order 4": bytes(32),
    "order 8": bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    "order 1, written with y = p + 1": (PRIME + 1).to_bytes(32, "little"),
}


@dataclass(frozen=True)
class Key:
    name: str

    @property
    def public_bytes(self) -> bytes:
        return PREFIX + self.point

    @property
    def point(self) -> bytes:
        return self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, message: bytes) -> bytes:
        return self.sign_unhashed(hashlib.sha512(message).digest())

    def sign_unhashed(self, message: bytes) -> bytes:
        return self._private.sign(message)

    @property
    def pem(self) -> str:
        """The private key in PKCS#8."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def seed(self) -> bytes:
        return hashlib.sha256(f"ric0 test vectors, Ed25519 {self.name}".encode()).digest()

    @cached_property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


@dataclass(frozen=True)
class SeededKey(Key):
    """A key whose name is its seed, in hexadecimal."""

    @property
    def seed(self) -> bytes:
        return bytes.fromhex(self.name)


def add_order(signature: bytes) -> bytes:
    """The same signature with S + L for S: equal to it modulo L, and forbidden by RFC 8032, 5.1.7."""
    return signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")


def forge(point: bytes, commitment: bytes, *, challenge_modulo: tuple[int, int]) -> tuple[bytes, bytes]:
    """A message, and a signature with S = 0 that satisfies the bare equation [S]B = R + [k]A for a small-order A.

    The message is searched for, until its k has the remainder that makes R + [k]A the identity.
    """
    modulus, remainder = challenge_modulo
    for count in range(1000):
        message = b"message %d" % count
        digest = hashlib.sha512(message).digest()
        scalar = int.from_bytes(hashlib.sha512(commitment + point + digest).digest(), "little") % ORDER
        if scalar % modulus == remainder:
            return message, commitment + bytes(32)
    raise AssertionError("one message in eight has the remainder")
