"""Signatures over messages, and forgeries of every cheap kind."""

import hashlib

from tests.vectors import ed25519, rsa
from tests.vectors.cases import ED25519, RSA, Vector, b64

ABOUT = "Does the signature verify, over the message, with the key? A verifier may refuse the key itself: that is a no."
MESSAGES = {
    "the empty message": b"",
    "16 bytes": bytes(range(16)),
    "128 bytes": bytes(range(128)),
    "10,000 bytes": bytes(range(250)) * 40,
    "another server's key, as in a `connect`": ed25519.Key("server").public_bytes,
    "an RSA server's key, as in a `connect`": rsa.Key("2048 other").public_bytes,
}
# Found once by trying: the first "message N" whose signature by the key "2048" begins with a zero byte, and the first
# whose signature plus the modulus still fits in 256 bytes.
LEADING_ZERO = b"message 385"
ROOM_FOR_MODULUS = b"message 1"


def vectors() -> list[Vector]:
    return [*_ed25519(), *_small_order(), *_rsa(), *_rsa_encodings()]


def _ed25519() -> list[Vector]:
    key, other = ed25519.Key("a"), ed25519.Key("b")
    message = MESSAGES["16 bytes"]
    right = key.sign(message)
    wrong = {
        "The first bit of R flipped.": _flip(right, 0),
        "The first bit of S flipped.": _flip(right, 32),
        "The last bit of all flipped.": _flip(right, 63, 0x80),
        "S + L for S: the same number modulo L, a second signature.": ed25519.add_order(right),
        "Signed over the message itself, not its SHA-512.": key.sign_unhashed(message),
        "Signed over the message's SHA-256.": key.sign_unhashed(hashlib.sha256(message).digest()),
        "Signed over the hexadecimal of the message's SHA-512.": key.sign_unhashed(
            hashlib.sha512(message).hexdigest().encode()
        ),
        "Signed by another key.": other.sign(message),
        "Signed over another message.": key.sign(message + b"\0"),
        "The last byte missing.": right[:-1],
        "A byte too many.": right + b"\0",
        "R alone.": right[:32],
        "R and S exchanged.": right[32:] + right[:32],
        "No bytes.": b"",
        "64 zero bytes.": bytes(64),
        "The signature as base64 text.": b64(right).encode(),
    }
    return [
        *(_signed(f"Ed25519 over {what}.", ED25519, key.public_bytes, m, key.sign(m)) for what, m in MESSAGES.items()),
        *(_forged(f"Ed25519. {shows}", ED25519, key.public_bytes, message, made) for shows, made in wrong.items()),
        _forged("Ed25519. A bit of the message flipped.", ED25519, key.public_bytes, _flip(message, 3), right),
        _forged("Ed25519. The right signature with another key.", ED25519, other.public_bytes, message, right),
    ]


def _small_order() -> list[Vector]:
    """Keys that anyone can sign for: they satisfy the bare equation, so only a refusal of the key stops them."""
    found = []
    for name, point in ed25519.SMALL_ORDER.items():
        message, signature = ed25519.forge(point, ed25519.IDENTITY, challenge_modulo=(8, 0))
        shows = f"Ed25519. A key of small order ({name}), and a signature that nobody needed a secret for."
        found.append(_forged(shows, ED25519, ed25519.PREFIX + point, message, signature))
    zeros = bytes(32)
    message, signature = ed25519.forge(zeros, zeros, challenge_modulo=(4, 3))
    shows = "Ed25519. An all-zero key (its order is 4) and an all-zero signature, which satisfy the bare equation."
    found.append(_forged(shows, ED25519, ed25519.PREFIX + zeros, message, signature))
    return found


def _rsa() -> list[Vector]:
    key, other = rsa.Key("2048"), rsa.Key("2048 other")
    message = MESSAGES["16 bytes"]
    right = key.sign(message)
    wrong = {
        "The first bit flipped.": _flip(right, 0, 0x80),
        "The last bit flipped.": _flip(right, 255),
        "Signed by another key.": other.sign(message),
        "Signed over another message.": key.sign(message + b"\0"),
        "Signed over the message's SHA-256, and so hashed twice.": key.sign(hashlib.sha256(message).digest()),
        "The last byte missing.": right[:-1],
        "A zero byte before it.": b"\0" + right,
        "A zero byte after it.": right + b"\0",
        "No bytes.": b"",
        "256 zero bytes.": bytes(256),
        "The number one.": (1).to_bytes(256),
        "The number n - 1.": (key.modulus - 1).to_bytes(256),
        "An Ed25519 signature.": ed25519.Key("a").sign(message),
        "RSASSA-PSS with an empty salt.": key.sign_pss(message),
    }
    plus_modulus = (int.from_bytes(key.sign(ROOM_FOR_MODULUS)) + key.modulus).to_bytes(256)
    zero_first = key.sign(LEADING_ZERO)
    assert zero_first[0] == 0
    public = key.public_bytes
    large = [rsa.Key(bits) for bits in ("2050", "3072", "4096")]
    return [
        *(_signed(f"RSA over {what}.", RSA, public, m, key.sign(m)) for what, m in MESSAGES.items()),
        *(_signed(f"RSA of {k.name} bits.", RSA, k.public_bytes, message, k.sign(message)) for k in large),
        _signed("RSA. A signature that begins with a zero byte.", RSA, public, LEADING_ZERO, zero_first),
        _forged("RSA. The same without its zero byte.", RSA, public, LEADING_ZERO, zero_first[1:]),
        _forged("RSA. s + n for s: the same number modulo n.", RSA, public, ROOM_FOR_MODULUS, plus_modulus),
        *(_forged(f"RSA. {shows}", RSA, public, message, made) for shows, made in wrong.items()),
        _forged("RSA. A bit of the message flipped.", RSA, public, _flip(message, 3), right),
        _forged("RSA. The right signature with another key.", RSA, other.public_bytes, message, right),
    ]


def _rsa_encodings() -> list[Vector]:
    """Blocks that RFC 8017, 8.2.2, compares with the one right block, and finds different."""
    key, message = rsa.Key("2048"), MESSAGES["16 bytes"]
    digest = hashlib.sha256(message).digest()
    info = rsa.SHA256_INFO + digest
    short_fill = b"\0\1" + b"\xff" * 8 + b"\0" + info
    wrong = {
        "SHA-1 inside.": key.sign_digest(rsa.SHA1_INFO + hashlib.sha1(message, usedforsecurity=False).digest()),
        "SHA-1's name with the SHA-256 digest.": key.sign_digest(rsa.SHA1_INFO + digest),
        "The digest without its DigestInfo.": key.sign_digest(digest),
        "A DigestInfo without the NULL.": key.sign_digest(rsa.SHA256_INFO_WITHOUT_NULL + digest),
        "Short filling, and garbage after the digest.": key.power(short_fill + bytes(256 - len(short_fill))),
        "Block type 2.": key.power(b"\0\2" + b"\xff" * 202 + b"\0" + info),
        "Filling with a byte that is not ff.": key.power(b"\0\1\xfe" + b"\xff" * 201 + b"\0" + info),
    }
    return [_forged(f"RSA. {shows}", RSA, key.public_bytes, message, made) for shows, made in wrong.items()]


def _flip(raw: bytes, at: int, bits: int = 1) -> bytes:
    return raw[:at] + bytes([raw[at] ^ bits]) + raw[at + 1 :]


def _signed(shows: str, key_format: str, key: bytes, message: bytes, signature: bytes) -> Vector:
    return {
        "shows": shows,
        "key": {"key": b64(key), "format": key_format},
        "message": b64(message),
        "signature": b64(signature),
        "valid": True,
    }


def _forged(shows: str, key_format: str, key: bytes, message: bytes, signature: bytes) -> Vector:
    return _signed(shows, key_format, key, message, signature) | {"valid": False}
