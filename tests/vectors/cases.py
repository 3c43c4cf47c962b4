"""What the modules of cases share."""

import base64
from typing import Any

Vector = dict[str, Any]
ED25519 = "ed25519-sha512"
RSA = "rsa-sha256-oaepsha256-pkcs1"


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def with_trailing_bits(text: str) -> str:
    """The same bytes to a lax decoder: the last digit's unused bits are set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    digits = text.rstrip("=")
    assert digits != text, "without padding there are no unused bits"
    return digits[:-1] + alphabet[alphabet.index(digits[-1]) + 1] + text[len(digits) :]
