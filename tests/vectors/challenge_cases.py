"""What a server signs, and what it refuses to."""

from tests.vectors import ed25519
from tests.vectors.cases import Vector, b64, with_trailing_bits

ABOUT = "The text of a `challenge` request: does the server sign the bytes it stands for?"


def vectors() -> list[Vector]:
    return [{"shows": shows, "challenge": text, "acceptable": True} for shows, text in _acceptable()] + [
        {"shows": shows, "challenge": text, "acceptable": False} for shows, text in _refused()
    ]


def _count(length: int) -> bytes:
    return bytes(range(length))


def _acceptable() -> list[tuple[str, str]]:
    return [
        ("16 bytes, the fewest.", b64(_count(16))),
        ("17 bytes: base64 with one padding character.", b64(_count(17))),
        ("18 bytes: base64 without padding.", b64(_count(18))),
        ("32 bytes, the usual.", b64(_count(32))),
        ("64 bytes, as long as a SHA-512 digest.", b64(_count(64))),
        ("128 bytes, the most.", b64(_count(128))),
        ("Zero bytes only.", b64(bytes(16))),
        ("Digits + and / of the standard alphabet.", b64(b"\xfb\xff" * 16)),
        ("44 bytes that do not begin like an Ed25519 key.", b64(_count(44))),
        ("44 bytes with all but the last byte of the prefix right.", b64(ed25519.PREFIX[:-1] + b"\1" + bytes(32))),
        ("44 bytes with the prefix of X25519.", b64(ed25519.PREFIX.replace(b"\x70", b"\x6e") + bytes(32))),
        ("43 bytes that begin with the prefix: too short for a key.", b64(ed25519.PREFIX + bytes(31))),
        ("45 bytes that begin with the prefix: too long for a key.", b64(ed25519.PREFIX + bytes(33))),
        ("44 bytes with the prefix elsewhere than at the start.", b64(b"\0" + ed25519.PREFIX + bytes(31))),
    ]


def _refused() -> list[tuple[str, str]]:
    right, marks = b64(_count(17)), b64(b"\xfb\xff" * 16)
    return [
        ("15 bytes, one too few.", b64(_count(15))),
        ("129 bytes, one too many.", b64(bytes(129))),
        ("No bytes.", ""),
        ("One byte.", b64(b"a")),
        ("The key of another server.", b64(ed25519.Key("a").public_bytes)),
        ("44 bytes with the prefix of an Ed25519 key, whatever follows.", b64(ed25519.PREFIX + b"\xff" * 32)),
        ("The same key with the last digit's unused bits set.", with_trailing_bits(b64(ed25519.Key("a").public_bytes))),
        ("The same key with a line break.", b64(ed25519.Key("a").public_bytes) + "\n"),
        ("Padding left out.", right.rstrip("=")),
        ("Padding doubled.", right + "="),
        ("Padding only.", "===="),
        ("Unused bits of the last digit set.", with_trailing_bits(right)),
        ("A line break at the end.", right + "\n"),
        ("A line break in the middle.", right[:8] + "\r\n" + right[8:]),
        ("A space in the middle.", right[:8] + " " + right[8:]),
        ("A space at the start.", " " + right),
        ("The URL-safe alphabet.", marks.replace("+", "-").replace("/", "_")),
        ("A character outside the alphabet.", right[:8] + "*" + right[8:]),
        ("A character outside ASCII.", "\u00e9" + right[1:]),
        ("A digit outside ASCII that looks like A.", "\uff21" + right[1:]),
        ("A NUL at the end.", right + "\0"),
        ("Hexadecimal whose length no base64 has.", _count(17).hex() + "0"),
        ("Two base64 texts, one after the other.", right + right),
    ]
