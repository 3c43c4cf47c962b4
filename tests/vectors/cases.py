"""What the modules of cases share."""

import base64
import json
import re
from typing import Any

from tests.independent import bson

Vector = dict[str, Any]
ED25519 = "ed25519-sha512"
RSA = "rsa-sha256-oaepsha256-pkcs1"


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def as_received(encoding: str, envelope: dict[str, Any]) -> dict[str, str]:
    """A WebSocket message, as a step has it."""
    if encoding == "json":
        return {"text": json.dumps(envelope, ensure_ascii=False)}
    return {"binary": b64(bson.encode(envelope))}


def with_trailing_bits(text: str) -> str:
    """The same bytes to a lax decoder: the last digit's unused bits are set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    digits = text.rstrip("=")
    assert digits != text, "without padding there are no unused bits"
    return digits[:-1] + alphabet[alphabet.index(digits[-1]) + 1] + text[len(digits) :]


def identify(vector: Vector) -> str:
    """The name of a vector in its file: made of what it shows, so that it stays when others come or go."""
    words = "-".join(re.findall(r"[a-z0-9]+", vector["shows"].lower()))
    return f"{vector['encoding']}/{words}" if "encoding" in vector else words
