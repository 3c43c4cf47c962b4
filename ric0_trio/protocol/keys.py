"""Key formats: what the bytes of a key are, and what "hashed and signed" means (docs/protocol.md, "Keys").

Everything that is special to a format is in its one class below. Everything else knows `PublicKey`, which verifies,
and `PrivateKey`, which signs. A `PublicKey` cannot be made of anything but the one spelling of a key.
"""

import binascii
import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Annotated, ClassVar, Final, NewType

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from ric0_trio.protocol.errors import InvalidKeyError

Fingerprint = NewType("Fingerprint", str)
"""`ed25519:` or `rsa:` and 64 hexadecimal digits: all of a key that people need to compare."""

SHORT_DIGITS = 16

_FINGERPRINT: Final = re.compile(r"([a-z0-9]+):[0-9a-f]{64}")

MIN_CHALLENGE_BYTES: Final = 16
MAX_CHALLENGE_BYTES: Final = 128

# RFC 8410: SEQUENCE { SEQUENCE { OID 1.3.101.112 } BIT STRING }, before the 32 bytes of the key.
_ED25519_SPKI_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")
_ED25519_SPKI_BYTES: Final = 44


def parse_fingerprint(text: str) -> Fingerprint:
    """Take a whole fingerprint. Raises `ValueError` for anything else, a shortened one included."""
    labels = [rules.label for rules in KEY_FORMATS.values()]
    found = _FINGERPRINT.fullmatch(text)
    if found is None or found[1] not in labels:
        raise ValueError(f"expected a whole fingerprint: {': or '.join(labels)}: and 64 hexadecimal digits")
    return Fingerprint(text)


def shorten_fingerprint(fingerprint: Fingerprint) -> str:
    """Cut a fingerprint to 16 digits: for logs and commands, not for comparing."""
    label, digits = fingerprint.split(":")
    return f"{label}:{digits[:SHORT_DIGITS]}"


def decode_base64(text: str) -> bytes | None:
    """Decode strict base64 (RFC 4648 section 4: padded, canonical); None when `text` is anything else."""
    try:
        raw = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # binascii.Error is one; so is what text that is not ASCII raises
        return None
    return raw if encode_base64(raw) == text else None


def encode_base64(raw: bytes) -> str:
    """Encode `raw` as padded base64 in the standard alphabet."""
    return binascii.b2a_base64(raw, newline=False).decode()


def decode_challenge(text: str) -> bytes | None:
    """Decode the `challenge` of a `challenge` request; None when no server may sign it.

    Refused are other sizes than 16 to 128 bytes, and what could be the key of another server: its signature would be
    a login there (docs/security.md, "Signing whatever a stranger sends").
    """
    raw = decode_base64(text)
    if raw is None or not MIN_CHALLENGE_BYTES <= len(raw) <= MAX_CHALLENGE_BYTES:
        return None
    return None if any(rules.resembles(raw) for rules in KEY_FORMATS.values()) else raw


class KeyFormat(ABC):
    """One format of keys: a stateless set of rules, found by its name in `KEY_FORMATS` (docs/key-formats.md)."""

    name: ClassVar[str]
    """The name on the wire, in `PublicKey.format`."""
    label: ClassVar[str]
    """The short name in fingerprints."""
    signs_slowly: ClassVar[bool]
    """Whether signing takes long enough (0.3 ms and more) to be done in a thread, where others wait."""
    plain: ClassVar[re.Pattern[str]] = re.compile(r"(?!)")
    """Base64 of nothing but keys that pass `check`, told at a glance. By default it matches nothing."""

    @abstractmethod
    def resembles(self, raw: bytes) -> bool:
        """Tell whether `raw`, of 16 to 128 bytes, could be a public key of this format: then no server signs it."""

    @abstractmethod
    def check(self, raw: bytes) -> None:
        """Raise `InvalidKeyError` unless `raw` is the one encoding of a public key of this format."""

    @abstractmethod
    def verify(self, raw: bytes, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` over `message` was made by the private half of the checked key `raw`."""

    @abstractmethod
    def generate(self) -> "PrivateKey":
        """Make a new private key, from the library's own randomness. No session ever calls this."""

    @abstractmethod
    def adopt(self, loaded: object) -> "PrivateKey | None":
        """Take a private key that `cryptography` loaded, or None when it is of another kind.

        Raises `InvalidKeyError` when it is of this kind, but breaks a rule of the format (its size, say).
        """


class Ed25519Sha512(KeyFormat):
    """`ed25519-sha512`: Ed25519 (RFC 8032) over SHA-512 of the message; keys as RFC 8410 SubjectPublicKeyInfo."""

    name = "ed25519-sha512"
    label = "ed25519"
    signs_slowly = False
    # All such keys: 12 bytes are the first 16 characters; of the 32 others, 4 bits are left for the last character.
    plain = re.compile(r"MCowBQYDK2VwAyEA[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")

    def resembles(self, raw: bytes) -> bool:
        return len(raw) == _ED25519_SPKI_BYTES and raw.startswith(_ED25519_SPKI_PREFIX)

    def check(self, raw: bytes) -> None:
        if not self.resembles(raw):
            raise InvalidKeyError("an ed25519-sha512 key is a 44-byte SubjectPublicKeyInfo (RFC 8410)")

    def verify(self, raw: bytes, message: bytes, signature: bytes) -> bool:
        # PyNaCl refuses keys of small order, for which anyone can sign; cryptography's Ed25519 does not.
        try:
            VerifyKey(raw[len(_ED25519_SPKI_PREFIX) :]).verify(hashlib.sha512(message).digest(), signature)
        except CryptoError:
            return False
        return True

    def generate(self) -> "PrivateKey":
        return self._wrap(ed25519.Ed25519PrivateKey.generate())

    def adopt(self, loaded: object) -> "PrivateKey | None":
        return self._wrap(loaded) if isinstance(loaded, ed25519.Ed25519PrivateKey) else None

    def _wrap(self, private: ed25519.Ed25519PrivateKey) -> "PrivateKey":
        signer = SigningKey(private.private_bytes_raw())
        return PrivateKey(
            PublicKey(encode_base64(_ED25519_SPKI_PREFIX + bytes(signer.verify_key)), self.name),
            lambda message: signer.sign(hashlib.sha512(message).digest()).signature,
            private,
        )


class RsaSha256Pkcs1(KeyFormat):
    """`rsa-sha256-oaepsha256-pkcs1`: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017); keys as PKCS#1 RSAPublicKey."""

    name = "rsa-sha256-oaepsha256-pkcs1"
    label = "rsa"
    signs_slowly = True

    def resembles(self, raw: bytes) -> bool:
        return False  # the shortest has 270 bytes

    def check(self, raw: bytes) -> None:
        self._load(raw)

    def verify(self, raw: bytes, message: bytes, signature: bytes) -> bool:
        try:
            self._load(raw).verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    def generate(self) -> "PrivateKey":
        return self._wrap(rsa.generate_private_key(public_exponent=65537, key_size=3072))

    def adopt(self, loaded: object) -> "PrivateKey | None":
        return self._wrap(loaded) if isinstance(loaded, rsa.RSAPrivateKey) else None

    def _wrap(self, private: rsa.RSAPrivateKey) -> "PrivateKey":
        return PrivateKey(
            PublicKey(encode_base64(self._encode(private.public_key())), self.name),
            lambda message: private.sign(message, padding.PKCS1v15(), hashes.SHA256()),
            private,
        )

    @staticmethod
    def _encode(key: rsa.RSAPublicKey) -> bytes:
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)

    @classmethod
    def _load(cls, raw: bytes) -> rsa.RSAPublicKey:
        try:
            key = serialization.load_der_public_key(raw)
        except (ValueError, UnsupportedAlgorithm):
            key = None
        # The library also takes a SubjectPublicKeyInfo, which is another spelling of the same key.
        if not isinstance(key, rsa.RSAPublicKey) or cls._encode(key) != raw:
            raise InvalidKeyError("an rsa-sha256-oaepsha256-pkcs1 key is a DER RSAPublicKey (PKCS#1)")
        if not 2048 <= key.key_size <= 4096 or key.public_numbers().e != 65537:
            raise InvalidKeyError("an rsa-sha256-oaepsha256-pkcs1 key has 2048 to 4096 bits and exponent 65537")
        return key


KEY_FORMATS: Final[dict[str, KeyFormat]] = {f.name: f for f in (Ed25519Sha512(), RsaSha256Pkcs1())}
"""Every format that is known here, by its name on the wire."""

DEFAULT_FORMAT: Final = Ed25519Sha512.name
"""The format that every implementation has."""


class PublicKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public key as it travels (docs/protocol.md, "PublicKey").

    Equal keys compare and hash equal. Making one raises `InvalidKeyError` when `key` is not strict base64, or not the
    one encoding of a key of `format`. A format that is not known here is allowed: the key is then opaque, and verifies
    nothing.
    """

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    """Base64 of the bytes that the format defines."""
    format: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    """The name of the key's format."""

    def __post_init__(self) -> None:
        rules = KEY_FORMATS.get(self.format)
        if rules is not None and rules.plain.fullmatch(self.key):
            return
        raw = decode_base64(self.key)
        if raw is None:
            raise InvalidKeyError("`key` is not strict, padded base64")
        if rules is not None:
            rules.check(raw)

    def __bytes__(self) -> bytes:
        """The decoded `key`: what a user signs to prove who they are to the server that has this key."""
        return binascii.a2b_base64(self.key)

    @property
    def fingerprint(self) -> Fingerprint:
        """SHA-256 of the format's name, a zero byte and the key's bytes, as a label and 64 hexadecimal digits."""
        label = KEY_FORMATS[self.format].label if self.format in KEY_FORMATS else "unknown"
        digest = hashlib.sha256(self.format.encode() + b"\0" + bytes(self)).hexdigest()
        return Fingerprint(f"{label}:{digest}")

    @property
    def short_fingerprint(self) -> str:
        """The fingerprint cut to 16 digits: for logs, not for comparing."""
        return shorten_fingerprint(self.fingerprint)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` over `message` was made with this key. False for an unknown format."""
        key_format = KEY_FORMATS.get(self.format)
        return key_format is not None and key_format.verify(bytes(self), message, signature)


class PrivateKey:
    """A private key that signs. Made by `generate` and `from_pem`. Its `repr` shows the public half alone."""

    def __init__(
        self,
        public: PublicKey,
        sign: Callable[[bytes], bytes],
        stored: PrivateKeyTypes,
    ) -> None:
        """Put one together, as a `KeyFormat` does: `stored` is what `to_pem` writes."""
        self.public: Final = public
        """The public half."""
        self._sign = sign
        self._stored = stored

    @staticmethod
    def generate(key_format: str = DEFAULT_FORMAT) -> "PrivateKey":
        """Make a new key of the named format. Raises `InvalidKeyError` for a format that is not known."""
        if key_format not in KEY_FORMATS:
            raise InvalidKeyError(f"no key format {key_format!r}; known are {', '.join(KEY_FORMATS)}")
        return KEY_FORMATS[key_format].generate()

    @staticmethod
    def from_pem(pem: bytes) -> "PrivateKey":
        """Read an unencrypted private key in PEM (PKCS#8, as `openssl genpkey` writes it).

        Raises `InvalidKeyError` when it is not one, or is of a kind or size that no format here allows.
        """
        pem = bytes(pem)  # text is a mistake of the caller's; the library would say that a password is missing
        try:
            loaded = serialization.load_pem_private_key(pem, password=None)
        except TypeError:
            raise InvalidKeyError("the key is encrypted; store it unencrypted, readable by its owner alone") from None
        except (ValueError, UnsupportedAlgorithm):
            raise InvalidKeyError("not a private key in PEM; expected -----BEGIN PRIVATE KEY-----") from None
        for rules in KEY_FORMATS.values():
            private = rules.adopt(loaded)
            if private is not None:
                return private
        raise InvalidKeyError(f"not a key of a known format; expected one of {', '.join(KEY_FORMATS)}")

    def to_pem(self) -> bytes:
        """Write the key as unencrypted PKCS#8 PEM. The result is the secret itself."""
        return self._stored.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def signs_slowly(self) -> bool:
        """Whether `sign` takes 0.3 ms and more: it is better done in a thread where others wait."""
        return KEY_FORMATS[self.public.format].signs_slowly

    def sign(self, message: bytes) -> bytes:
        """Hash and sign `message` as the key's format defines."""
        return self._sign(message)

    def __repr__(self) -> str:
        return f"<PrivateKey of {self.public.short_fingerprint}>"
