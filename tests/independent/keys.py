"""Both key formats: making keys, signing, verifying. `cryptography` does both kinds here."""

import base64
import hashlib
from abc import ABC, abstractmethod
from typing import TypedDict

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

ED25519 = "ed25519-sha512"
RSA = "rsa-sha256-oaepsha256-pkcs1"
FORMATS = (ED25519, RSA)
ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")


class PublicKey(TypedDict):
    key: str
    format: str


class UserKey(ABC):
    """A private key that a user holds."""

    format: str

    @property
    def public(self) -> PublicKey:
        return {"key": to_base64(self.public_bytes()), "format": self.format}

    @abstractmethod
    def public_bytes(self) -> bytes: ...

    @abstractmethod
    def sign(self, message: bytes) -> bytes: ...


class Ed25519UserKey(UserKey):
    format = ED25519

    def __init__(self) -> None:
        self._private = Ed25519PrivateKey.generate()

    def public_bytes(self) -> bytes:
        return self._private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(hashlib.sha512(message).digest())


class RsaUserKey(UserKey):
    format = RSA

    def __init__(self) -> None:
        self._private: RSAPrivateKey = generate_private_key(65537, 2048)

    def public_bytes(self) -> bytes:
        return self._private.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message, PKCS1v15(), SHA256())


def make_key(key_format: str) -> UserKey:
    return {ED25519: Ed25519UserKey, RSA: RsaUserKey}[key_format]()


def verify(public: PublicKey, message: bytes, signature: bytes) -> bool:
    raw = from_base64(public["key"])
    try:
        match public["format"], load_der_public_key(raw):
            case "ed25519-sha512", Ed25519PublicKey() as ed25519 if raw.startswith(ED25519_PREFIX):
                ed25519.verify(signature, hashlib.sha512(message).digest())
            case "rsa-sha256-oaepsha256-pkcs1", RSAPublicKey() as rsa if _is_pkcs1(rsa, raw):
                rsa.verify(signature, message, PKCS1v15(), SHA256())
            case _:
                return False
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public: PublicKey) -> str:
    digest = hashlib.sha256(public["format"].encode() + b"\0" + from_base64(public["key"])).hexdigest()
    return f"{'ed25519' if public['format'] == ED25519 else 'rsa'}:{digest}"


def to_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def from_base64(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    if to_base64(raw) != text:
        raise ValueError("a second spelling of the same bytes")
    return raw


def _is_pkcs1(key: RSAPublicKey, raw: bytes) -> bool:
    # A SubjectPublicKeyInfo loads as well, and is not the format.
    return 2048 <= key.key_size <= 4096 and key.public_bytes(Encoding.DER, PublicFormat.PKCS1) == raw
