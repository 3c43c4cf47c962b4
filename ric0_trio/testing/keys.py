"""Keys for tests: the same at every run, so that a failure can be run again.

Anyone can make them. Trust none of them.
"""

import hashlib
from functools import cache
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from ric0_trio.protocol import PrivateKey

_E: Final = 65_537
_PRIME_BYTES: Final = 128


def ed25519_key(seed: int) -> PrivateKey:
    """The key of format `ed25519-sha512` whose RFC 8032 seed is 32 bytes of the value `seed`, 0 to 255.

    Raises `ValueError` for another number.
    """
    return _adopt(ed25519.Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


@cache
def rsa_key() -> PrivateKey:
    """A key of format `rsa-sha256-oaepsha256-pkcs1`, of 2048 bits: always the same one. Made in some 30 ms, once."""
    p, q = _prime_after(b"ric0_trio.testing: p", 289), _prime_after(b"ric0_trio.testing: q", 294)
    d = pow(_E, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p,
        q,
        d,
        rsa.rsa_crt_dmp1(d, p),
        rsa.rsa_crt_dmq1(d, q),
        rsa.rsa_crt_iqmp(p, q),
        rsa.RSAPublicNumbers(_E, p * q),
    )
    return _adopt(numbers.private_key(unsafe_skip_rsa_key_validation=True))  # reading it from PEM validates it


def _prime_after(label: bytes, distance: int) -> int:
    """The first prime after SHAKE-256 of `label`, its two top bits set: so this file has to hold no key.

    `distance` spares looking for it.
    """
    start = int.from_bytes(hashlib.shake_256(label).digest(_PRIME_BYTES)) | 0b11 << 8 * _PRIME_BYTES - 2
    return start + distance


def _adopt(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> PrivateKey:
    pem, pkcs8, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return PrivateKey.from_pem(key.private_bytes(pem, pkcs8, plain))


SERVER_KEY: Final = ed25519_key(1)
"""The server's, where a test names no other."""
USER_KEY: Final = ed25519_key(2)
"""The user's."""
HOME_KEY: Final = ed25519_key(3)
"""That of the server that the user calls home: another one, as it is a claim."""
