"""Keys that are the same at every run, and hide no secret in the source."""

import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ric0_trio.testing import HOME_KEY, SERVER_KEY, USER_KEY, ed25519_key, rsa_key
from tests.protocol.test_purity import run_fresh

FINGERPRINTS = {
    "ed25519_key(1)": ed25519_key(1),
    "ed25519_key(255)": ed25519_key(255),
    "rsa_key()": rsa_key(),
}


@pytest.mark.parametrize("made", FINGERPRINTS)
def test_a_key_is_the_same_in_every_process(made: str) -> None:
    again = run_fresh(f"from ric0_trio.testing import *; print({made}.public.fingerprint)")
    assert again == FINGERPRINTS[made].public.fingerprint


def test_the_three_are_three() -> None:
    assert len({SERVER_KEY.public, USER_KEY.public, HOME_KEY.public}) == 3


@pytest.mark.parametrize("seed", [-1, 256])
def test_a_seed_is_a_byte(seed: int) -> None:
    with pytest.raises(ValueError, match="range"):
        ed25519_key(seed)


def test_the_rsa_key_is_what_it_says() -> None:
    """The two primes are the first ones after what a hash gives: nobody has chosen them."""
    loaded = serialization.load_pem_private_key(rsa_key().to_pem(), None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    assert loaded.key_size == 2048
    numbers = loaded.private_numbers()
    primes = {numbers.p, numbers.q}
    for label in (b"ric0_trio.testing: p", b"ric0_trio.testing: q"):
        start = int.from_bytes(hashlib.shake_256(label).digest(128)) | 3 << 1022
        assert [n for n in range(start, start + 1000) if pow(2, n - 1, n) == 1][0] in primes  # noqa: RUF015


@pytest.mark.parametrize("made", FINGERPRINTS)
def test_what_a_key_signs_verifies(made: str) -> None:
    key = FINGERPRINTS[made]
    assert key.public.verify(b"message", key.sign(b"message"))
