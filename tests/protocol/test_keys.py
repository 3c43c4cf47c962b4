"""Keys: one spelling, and what "hashed and signed" means for each format."""

import base64
import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from hypothesis import example, given
from hypothesis import strategies as st

from ric0_trio.protocol import DEFAULT_FORMAT, KEY_FORMATS, InvalidKeyError, PrivateKey, PublicKey
from ric0_trio.protocol.keys import decode_base64, decode_challenge, encode_base64, parse_fingerprint
from ric0_trio.testing import base64_of, ed25519_key, rsa_key
from tests.protocol.pair import ED25519_PREFIX, RSA_FORMAT, pem_of, rsa_secret

KEYS = {"ed25519-sha512": ed25519_key(1), RSA_FORMAT: rsa_key()}

# Base64


@given(st.binary(max_size=200))
def test_base64_both_ways(raw: bytes) -> None:
    assert encode_base64(raw) == base64_of(raw)
    assert decode_base64(encode_base64(raw)) == raw


@given(st.text(alphabet="AQgw+/=-_ \n\r\tÄ\0", max_size=12))
@example("Zg==")
@example("Zh==")
def test_base64_has_one_spelling(text: str) -> None:
    raw = decode_base64(text)
    assert raw is None or encode_base64(raw) == text


def test_no_bit_is_left_over_in_base64() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    assert [char for char in alphabet if decode_base64(f"Z{char}==") is not None] == list("AQgw")
    assert [char for char in alphabet if decode_base64(f"ZZ{char}=") is not None] == list("AEIMQUYcgkosw048")


# What a server signs


@pytest.mark.parametrize(
    ("raw", "signed"),
    [
        (b"", False),
        (bytes(15), False),
        (bytes(16), True),
        (bytes(44), True),
        (bytes(128), True),
        (bytes(129), False),
        (ED25519_PREFIX + bytes(32), False),
        (bytes(ed25519_key(9).public), False),
        (ED25519_PREFIX + bytes(31), True),
        (ED25519_PREFIX + bytes(33), True),
        (b"\0" + ED25519_PREFIX + bytes(31), True),
    ],
)
def test_what_may_be_signed(raw: bytes, signed: bool) -> None:
    assert decode_challenge(encode_base64(raw)) == (raw if signed else None)


@pytest.mark.parametrize("text", ["", "?", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB==", "AAAA\n" * 5])
def test_a_challenge_is_strict_base64(text: str) -> None:
    assert decode_challenge(text) is None


# Signatures


def test_the_formats_and_the_default() -> None:
    assert list(KEY_FORMATS) == list(KEYS)
    assert DEFAULT_FORMAT == "ed25519-sha512"


@pytest.mark.parametrize("key_format", KEYS)
@given(st.binary(max_size=300))
def test_what_is_signed_verifies(key_format: str, message: bytes) -> None:
    key = KEYS[key_format]
    signature = key.sign(message)
    assert key.public.verify(message, signature)
    assert not key.public.verify(message + b"\0", signature)


@pytest.mark.parametrize("key_format", KEYS)
@given(st.binary(max_size=600))
def test_noise_does_not_verify(key_format: str, signature: bytes) -> None:
    assert not KEYS[key_format].public.verify(b"message", signature)


def test_an_ed25519_signature_is_over_the_sha512() -> None:
    secret = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
    assert KEYS["ed25519-sha512"].sign(b"message") == secret.sign(hashlib.sha512(b"message").digest())
    assert not KEYS["ed25519-sha512"].public.verify(b"message", secret.sign(b"message"))


def test_an_rsa_signature_is_pkcs1_with_sha256() -> None:
    assert rsa_key().sign(b"message") == rsa_secret().sign(b"message", padding.PKCS1v15(), hashes.SHA256())
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    assert not rsa_key().public.verify(b"message", rsa_secret().sign(b"message", pss, hashes.SHA256()))


@pytest.mark.parametrize("point", [bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xff" * 32])
def test_a_key_of_small_order_verifies_nothing(point: bytes) -> None:
    """For such keys a signature can be made without any secret: cryptography's Ed25519 takes it."""
    key = PublicKey(encode_base64(ED25519_PREFIX + point), "ed25519-sha512")
    for signature in (bytes(64), b"\1" + bytes(63), point + bytes(32)):
        assert not key.verify(b"message", signature)


def test_a_key_of_an_unknown_format_is_opaque() -> None:
    key = PublicKey("AAAA", "dilithium5")
    assert (bytes(key), key.verify(b"", b"")) == (b"\0\0\0", False)
    assert key.short_fingerprint.startswith("unknown:")


# Public keys


@given(st.binary(max_size=400), st.sampled_from(list(KEYS)))
def test_any_bytes_are_a_key_or_refused(raw: bytes, key_format: str) -> None:
    try:
        key = PublicKey(encode_base64(raw), key_format)
    except InvalidKeyError:
        return
    assert bytes(key) == raw
    assert not key.verify(b"message", bytes(64))


@given(st.data())
def test_a_damaged_rsa_key_is_a_key_or_refused(data: st.DataObject) -> None:
    raw = bytearray(bytes(rsa_key().public))
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=3)):
        raw[place] = data.draw(st.integers(0, 255))
    try:
        key = PublicKey(encode_base64(bytes(raw)), RSA_FORMAT)
    except InvalidKeyError:
        return
    assert not key.verify(b"another message", rsa_key().sign(b"message"))


@pytest.mark.parametrize("raw", [b"", bytes(44), ED25519_PREFIX + bytes(31), ED25519_PREFIX + bytes(33), bytes(32)])
def test_what_is_no_ed25519_key(raw: bytes) -> None:
    with pytest.raises(InvalidKeyError, match="44-byte"):
        PublicKey(encode_base64(raw), "ed25519-sha512")


@pytest.mark.parametrize(("bits", "fits"), [(2047, False), (2048, True), (4096, True), (4097, False), (6000, False)])
def test_the_sizes_of_rsa_keys(bits: int, fits: bool) -> None:
    key = rsa.RSAPublicNumbers(65537, 2 ** (bits - 1) + 1).public_key()
    text = encode_base64(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1))
    if fits:
        assert not PublicKey(text, RSA_FORMAT).verify(b"message", bytes(bits // 8))
    else:
        with pytest.raises(InvalidKeyError, match="2048 to 4096 bits"):
            PublicKey(text, RSA_FORMAT)


@given(
    st.sampled_from([ED25519_PREFIX, ED25519_PREFIX[:-1], b""]),
    st.binary(min_size=31, max_size=33) | st.binary(max_size=50),
    st.sampled_from(["", "=", "A", "\n", " ", "\0", "é"]),
)
def test_what_is_an_ed25519_key_at_a_glance_is_one(prefix: bytes, rest: bytes, more: str) -> None:
    """The regular expression stands for the whole rule: it matches every key, and nothing else."""
    rules = KEY_FORMATS["ed25519-sha512"]
    text = encode_base64(prefix + rest)
    for spelling in (text, text + more, more + text, text.replace("=", more), text[:-2] + "B="):
        raw = decode_base64(spelling)
        is_key = raw is not None and len(raw) == 44 and raw.startswith(ED25519_PREFIX)
        assert (rules.plain.fullmatch(spelling) is not None) == is_key
        if raw is not None and is_key:
            rules.check(raw)


def test_equal_keys_are_equal() -> None:
    key = rsa_key().public
    same = PublicKey(key.key, key.format)
    assert (same, hash(same)) == (key, hash(key))
    assert PublicKey("AAAA", "one") != PublicKey("AAAA", "other")


@pytest.mark.parametrize(("key_format", "label"), [("ed25519-sha512", "ed25519"), (RSA_FORMAT, "rsa")])
def test_fingerprints(key_format: str, label: str) -> None:
    key = KEYS[key_format].public
    digest = hashlib.sha256(key_format.encode() + b"\0" + base64.b64decode(key.key)).hexdigest()
    assert key.fingerprint == f"{label}:{digest}"
    assert key.short_fingerprint == f"{label}:{digest[:16]}"


HALF = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (f"ed25519:{HALF}{HALF}", True),
        (f"rsa:{HALF}{HALF}", True),
        (f"ed25519:{HALF}", False),
        (f"ed25519:{HALF}{HALF}0", False),
        (f"ed25519:{HALF}{HALF.upper()}", False),
        (f"unknown:{HALF}{HALF}", False),
        (f" rsa:{HALF}{HALF}", False),
        (f"{HALF}{HALF}", False),
    ],
)
def test_a_whole_fingerprint(text: str, is_one: bool) -> None:
    if is_one:
        assert parse_fingerprint(text) == text
    else:
        with pytest.raises(ValueError, match="whole fingerprint"):
            parse_fingerprint(text)


# Private keys


def test_which_keys_sign_slowly() -> None:
    assert {name: key.signs_slowly for name, key in KEYS.items()} == {"ed25519-sha512": False, RSA_FORMAT: True}


def test_a_generated_rsa_key_has_3072_bits() -> None:
    key = serialization.load_pem_private_key(PrivateKey.generate(RSA_FORMAT).to_pem(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert (key.key_size, key.public_key().public_numbers().e) == (3072, 65537)


@pytest.mark.parametrize("key_format", KEYS)
def test_text_is_no_pem(key_format: str) -> None:
    with pytest.raises(TypeError):
        PrivateKey.from_pem(KEYS[key_format].to_pem().decode())  # type: ignore[arg-type]


@pytest.mark.parametrize("key_format", KEYS)
def test_a_generated_key_is_stored_and_read_again(key_format: str) -> None:
    key = PrivateKey.generate(key_format)
    assert key.public.format == key_format
    assert key.to_pem().startswith(b"-----BEGIN PRIVATE KEY-----")
    again = PrivateKey.from_pem(key.to_pem())
    assert again.public == key.public
    assert key.public.verify(b"message", again.sign(b"message"))


def test_a_key_of_no_known_format_is_not_generated() -> None:
    with pytest.raises(InvalidKeyError, match="no key format 'rot13'; known are ed25519-sha512, rsa-"):
        PrivateKey.generate("rot13")


def encrypted() -> bytes:
    encryption = serialization.BestAvailableEncryption(b"secret")
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def on_a_curve() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


# Keys of an algorithm that nobody knows: RFC 5280 and RFC 5958, with the object identifier 1.2.3.4.
UNHEARD_OF_PUBLIC = bytes.fromhex("302a300506032a0304032100") + bytes(32)
UNHEARD_OF_PRIVATE = base64.b64encode(bytes.fromhex("302c020100300506032a03040420") + bytes(32))


@pytest.mark.parametrize("key_format", KEYS)
def test_a_public_key_of_an_algorithm_that_nobody_knows(key_format: str) -> None:
    with pytest.raises(InvalidKeyError):
        PublicKey(encode_base64(UNHEARD_OF_PUBLIC), key_format)


NO_KEYS: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "not a private key in PEM"),
    "noise": (lambda: b"\xff\0noise", "not a private key in PEM"),
    "a public key": (lambda: b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "not a private key"),
    "encrypted": (encrypted, "encrypted"),
    "an algorithm that nobody knows": (
        lambda: b"-----BEGIN PRIVATE KEY-----\n" + UNHEARD_OF_PRIVATE + b"\n-----END PRIVATE KEY-----\n",
        "not a private key in PEM",
    ),
    "another kind": (on_a_curve, "not a key of a known format"),
    "RSA of 1024 bits": (lambda: pem_of(rsa_secret(1024)), "2048 to 4096 bits"),
    "RSA with e = 3": (lambda: pem_of(rsa_secret(2048, 3)), "exponent 65537"),
}


@pytest.mark.parametrize("case", NO_KEYS)
def test_what_is_no_private_key(case: str) -> None:
    make, problem = NO_KEYS[case]
    with pytest.raises(InvalidKeyError, match=problem):
        PrivateKey.from_pem(make())


def test_the_repr_shows_the_public_half_alone() -> None:
    key = ed25519_key(1)
    assert repr(key) == f"<PrivateKey of {key.public.short_fingerprint}>"
