"""The package against the vectors, and the vectors against the script that makes them, and against `openssl`."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ric0_trio.protocol.codec import BsonCodec, Codec, JsonCodec
from ric0_trio.protocol.errors import DecodeError, InvalidKeyError
from ric0_trio.protocol.keys import PublicKey, decode_challenge
from ric0_trio.protocol.messages import AppInfo, BadRequest, Envelope, Message, Reply, Request
from ric0_trio.protocol.names import name_problem
from ric0_trio.protocol.negotiate import negotiate
from tests.independent import bson
from tests.independent.openssl import assert_verifies
from tests.vectors.cases import Vector
from tests.vectors.make_vectors import FILES, FOLDER, render

CODECS: dict[str, Codec] = {"json": JsonCodec(), "bson": BsonCodec()}


def _load(file: str) -> list[Any]:
    vectors = json.loads((FOLDER / file).read_bytes())["vectors"]
    return [pytest.param(vector, id=vector["id"]) for vector in vectors]


@pytest.mark.parametrize("vector", _load("keys.json"))
def test_keys(vector: Vector) -> None:
    if not vector["valid"]:
        with pytest.raises(InvalidKeyError):
            PublicKey(vector["key"], vector["format"])
        return
    key = PublicKey(vector["key"], vector["format"])
    assert bytes(key) == base64.b64decode(vector["key"])
    assert key.fingerprint == vector.get("fingerprint", key.fingerprint)


@pytest.mark.parametrize("vector", _load("signatures.json"))
def test_signatures(vector: Vector) -> None:
    message, signature = base64.b64decode(vector["message"]), base64.b64decode(vector["signature"])
    assert _verifies(vector["key"], message, signature) == vector["valid"]


def _verifies(key: dict[str, str], message: bytes, signature: bytes) -> bool:
    try:
        return PublicKey(**key).verify(message, signature)
    except InvalidKeyError:
        return False


@pytest.mark.parametrize("vector", _load("challenges.json"))
def test_challenges(vector: Vector) -> None:
    signed = decode_challenge(vector["challenge"])
    assert signed == (base64.b64decode(vector["challenge"]) if vector["acceptable"] else None)


@pytest.mark.parametrize("vector", _load("names.json"))
def test_names(vector: Vector) -> None:
    assert (name_problem(vector["name"]) is None) == vector["acceptable"]


@pytest.mark.parametrize("vector", _load("negotiation.json"))
def test_negotiation(vector: Vector) -> None:
    server, client, agreed = (msgspec.convert(vector[key], AppInfo) for key in ("server", "client", "agreed"))
    assert negotiate(server, client) == agreed


@pytest.mark.parametrize("vector", _load("envelopes.json"))
def test_envelopes(vector: Vector) -> None:
    expected = vector["expected"]
    outcome, found = _decode(vector)
    assert outcome == expected["outcome"], found
    match found:
        case BadRequest(name, conversation):
            assert (name, conversation) == (expected["name"] or "", expected["conversation"])
        case Message() | Request() | Reply():
            meant = expected["message"]
            assert {key: value for key, value in _understood(found).items() if key in meant} == (
                meant if hasattr(found, "data") else {key: value for key, value in meant.items() if key != "data"}
            )


@pytest.mark.parametrize("vector", _load("envelopes.json"))
def test_what_is_sent_for_an_envelope_is_read_the_same_by_others(vector: Vector) -> None:
    meant = vector["expected"].get("message", {})
    if not {"time", "data"} <= meant.keys():
        return
    _, envelope = _decode(vector)
    assert isinstance(envelope, Message | Request | Reply)
    sent = CODECS[vector["encoding"]].encode(envelope)
    read = json.loads(sent) if isinstance(sent, str) else bson.decode(sent)
    assert _without_nulls(read) == meant


def _decode(vector: Vector) -> tuple[str, Envelope | DecodeError]:
    payload: str = vector["payload"]
    try:
        envelope = CODECS[vector["encoding"]].decode(
            base64.b64decode(payload) if vector["encoding"] == "bson" else payload
        )
    except DecodeError as error:
        return "undecodable", error
    return ("bad_request" if isinstance(envelope, BadRequest) else "valid"), envelope


def _understood(envelope: Message | Request | Reply) -> dict[str, Any]:
    time = envelope.time
    try:
        time = time.astimezone(UTC)
    except OverflowError:
        assert time.year in (1, 9999)
    understood: dict[str, Any] = _without_nulls(_plain(envelope))
    return understood | {"type": type(envelope).__name__.lower(), "time": f"{time:%Y-%m-%dT%H:%M:%S.%f}Z"}


def _plain(value: Any) -> Any:
    match value:
        case msgspec.Struct():
            return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case datetime():
            return None
    return value


def _without_nulls(value: Any) -> Any:
    """What the value means: nulls are absent keys, and an absent `patch` is 0."""
    if not isinstance(value, dict):
        return value
    kept = {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return {"patch": 0} | kept if {"major", "minor"} <= kept.keys() else kept


@pytest.mark.parametrize("file", FILES)
def test_the_vectors_are_what_their_script_makes(file: str) -> None:
    assert (FOLDER / file).read_bytes() == render(file)


@pytest.mark.parametrize("vector", [v for v in _load("signatures.json") if v.values[0]["valid"]])
def test_openssl_agrees_with_each_signature_that_is_valid(vector: Vector, tmp_path: Path) -> None:
    message, signature = base64.b64decode(vector["message"]), base64.b64decode(vector["signature"])
    assert_verifies(tmp_path, vector["key"], message, signature)
