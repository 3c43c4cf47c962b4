"""The sessions of the core play the vectors that are whole connections: from both sides, and at each bound."""

import base64
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from ric0_trio.protocol import (
    Admitted,
    AppInfo,
    BsonCodec,
    ClientProfile,
    ClientSession,
    Close,
    Codec,
    Connected,
    ConnectRefused,
    ConnectRequest,
    Disconnected,
    Effect,
    JsonCodec,
    PrivateKey,
    PublicKey,
    Refused,
    Reply,
    Request,
    Send,
    ServerFailed,
    ServerInfo,
    ServerProfile,
    ServerSession,
    ServerVerified,
    SessionLimits,
    State,
    Status,
    Verdict,
)
from ric0_trio.protocol.errors import DecodeError
from ric0_trio.protocol.states import OUTCOMES, TRANSITIONS, classify
from ric0_trio.testing import answer_to
from tests.docs.test_protocol_doc import example_texts
from tests.independent import bson
from tests.vectors.cases import Vector
from tests.vectors.make_vectors import FOLDER

CODECS: dict[str, Codec] = {"json": JsonCodec(), "bson": BsonCodec()}
CONVERSATIONS: list[Vector] = json.loads((FOLDER / "conversations.json").read_bytes())["vectors"]
CLIENTS: dict[str, Any] = json.loads((FOLDER / "clients.json").read_bytes())
SESSIONS: dict[str, Any] = json.loads((FOLDER / "sessions.json").read_bytes())
BEGIN = 1_767_323_045.0


def profile_of(server: dict[str, Any]) -> ServerProfile:
    app, info = msgspec.convert(server["app"], AppInfo), msgspec.convert(server["info"], ServerInfo)
    return ServerProfile(app=app, info=info)


def key_of(pem: str) -> PrivateKey:
    return PrivateKey.from_pem(pem.encode())


def verdict_of(step: dict[str, Any]) -> Verdict:
    told = step.get("verdict", {"status": "success"})
    return Admitted() if told["status"] == "success" else Refused(Status(told["status"]), told.get("reason"))


def settle(
    session: ServerSession | ClientSession, effects: Iterable[Effect], key: PrivateKey, verdict: Verdict, now: float
) -> list[Effect]:
    """Answer what the session asks. Gives what it told, questions left out."""
    told = list(effects)
    while (question := session.question) is not None:
        told.remove(question)
        result: Any = answer_to(question, verdict, key)
        told += session.answer(result, now)
    return told


# Conversations


def moment(step: dict[str, Any]) -> float:
    return datetime.fromisoformat(step["message"]["time"]).timestamp()


def payload_of(vector: Vector, step: dict[str, Any]) -> str | bytes:
    payload: str = step["payload"]
    return base64.b64decode(payload) if vector["encoding"] == "bson" else payload


@pytest.mark.parametrize("vector", CONVERSATIONS, ids=lambda vector: vector["id"])
def test_a_server_answers_as_written(vector: Vector) -> None:
    codec, key = CODECS[vector["encoding"]], key_of(vector["server"]["private_key"])
    session = ServerSession(profile_of(vector["server"]), SessionLimits(), codec, BEGIN)
    for request, reply in zip(vector["steps"][::2], vector["steps"][1::2], strict=True):
        effects = session.receive(payload_of(vector, request), moment(reply))
        told = settle(session, effects, key, verdict_of(request), moment(reply))
        (sent,) = [effect for effect in told if isinstance(effect, Send)]
        assert codec.decode(sent.payload) == codec.decode(payload_of(vector, reply))
        assert session.state is State(reply["state"])


def is_honest(vector: Vector) -> bool:
    """Whether the client makes no mistake, as ours makes none, and is one user's, as ours is."""
    replies = [step["message"] for step in vector["steps"][1::2]]
    return all(reply["status"] not in ("invalid_challenge", "not_connected") for reply in replies)


HONEST = [vector for vector in CONVERSATIONS if is_honest(vector)]


@pytest.mark.parametrize("vector", HONEST, ids=lambda vector: vector["id"])
def test_a_client_asks_as_written(vector: Vector) -> None:
    codec, steps = CODECS[vector["encoding"]], vector["steps"]
    session, key = ClientSession(codec, base64.b64decode(vector["nonce"])), key_of(steps[2]["private_key"])
    for request, reply in zip(steps[::2], steps[1::2], strict=True):
        now, message = moment(request), codec.decode(payload_of(vector, request))
        assert isinstance(message, Request)
        told = settle(session, _begin(session, message, now), key, Admitted(), now)
        (sent,) = [effect for effect in told if isinstance(effect, Send)]
        assert codec.decode(sent.payload) == message
        settle(session, session.receive(payload_of(vector, reply), moment(reply)), key, Admitted(), moment(reply))


def test_most_clients_are_honest() -> None:
    assert len(HONEST) == 12


def _begin(session: ClientSession, message: Request, now: float) -> tuple[Effect, ...]:
    data: Any = message.data
    match message.name:
        case "challenge":
            return session.challenge(now)
        case "connect":
            return session.connect(ClientProfile(user=data.user, app=data.client_app, join_token=data.join_token), now)
    return session.disconnect(data.reason, now)


@pytest.mark.parametrize("vector", CONVERSATIONS, ids=lambda vector: vector["id"])
def test_payloads_mean_their_messages(vector: Vector) -> None:
    for step in vector["steps"]:
        decoded = CODECS[vector["encoding"]].decode(payload_of(vector, step))
        meant = JsonCodec().decode(json.dumps(step["message"]))
        assert isinstance(decoded, Request | Reply)
        assert decoded == meant
        assert decoded.time == datetime.fromisoformat(step["message"]["time"]).astimezone(UTC)


def test_the_first_is_the_worked_example_of_the_document() -> None:
    for step, text in zip(CONVERSATIONS[0]["steps"], example_texts(), strict=True):
        assert JsonCodec().decode(step["payload"]) == JsonCodec().decode(text)


# Clients


@pytest.mark.parametrize("vector", CLIENTS["vectors"], ids=lambda vector: vector["id"])
def test_a_client_does_as_written(vector: Vector) -> None:
    codec, client = CODECS[vector["encoding"]], CLIENTS["client"]
    expected = msgspec.convert(vector["expected_key"], PublicKey) if "expected_key" in vector else None
    session, key = ClientSession(codec, base64.b64decode(CLIENTS["nonce"]), expected), key_of(client["private_key"])
    profile = msgspec.convert({"user": client["user"], "app": client["app"]}, ClientProfile)
    session.challenge(BEGIN)
    for step in vector["steps"]:
        told = settle(session, session.receive(_received(step), BEGIN), key, Admitted(), BEGIN)
        match told:
            case [ServerVerified()]:
                told = settle(session, session.connect(profile, BEGIN), key, Admitted(), BEGIN)
            case [Connected()]:
                told = settle(session, session.disconnect(None, BEGIN), key, Admitted(), BEGIN)
        assert _done(codec, told) == {name: value for name, value in step.items() if name != "receive"}


def _done(codec: Codec, told: list[Effect]) -> dict[str, Any]:
    match told:
        case []:
            return {"does": "ignore"}
        case [ServerFailed(), Close(code=code)]:
            return {"does": "close", "close": code}
        case [ConnectRefused()]:
            return {"does": "refused"}
        case [Disconnected()]:
            return {"does": "done"}
        case [Send(payload=payload)]:
            sent = codec.decode(payload)
            assert isinstance(sent, Request)
            proof = {"proof": sent.data.challenge} if isinstance(sent.data, ConnectRequest) else {}
            return {"does": sent.name} | proof
    raise AssertionError(told)


# Sessions


@pytest.mark.parametrize("vector", SESSIONS["vectors"], ids=lambda vector: vector["id"])
def test_a_session_does_as_written(vector: Vector) -> None:
    codec, key = CODECS[vector["encoding"]], key_of(SESSIONS["server"]["private_key"])
    session = ServerSession(
        profile_of(SESSIONS["server"]), msgspec.convert(SESSIONS["limits"], SessionLimits), codec, 0
    )
    for step in vector["steps"]:
        for _ in range(step.get("repeat", 1)):
            if "receive" in step:
                effects = session.receive(_received(step), step["at"])
            else:
                effects = session.handle_timeout(step["at"])
            told = settle(session, effects, key, verdict_of(step), step["at"])
            assert [effect.code for effect in told if isinstance(effect, Close)] == _one(step["close"])
            assert [_answered(codec, effect) for effect in told if isinstance(effect, Send)] == _one(step["reply"])
            assert session.state is State(step["state"])


def test_to_ignore_is_allowed_where_the_protocol_says_no_more_than_should_of_the_close() -> None:
    for vector in SESSIONS["vectors"]:
        *before, last = vector["steps"]
        assert all("also_right" not in step for step in before), vector["id"]
        if re.match("In [A-Z]+: ", vector["shows"]):
            state = before[-1]["state"] if before else "OPEN"
            allowed = [{"reply": None, "close": None, "state": state}] if may_be_ignored(vector, state) else []
            assert last.get("also_right", []) == allowed, vector["id"]
        else:
            assert "also_right" not in last, vector["id"]


def may_be_ignored(vector: Vector, state: str) -> bool:
    try:
        envelope = CODECS[vector["encoding"]].decode(_received(vector["steps"][-1]))
    except (DecodeError, TypeError):  # nonsense, or the other kind
        return False
    outcome = OUTCOMES[TRANSITIONS[classify(envelope)][State(state)]]
    return any(result.may_stay_open for result in outcome.values())


def test_the_limits_are_the_defaults() -> None:
    assert msgspec.convert(SESSIONS["limits"], SessionLimits) == SessionLimits()


def _received(step: dict[str, Any]) -> str | bytes:
    match step["receive"]:
        case {"binary": str(payload)}:
            return base64.b64decode(payload)
        case {"text": str(text)}:
            padding: str = " " * (step.get("pad_to", 0) - len(text.encode()))
            return text + padding
    raise AssertionError("a message is text or binary")


def _one(expected: Any) -> list[Any]:
    return [] if expected is None else [expected]


def _answered(codec: Codec, sent: Send) -> dict[str, Any]:
    plain = json.loads(sent.payload) if isinstance(sent.payload, str) else bson.decode(sent.payload)
    return {key: plain[key] for key in ("name", "conversation", "status")}
