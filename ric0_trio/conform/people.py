"""Users who log in to the server under test, and what their keys and signatures are, by another library's reckoning."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ric0_trio.conform.encodings import Plain
from ric0_trio.conform.messages import APP, NEVER_USED
from ric0_trio.protocol import PrivateKey

ED25519: Final = "ed25519-sha512"
RSA: Final = "rsa-sha256-oaepsha256-pkcs1"
FORMATS: Final = (ED25519, RSA)

UNKNOWN_KEY: Final[Plain] = {"key": "c29tZSBrZXk=", "format": NEVER_USED}
"""Of a user whom no server can verify."""

ED25519_SIGNATURE_BYTES: Final = 64

SPKI_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")
"""What an Ed25519 key begins with (RFC 8410)."""


def to_base64(raw: bytes) -> str:
    """Encode as a client should."""
    return base64.b64encode(raw).decode()


def from_base64(text: Any) -> bytes | None:
    """Decode strictly; None when it is not the one spelling of its bytes."""
    if not isinstance(text, str):
        return None
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if to_base64(raw) == text else None


def key_problem(key: Any) -> str | None:
    """Say what is wrong with a PublicKey that a server shows as its own, or None when it is well-formed."""
    if not isinstance(key, dict) or not isinstance(key.get("format"), str):
        return "no object with `key` and `format`"
    raw = from_base64(key.get("key"))
    if raw is None:
        return "its `key` is no strict base64"
    if key["format"] == ED25519:
        is_good = len(raw) == 44 and raw.startswith(SPKI_PREFIX)
        return None if is_good else "not the 44 bytes of an Ed25519 SubjectPublicKeyInfo"
    if key["format"] == RSA:
        return _rsa_problem(raw)
    return f"the format {key['format']!r} is not defined"


def _rsa_problem(raw: bytes) -> str | None:
    try:
        loaded = serialization.load_der_public_key(raw)
    except ValueError:
        return "no DER of a public key"
    if not isinstance(loaded, rsa.RSAPublicKey) or encode_rsa(loaded) != raw:
        return "not the one DER encoding of an RSAPublicKey (PKCS#1)"
    if not 2048 <= loaded.key_size <= 4096 or loaded.public_numbers().e != 65537:
        return f"{loaded.key_size} bits and the exponent {loaded.public_numbers().e}"
    return None


def encode_rsa(key: rsa.RSAPublicKey) -> bytes:
    """The bytes of an RSA key on the wire."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)


def verifies(key: Plain, message: bytes, signature: bytes) -> bool:
    """Whether a signature is right, for a key without a `key_problem`."""
    raw = base64.b64decode(key["key"])
    try:
        if key["format"] == ED25519:
            digest = hashlib.sha512(message).digest()
            Ed25519PublicKey.from_public_bytes(raw[len(SPKI_PREFIX) :]).verify(signature, digest)
        else:
            loaded = serialization.load_der_public_key(raw)
            if not isinstance(loaded, rsa.RSAPublicKey):
                return False
            loaded.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def proof_problem(data: Plain, nonce: bytes) -> str | None:
    """Say what is wrong with the data of a `challenge` reply, or None when it proves the key that it shows."""
    key = data.get("pubkey")
    problem = key_problem(key)
    if problem is not None or not isinstance(key, dict):
        return f"the server's `pubkey`: {problem}"
    signature = from_base64(data.get("challenge_response"))
    if signature is None:
        return "a `challenge_response` that is no strict base64"
    if key["format"] == ED25519 and len(signature) != ED25519_SIGNATURE_BYTES:
        return f"a signature of {len(signature)} bytes"
    return None if verifies(key, nonce, signature) else f"a signature that does not verify as {key['format']}"


@dataclass(frozen=True)
class User:
    """Someone with a key, who can prove it."""

    key: PrivateKey
    name: str = "Conny"

    @property
    def pubkey(self) -> Plain:
        """Their PublicKey."""
        return {"key": self.key.public.key, "format": self.key.public.format}

    def prove(self, server_key: Plain) -> str:
        """Sign the server's key: what `connect` sends as `challenge`."""
        return to_base64(self.key.sign(base64.b64decode(server_key["key"])))

    def connect_data(self, server_key: Plain, join_token: str | None) -> Plain:
        """The data of a good `connect`."""
        home = {"home_server": server_key, "home_server_url": "wss://chat.example/ric0_chat"}
        user = {"name": self.name, "type": "user", "pubkey": self.pubkey, **home}
        data = {"client_app": APP, "user": user, "challenge": self.prove(server_key)}
        return data if join_token is None else {**data, "join_token": join_token}
