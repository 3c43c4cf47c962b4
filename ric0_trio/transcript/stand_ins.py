"""What stands in a transcript instead of a secret: it has the same form, and the secret cannot be found from it."""

import hashlib
import string
from typing import Final

from ric0_trio.protocol.keys import decode_base64, encode_base64

KEY_BYTES: Final = 32

_LETTERS: Final = string.ascii_letters + string.digits
_BASE64: Final = frozenset(_LETTERS + "+/")
_WIDE: Final = {2: "é", 3: "€", 4: "🔑"}
"""For a character that takes so many bytes in UTF-8: one says as little as another."""
_USE_BYTES: Final = 8

# RFC 8410: a challenge that begins like this, and is as long as a key, is refused for it. Nothing in it is secret.
_ED25519_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")
_ED25519_KEY_BYTES: Final = 44


class StandIns:
    """Gives the same stand-in for the same secret, for as long as it lives.

    A stand-in is a keyed hash (SHAKE-256) of the secret, so without the key not even a short secret is found by trying;
    and the key is in no transcript.
    """

    def __init__(self, key: bytes) -> None:
        """`key` is 32 random bytes, to be forgotten."""
        self._key = key

    def for_text(self, secret: str) -> str:
        """Give what stands for `secret`: as many characters, and bytes in UTF-8.

        If `secret` is strict base64, so is this, of as many bytes; and if it is not, this is not.
        """
        raw = decode_base64(secret)
        if raw is not None:
            return encode_base64(self.for_bytes(raw))
        for attempt in range(8):
            text = self._like(secret, attempt)
            if decode_base64(text) is None:
                return text
        return "-" * len(secret)  # a text of two or three letters, by chance: it takes padding to be base64

    def for_bytes(self, secret: bytes) -> bytes:
        """Give what stands for `secret`, of the same length; it looks like an Ed25519 key if that does."""
        if len(secret) == _ED25519_KEY_BYTES and secret.startswith(_ED25519_PREFIX):
            return _ED25519_PREFIX + self._expand(b"key", secret, _ED25519_KEY_BYTES - len(_ED25519_PREFIX))
        return self._expand(b"raw", secret, len(secret))

    def _like(self, secret: str, attempt: int) -> str:
        raw = secret.encode("utf-8", "surrogatepass")
        stream = self._expand(b"text%d" % attempt, raw, len(secret))
        return "".join(_stand_for(char, byte) for char, byte in zip(secret, stream, strict=True))

    def _expand(self, use: bytes, secret: bytes, size: int) -> bytes:
        return hashlib.shake_256(self._key + use.ljust(_USE_BYTES) + secret).digest(size)


def _stand_for(char: str, byte: int) -> str:
    if char in _BASE64:
        return _LETTERS[byte % len(_LETTERS)]
    if char == "=":  # where padding is, and how much, is what can be wrong with base64
        return char
    return _WIDE.get(len(char.encode("utf-8", "surrogatepass")), "-")
