"""The table of states, row by row and over TLS: what a real server does with each input in each state.

Each name begins with the number of the row in docs/protocol.md. What takes an operator's hand is in
`test_connect_statuses`.
"""

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
    "S3 challenge": (
        lambda client: client.send(_envelope("request", "challenge", data={"challenge": "A" * 24})),
        ("success", "success", "success", "success"),
    ),
    "S20 disconnect": (
        lambda client: client.send(_envelope("request", "disconnect")),
        (1008, 1008, "success", "not_connected"),
    ),
    "S22 another request": (
        lambda client: client.send(_envelope("request", "no_such_request")),
        (1008, 1008, "invalid_message", 1008),
    ),
    "S24 a message": (
        lambda client: client.send(_envelope("message", "note")),
        (1008, 1008, None, 1008),
    ),
    "S25 a reply": (
        lambda client: client.send(_envelope("reply", "disconnect")),
        (1008, 1008, None, 1008),
    ),
    "S5 a challenge with bad data": (
        lambda client: client.send(_envelope("request", "challenge", data={"challenge": 5})),
        ("invalid_message", "invalid_message", "invalid_message", "invalid_message"),
    ),
    "S5 a challenge with an odd id": (
        lambda client: client.send(
            _envelope("request", "challenge", data={"challenge": "A" * 24}, conversation=2**32 - 1)
        ),
        ("invalid_message", "invalid_message", "invalid_message", "invalid_message"),
    ),
    "S21 a disconnect without time": (
        lambda client: client.send(_envelope("request", "disconnect", time=None)),
        (1008, 1008, "invalid_message", "invalid_message"),
    ),
    "S23 another request with bad data": (
        lambda client: client.send(_envelope("request", "no_such_request", data=None)),
        (1008, 1008, "invalid_message", 1008),
    ),
    "S26 a request without a usable id": (
        lambda client: client.send(_envelope("request", "challenge", conversation=-2)),
        (1007, 1007, 1007, 1007),
    ),
    "S26 no JSON": (
        lambda client: client.send_raw("{"),
        (1007, 1007, 1007, 1007),
    ),
    "S27 binary where text is due": (
        lambda client: client.send_raw(b"{}"),
        (1003, 1003, 1003, 1003),
    ),
    "S2 a challenge that is none to be signed": (
        lambda client: client.send(_envelope("request", "challenge", data={"challenge": "no base64"})),
        ("invalid_challenge", "invalid_challenge", "invalid_challenge", "invalid_challenge"),
    ),
    "S19 a connect with bad data": (
        lambda client: client.send(_envelope("request", "connect")),
        ("invalid_message", "invalid_message", "invalid_message", "invalid_message"),
    ),
    "S23 a request without a name": (
        lambda client: client.send(_envelope("request", "")),
        (1008, 1008, "invalid_message", 1008),
    ),
    "S28 a message that is too big for anyone": (
        lambda client: client.send(_envelope("message", "note", data={"text": "x" * 65536})),
        (1009, 1009, 1009, 1009),
    ),
}
FORGED = b"f" * 64
CONNECTS: dict[str, tuple[bytes | None, tuple[str, str, str, str]]] = {
    "S9 a forged proof": (FORGED, ("invalid_challenge", "invalid_challenge", "already_connected", "invalid_challenge")),
    "S17 a true proof": (None, ("invalid_challenge", "success", "already_connected", "success")),
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


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("row", CONNECTS)
def test_connect(server: Server, user: Ed25519UserKey, row: str, state: str) -> None:
    proof, statuses = CONNECTS[row]
    with server.client() as client:
        _enter(client, user, state)
        client.server_key = server.pubkey
        assert client.connect(user, proof=proof)["status"] == statuses[STATES.index(state)]


@pytest.mark.parametrize("state", STATES)
def test_a_challenge_too_many(server: Server, user: Ed25519UserKey, state: str) -> None:
    """S1: with 3 in a connection's life, the next is closed with 1008."""
    with server.client() as client:
        _enter(client, user, state)
        for _ in range(3 if state == "OPEN" else 2):
            client.request("challenge", {"challenge": "no base64"})
        client.send(_envelope("request", "challenge", data={"challenge": "A" * 24}))
        assert client.wait_closed()[0] == 1008


def _enter(client: Client, user: Ed25519UserKey, state: str) -> None:
    steps: list[Callable[[], Envelope]] = [client.challenge, lambda: client.connect(user), client.disconnect]
    for step in steps[: STATES.index(state)]:
        assert step()["status"] == "success"
