"""Which keys are well-formed, and which signatures are good. The server's own key signs here too."""

import binascii
import re
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from tests.independent.keys import ED25519, ED25519_PREFIX, RSA, PublicKey, from_base64, verify

SPKI_BYTES = 44
SMALL_ORDER = {
    bytes.fromhex(point)
    for point in (
        "01" + 31 * "00",
        32 * "00",
        *(first + 30 * "ff" + "7f" for first in ("ec", "ed", "ee")),
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
}


def decode(text: object) -> bytes | None:
    """Strict base64, or None."""
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", text):
        return None
    try:
        return from_base64(text)
    except (binascii.Error, ValueError):
        return None


def is_well_formed_key(key: Any) -> bool:
    """Whether a PublicKey is in the one spelling of its format, if that is known here."""
    raw = decode(key["key"])
    if raw is None:
        return False
    match key["format"]:
        case "ed25519-sha512":
            return len(raw) == SPKI_BYTES and raw.startswith(ED25519_PREFIX)
        case "rsa-sha256-oaepsha256-pkcs1":
            return is_pkcs1(raw)
    return True


def is_pkcs1(raw: bytes) -> bool:
    try:
        key = load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return (
        isinstance(key, RSAPublicKey)
        and key.public_bytes(Encoding.DER, PublicFormat.PKCS1) == raw
        and 2048 <= key.key_size <= 4096
        and key.public_numbers().e == 65537
    )


def is_known(key: PublicKey) -> bool:
    return key["format"] in (ED25519, RSA)


def is_of_small_order(key: PublicKey) -> bool:
    point = bytearray(from_base64(key["key"])[-32:])
    point[-1] &= 0x7F
    return key["format"] == ED25519 and bytes(point) in SMALL_ORDER


def has_signed(key: PublicKey, message: bytes, signature: bytes) -> bool:
    return not is_of_small_order(key) and verify(key, message, signature)
