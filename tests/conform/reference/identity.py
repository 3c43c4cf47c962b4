"""The server's identity, and what users have to prove."""

from tests.conform.reference import keys
from tests.independent.keys import ED25519_PREFIX, PublicKey, UserKey, from_base64, to_base64


class Identity:
    def __init__(self, key: UserKey) -> None:
        """`key` is the server's own: a key that signs, as users have them."""
        self.key = key

    @property
    def shown(self) -> PublicKey:
        """The key that the server says is its own."""
        return self.key.public

    def read_challenge(self, text: str) -> bytes | None:
        """What is to be signed, or None when it must not be."""
        raw = keys.decode(text)
        if raw is None or not 16 <= len(raw) <= 128 or self.is_key(raw):
            return None
        return raw

    def is_key(self, raw: bytes) -> bool:
        return len(raw) == keys.SPKI_BYTES and raw.startswith(ED25519_PREFIX)

    def sign(self, challenge: bytes) -> str:
        return to_base64(self.key.sign(challenge))

    def is_own(self, key: PublicKey) -> bool:
        return key == self.key.public

    def is_proof(self, key: PublicKey, text: str) -> bool:
        """Whether `text` is the user's signature over the server's key."""
        signature = keys.decode(text)
        return signature is not None and keys.has_signed(key, from_base64(self.key.public["key"]), signature)
