"""Public keys: one spelling each, and what is close to one."""

import hashlib

from tests.vectors import ed25519, rsa
from tests.vectors.cases import ED25519, RSA, Vector, b64, with_trailing_bits

ABOUT = "PublicKey {key, format}: is it valid, and if its format is known, what is its whole fingerprint?"
SHORT = {ED25519: "ed25519", RSA: "rsa"}


def vectors() -> list[Vector]:
    return [*_valid(), *_opaque(), *_wrong_ed25519(), *_wrong_rsa(), *_wrong_base64()]


def fingerprint(key_format: str, raw: bytes) -> str:
    return f"{SHORT[key_format]}:{hashlib.sha256(key_format.encode() + bytes(1) + raw).hexdigest()}"


def _valid() -> list[Vector]:
    found = [(f"An Ed25519 key, {name}.", ED25519, ed25519.Key(name).public_bytes) for name in ("a", "b")]
    with_marks = _with_both_marks()
    found.append(("An Ed25519 key whose base64 has both + and /.", ED25519, with_marks.public_bytes))
    found += [
        (f"An RSA key of {bits} bits.", RSA, rsa.Key(bits).public_bytes) for bits in ("2048", "2050", "3072", "4096")
    ]
    return [
        {
            "shows": shows,
            "format": key_format,
            "key": b64(raw),
            "valid": True,
            "fingerprint": fingerprint(key_format, raw),
        }
        for shows, key_format, raw in found
    ]


def _opaque() -> list[Vector]:
    """A format that is not known is for check 4 of `connect` to refuse: the key is right, and verifies nothing."""
    raw = ed25519.Key("a").public_bytes
    found = [
        ("A format that is not known here: any bytes will do.", "x25519-future", b"any bytes"),
        ("A known format's name in capitals is another format's.", ED25519.upper(), raw),
    ]
    return [{"shows": shows, "format": name, "key": b64(key), "valid": True} for shows, name, key in found] + [
        {"shows": "A format that is not known here: base64 is strict all the same.", "format": "x25519-future"}
        | {"key": b64(raw) + "\n", "valid": False}
    ]


def _with_both_marks() -> ed25519.Key:
    keys = (ed25519.Key(f"with marks {count}") for count in range(100))
    return next(key for key in keys if {"+", "/"} <= set(b64(key.public_bytes)))


def _wrong_ed25519() -> list[Vector]:
    point = ed25519.Key("a").point
    right = ed25519.Key("a").public_bytes
    wrong = {
        "The 32 bytes of the point alone, without their DER.": point,
        "One byte too few.": right[:-1],
        "One byte too many.": right + b"\0",
        "No bytes at all.": b"",
        "Only the DER prefix.": ed25519.PREFIX,
        "The object identifier of X25519 (1.3.101.110).": right.replace(b"\x2b\x65\x70", b"\x2b\x65\x6e"),
        "The object identifier of Ed448 (1.3.101.113).": right.replace(b"\x2b\x65\x70", b"\x2b\x65\x71"),
        "A bit string with unused bits.": right[:11] + b"\1" + point,
        "The outer length in long form: valid BER, a second spelling.": b"\x30\x81" + right[1:],
        "NULL parameters, which RFC 8410 forbids.": bytes.fromhex("302c300706032b65700500032100") + point,
        "An RSA key under the Ed25519 format's name.": rsa.Key("2048").public_bytes,
    }
    return [_invalid(shows, ED25519, raw) for shows, raw in wrong.items()]


def _wrong_rsa() -> list[Vector]:
    key = rsa.Key("2048")
    right = key.public_bytes
    modulus, exponent = rsa.integer(key.modulus), rsa.integer(rsa.EXPONENT)
    minus = rsa.tagged(0x02, key.modulus.to_bytes(256))
    long_length = b"\x02\x83\0\x01\x01" + modulus[4:]
    wrong = {
        "1024 bits.": rsa.Key("1024").public_bytes,
        "2047 bits, one below the least.": rsa.Key("2047").public_bytes,
        "4097 bits, one above the most.": rsa.Key("4097").public_bytes,
        "More than 8,000 bits.": rsa.public_key(rsa.Key("4096").modulus ** 2, rsa.EXPONENT),
        "e = 3.": rsa.public_key(key.modulus, 3),
        "e = 17.": rsa.public_key(key.modulus, 17),
        "e = 65539.": rsa.public_key(key.modulus, 65539),
        "e = 1: every message would be its own signature.": rsa.public_key(key.modulus, 1),
        "SubjectPublicKeyInfo, where the format wants PKCS#1.": rsa.subject_public_key_info(right),
        "One byte after the sequence.": right + b"\0",
        "The last byte missing.": right[:-1],
        "The modulus with a needless zero byte.": rsa.tagged(0x30, rsa.integer(key.modulus, padding=1) + exponent),
        "e with a needless zero byte.": rsa.tagged(0x30, modulus + rsa.integer(rsa.EXPONENT, padding=1)),
        "The modulus without its zero byte, so that it is negative.": rsa.tagged(0x30, minus + exponent),
        "The modulus's length in three octets where two do.": rsa.tagged(0x30, long_length + exponent),
        "A third integer in the sequence.": rsa.tagged(0x30, modulus + exponent + rsa.integer(0)),
        "The modulus alone.": rsa.tagged(0x30, modulus),
        "The sequence with an indefinite length: BER, not DER.": b"\x30\x80" + modulus + exponent + b"\0\0",
        "An Ed25519 key under the RSA format's name.": ed25519.Key("a").public_bytes,
        "No bytes at all, as an RSA key.": b"",
    }
    return [_invalid(shows, RSA, raw) for shows, raw in wrong.items()]


def _wrong_base64() -> list[Vector]:
    ed, with_marks, big = (
        b64(raw)
        for raw in (
            ed25519.Key("a").public_bytes,
            _with_both_marks().public_bytes,
            rsa.Key("2048").public_bytes,
        )
    )
    pem = f"-----BEGIN PUBLIC KEY-----\n{ed}\n-----END PUBLIC KEY-----\n"
    wrong = [
        ("A line break at the end.", ED25519, ed + "\n"),
        ("A line break in the middle.", ED25519, ed[:30] + "\n" + ed[30:]),
        (
            "Lines of 64 digits, as MIME and PEM have them.",
            RSA,
            "\n".join(big[at : at + 64] for at in range(0, 600, 64)),
        ),
        ("A space before it.", ED25519, " " + ed),
        ("The URL-safe alphabet.", ED25519, with_marks.replace("+", "-").replace("/", "_")),
        ("The padding left out.", ED25519, ed.rstrip("=")),
        ("One padding character too many.", ED25519, ed + "="),
        ("Padding, and then more digits.", ED25519, ed + "AAAA"),
        ("The unused bits of the last digit set: Ed25519.", ED25519, with_trailing_bits(ed)),
        ("A digit outside ASCII that some decoders take for A.", ED25519, "\uff21" + ed[1:]),
        ("A character outside the alphabet, which lax decoders skip.", ED25519, ed[:8] + "!" + ed[8:]),
        ("PEM.", ED25519, pem),
        ("Hexadecimal.", ED25519, ed25519.Key("a").public_bytes.hex()),
    ]
    return [{"shows": shows, "format": key_format, "key": text, "valid": False} for shows, key_format, text in wrong]


def _invalid(shows: str, key_format: str, raw: bytes) -> Vector:
    return {"shows": shows, "format": key_format, "key": b64(raw), "valid": False}
