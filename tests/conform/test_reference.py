"""The reference server against the published vectors and our own client: what it gets right, a fault can get wrong."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from trio.testing import MockClock

import ric0_trio.client as ours
import tests.vectors
from ric0_trio.protocol import AppInfo, Codec, PrivateKey, SoftwareVersion, available_codecs
from tests.conform.conftest import Tls
from tests.conform.reference import keys, shapes
from tests.conform.reference.encodings import Bson, Encoding, Json, MalformedError
from tests.conform.reference.envelopes import BadRequest, Envelopes
from tests.conform.reference.identity import Identity
from tests.conform.reference.names import is_well_formed_name
from tests.conform.reference.running import running
from tests.independent.keys import ED25519, FORMATS, UserKey, make_key

FOLDER = Path(tests.vectors.__file__).parent
ENCODINGS: dict[str, Encoding] = {"json": Json(), "bson": Bson()}


def load(file: str) -> list[Any]:
    vectors = json.loads((FOLDER / file).read_bytes())["vectors"]
    return [pytest.param(vector, id=f"{vector.get('encoding', '')} {vector['shows']}".strip()) for vector in vectors]


@pytest.mark.parametrize("vector", load("keys.json"))
def test_keys(vector: dict[str, Any]) -> None:
    assert shapes.PUBLIC_KEY({"key": vector["key"], "format": vector["format"]}) == vector["valid"]


@pytest.mark.parametrize("vector", load("signatures.json"))
def test_signatures(vector: dict[str, Any]) -> None:
    message, signature = base64.b64decode(vector["message"]), base64.b64decode(vector["signature"])
    is_good = shapes.PUBLIC_KEY(vector["key"]) and keys.has_signed(vector["key"], message, signature)
    assert is_good == vector["valid"]


@pytest.mark.parametrize("vector", load("challenges.json"))
def test_challenges(vector: dict[str, Any]) -> None:
    is_read = Identity(make_key(ED25519)).read_challenge(vector["challenge"]) is not None
    assert is_read == vector["acceptable"]


@pytest.mark.parametrize("vector", load("names.json"))
def test_names(vector: dict[str, Any]) -> None:
    assert (is_well_formed_name(vector["name"]) and shapes.LABEL(vector["name"])) == vector["acceptable"]


@pytest.mark.parametrize("vector", load("envelopes.json"))
def test_envelopes(vector: dict[str, Any]) -> None:
    encoding, payload = vector["encoding"], vector["payload"]
    expected = vector["expected"]
    try:
        found = Envelopes().read(ENCODINGS[encoding], base64.b64decode(payload) if encoding == "bson" else payload)
    except MalformedError:
        assert expected["outcome"] == "undecodable"
        return
    assert expected["outcome"] == ("bad_request" if isinstance(found, BadRequest) else "valid")
    if isinstance(found, BadRequest):
        assert (found.name, found.conversation) == (expected["name"] or "", expected["conversation"])


@pytest.mark.parametrize("codec", available_codecs(), ids=lambda codec: codec.subprotocol)
@pytest.mark.parametrize("key_format", FORMATS)
async def test_our_client_visits_it(
    codec: Codec, key_format: str, server_keys: dict[str, UserKey], tls: Tls, loopback_clock: MockClock
) -> None:
    app = AppInfo(
        name="visitor",
        version=SoftwareVersion("dev", 0, 1),
        capabilities=["voice", "typing", "files"],
        extensions={"reactions": [3, 2, 1], "polls": [2]},
    )
    async with (
        running(server_keys[key_format], context=tls.server) as url,
        ours.open_chat(
            url,
            ours.Identity(PrivateKey.generate(), "Zoë"),
            app=app,
            known_servers=ours.MemoryKnownServers(),
            ssl_context=tls.client,
            codecs=[codec],
        ) as chat,
    ):
        assert chat.server_identity.pubkey.key == server_keys[key_format].public["key"]
        assert chat.server_app.capabilities == ["files", "voice"]
        assert chat.server_app.extensions == {"reactions": [2]}
        await chat.disconnect("good night")
