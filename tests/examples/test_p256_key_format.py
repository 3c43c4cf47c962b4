"""The key format of docs/key-formats.md: registered, used by both sides, and as strict as a format has to be."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
from click import UsageError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ric0_trio.cli.values import is_whole
from ric0_trio.protocol import (
    KEY_FORMATS,
    Codec,
    InvalidKeyError,
    PrivateKey,
    PublicKey,
    ServerProfile,
    State,
    Status,
)
from ric0_trio.protocol.keys import decode_challenge, encode_base64, parse_fingerprint
from ric0_trio.testing import (
    connect_data,
    give,
    request,
    server_profile,
    the_reply,
)
from tests.protocol.pair import CODECS, Pair, server_in

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "p256_key_format.py"
NAME = "ecdsa-p256-sha256"


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    spec = importlib.util.spec_from_file_location("p256_key_format", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    yield
    del KEY_FORMATS[NAME]


@pytest.fixture(params=CODECS)
def codec(request: pytest.FixtureRequest) -> Codec:
    return CODECS[request.param]


@pytest.fixture
def key() -> PrivateKey:
    return PrivateKey.generate(NAME)


def raw_of(key: PrivateKey, point: serialization.PublicFormat, encoding: serialization.Encoding) -> str:
    loaded = serialization.load_pem_private_key(key.to_pem(), password=None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    return encode_base64(loaded.public_key().public_bytes(encoding, point))


def accepting() -> ServerProfile:
    return server_profile(accepted_key_formats=frozenset(KEY_FORMATS))


def test_it_is_short() -> None:
    assert len(EXAMPLE.read_text().splitlines()) < 80


def test_a_server_proves_itself_with_it(codec: Codec, key: PrivateKey) -> None:
    pair = Pair(codec, server_key=key)
    pair.challenge()
    assert pair.client.server_key == key.public


def test_a_user_connects_with_it(codec: Codec, key: PrivateKey) -> None:
    session = server_in(State.CHALLENGED, codec, accepting())
    told = give(session, codec, request("connect", connect_data(key), 2))
    assert the_reply(codec, told)["status"] == Status.SUCCESS


def test_a_server_that_was_not_told_of_it_refuses_its_user(codec: Codec, key: PrivateKey) -> None:
    session = server_in(State.CHALLENGED, codec)
    told = give(session, codec, request("connect", connect_data(key), 2))
    assert the_reply(codec, told)["status"] == Status.DISALLOWED_USER


def test_it_goes_to_disk_and_back(key: PrivateKey) -> None:
    again = PrivateKey.from_pem(key.to_pem())
    assert again.public == key.public
    assert key.public.verify(b"m", again.sign(b"m"))


def test_its_fingerprint_is_one(key: PrivateKey) -> None:
    assert parse_fingerprint(key.public.fingerprint).startswith("p256:")
    assert is_whole(key.public.fingerprint)


def test_a_command_takes_the_beginning_of_its_fingerprint(key: PrivateKey) -> None:
    beginning = key.public.short_fingerprint
    assert not is_whole(beginning)
    with pytest.raises(UsageError, match="expected a public key, a fingerprint"):
        is_whole(beginning.replace("p256", "p257"))


@pytest.mark.parametrize("change", [slice(0, 63), slice(0, 0)])
def test_a_signature_of_another_length_is_none(key: PrivateKey, change: slice) -> None:
    assert not key.public.verify(b"m", key.sign(b"m")[change])
    assert not key.public.verify(b"m", key.sign(b"m") + b"\0")


def test_a_signature_over_something_else_is_none(key: PrivateKey) -> None:
    assert not key.public.verify(b"n", key.sign(b"m"))


def test_a_key_has_one_spelling(key: PrivateKey) -> None:
    compressed = raw_of(key, serialization.PublicFormat.CompressedPoint, serialization.Encoding.X962)
    bare = raw_of(key, serialization.PublicFormat.UncompressedPoint, serialization.Encoding.X962)
    off_the_curve = encode_base64(bytes(key.public)[:-32] + bytes(32))
    for text in (compressed, bare, off_the_curve):
        with pytest.raises(InvalidKeyError):
            PublicKey(text, NAME)


def test_no_server_signs_such_a_key(key: PrivateKey) -> None:
    assert decode_challenge(key.public.key) is None
    assert decode_challenge(encode_base64(bytes(91))) == bytes(91)
