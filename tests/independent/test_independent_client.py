"""The real server, over TLS, met by a client that shares no code with it, and by the `openssl` command."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.independent.client import APP, Envelope
from tests.independent.keys import ED25519, FORMATS, UserKey, fingerprint, from_base64, make_key
from tests.independent.openssl import assert_verifies, make_identity, public_bytes
from tests.independent.serving import Server, running_server

GOING_AWAY = 1001


@pytest.fixture(scope="module", params=FORMATS, ids=["server-ed25519", "server-rsa"])
def identity(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_identity(tmp_path_factory.mktemp("identity") / "identity.pem", request.param)


@pytest.fixture(scope="module")
def server(identity: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--identity", str(identity)) as running:
        yield running
        running.ask_to_stop()
        assert running.exit_code() == 0


@pytest.fixture(scope="module", params=FORMATS, ids=["user-ed25519", "user-rsa"])
def user(request: pytest.FixtureRequest) -> UserKey:
    return make_key(request.param)


@pytest.mark.parametrize("encoding", ["json", "bson"])
def test_a_whole_life(server: Server, user: UserKey, encoding: str) -> None:
    with server.client(encoding) as client:
        challenged = client.challenge()
        assert challenged["status"] == "success"
        assert client.server_key == server.pubkey

        forged = user.sign(b"the bytes of some other server's key")
        assert client.connect(user, proof=forged)["status"] == "invalid_challenge"

        _check_welcome(client.connect(user), server)
        assert client.connect(user)["status"] == "already_connected"

        assert client.disconnect("a reason") | {"time": ""} == {
            "time": "",
            "type": "reply",
            "name": "disconnect",
            "data": {},
            "conversation": 8,
            "status": "success",
        }
        assert client.disconnect()["status"] == "not_connected"

        _check_welcome(client.connect(user), server)
        assert client.disconnect()["status"] == "success"
        assert client.close() == 1000


def _check_welcome(reply: Envelope, server: Server) -> None:
    assert reply["status"] == "success", reply
    assert reply["data"]["server_identity"]["pubkey"] == server.pubkey
    app = reply["data"]["server_app"]
    assert set(app["capabilities"]) <= set(APP["capabilities"]) - {"no-server-has-this"}
    assert set(app["extensions"]) <= set(APP["extensions"]) - {"no-server-has-this"}


def test_capabilities_and_extensions_are_those_that_both_have(server: Server) -> None:
    user = make_key(ED25519)
    wanted = APP | {"capabilities": ["zz", "aa", "zz"], "extensions": {"zz": [3, 1], "aa": [1]}}
    with server.client() as client:
        client.challenge()
        app = client.connect(user, app=wanted)["data"]["server_app"]
    assert app["capabilities"] == sorted(set(app["capabilities"]) & {"aa", "zz"})
    assert list(app["extensions"]) == sorted(app["extensions"])
    for name, versions in app["extensions"].items():
        assert len(versions) == 1
        assert versions[0] in wanted["extensions"][name]


def test_openssl_made_the_identity_that_the_server_shows(server: Server, identity: Path) -> None:
    key_format = server.pubkey["format"]
    assert from_base64(server.pubkey["key"]) == public_bytes(identity, key_format)
    assert server.fingerprint == fingerprint(server.pubkey)


def test_openssl_verifies_the_answer_to_a_challenge(server: Server, tmp_path: Path) -> None:
    nonce = bytes(range(16))
    with server.client() as client:
        answered = client.challenge(nonce)["data"]
    assert_verifies(tmp_path, answered["pubkey"], nonce, from_base64(answered["challenge_response"]))


def test_a_challenge_that_is_another_servers_key_is_not_signed(server: Server) -> None:
    stranger = make_key(ED25519)
    with server.client() as client:
        reply = client.challenge(stranger.public_bytes())
    assert (reply["status"], reply["data"]) == ("invalid_challenge", {})


def test_a_stopping_server_says_that_it_goes_away(tmp_path: Path) -> None:
    """And one that is given no identity makes an Ed25519 key for itself, and has the same one when it comes back."""
    with running_server(tmp_path) as first, first.client() as client:
        client.challenge()
        assert client.connect(make_key(ED25519))["status"] == "success"
        first.ask_to_stop()
        assert client.wait_closed()[0] == GOING_AWAY
        assert first.exit_code() == 0
    with running_server(tmp_path) as second, second.client() as client:
        client.challenge()
        assert client.server_key == second.pubkey == first.pubkey
    assert first.pubkey["format"] == ED25519
