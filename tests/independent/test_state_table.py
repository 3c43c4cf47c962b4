"""The table of states, row by row and over TLS: what a real server does with each input in each state."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.independent.client import Client, Envelope, now
from tests.independent.keys import Ed25519UserKey
from tests.independent.serving import Server, running_server

Outcome = str | int | None
"""The status of the reply, or the code of the close, or None when the input is ignored."""

STATES = ("OPEN", "CHALLENGED", "CONNECTED", "DISCONNECTED")


def _envelope(kind: str, name: str, **changes: Any) -> dict[str, Any]:
    plain = {"time": now(), "type": kind, "name": name, "data": {}, "conversation": 100, "status": "success"}
    return plain | changes


ROWS: dict[str, tuple[Callable[[Client], object], tuple[Outcome, Outcome, Outcome, Outcome]]] = {
    "challenge": (
        lambda client: client.send(_envelope("request", "challenge", data={"challenge": "A" * 24})),
        ("success", "success", "success", "success"),
    ),
    "disconnect": (
        lambda client: client.send(_envelope("request", "disconnect")),
        (1008, 1008, "success", "not_connected"),
    ),
    "another request": (
        lambda client: client.send(_envelope("request", "no_such_request")),
        (1008, 1008, "invalid_message", 1008),
    ),
    "a message": (
        lambda client: client.send(_envelope("message", "note")),
        (1008, 1008, None, 1008),
    ),
    "a reply": (
        lambda client: client.send(_envelope("reply", "disconnect")),
        (1008, 1008, None, 1008),
    ),
    "a challenge with bad data": (
        lambda client: client.send(_envelope("request", "challenge", data={"challenge": 5})),
        ("invalid_message", "invalid_message", "invalid_message", "invalid_message"),
    ),
    "a challenge with an odd id": (
        lambda client: client.send(
            _envelope("request", "challenge", data={"challenge": "A" * 24}, conversation=2**32 - 1)
        ),
        ("invalid_message", "invalid_message", "invalid_message", "invalid_message"),
    ),
    "a disconnect without time": (
        lambda client: client.send(_envelope("request", "disconnect", time=None)),
        (1008, 1008, "invalid_message", "invalid_message"),
    ),
    "another request with bad data": (
        lambda client: client.send(_envelope("request", "no_such_request", data=None)),
        (1008, 1008, "invalid_message", 1008),
    ),
    "a request without a usable id": (
        lambda client: client.send(_envelope("request", "challenge", conversation=-2)),
        (1007, 1007, 1007, 1007),
    ),
    "no JSON": (
        lambda client: client.send_raw("{"),
        (1007, 1007, 1007, 1007),
    ),
    "binary where text is due": (
        lambda client: client.send_raw(b"{}"),
        (1003, 1003, 1003, 1003),
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def user() -> Ed25519UserKey:
    return Ed25519UserKey()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("row", ROWS)
def test_row(server: Server, user: Ed25519UserKey, row: str, state: str) -> None:
    send, outcomes = ROWS[row]
    expected = outcomes[STATES.index(state)]
    with server.client() as client:
        _enter(client, user, state)
        send(client)
        if isinstance(expected, int):
            code, reason = client.wait_closed()
            assert code == expected
            assert len(reason.encode()) <= 123
        elif expected is None:
            assert client.disconnect()["status"] == "success"
        else:
            reply = client.receive()
            assert reply["type"] == "reply"
            assert reply["status"] == expected


def test_connect_in_each_state(server: Server, user: Ed25519UserKey) -> None:
    with server.client() as client:
        client.server_key = server.pubkey
        assert client.connect(user)["status"] == "invalid_challenge"
        client.challenge()
        assert client.connect(user)["status"] == "success"
        assert client.connect(user)["status"] == "already_connected"
        client.disconnect()
        assert client.connect(user)["status"] == "success"


def _enter(client: Client, user: Ed25519UserKey, state: str) -> None:
    steps: list[Callable[[], Envelope]] = [client.challenge, lambda: client.connect(user), client.disconnect]
    for step in steps[: STATES.index(state)]:
        assert step()["status"] == "success"
