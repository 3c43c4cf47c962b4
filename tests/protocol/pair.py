"""Who takes part in the tests of the core, and two sessions wired back to back in memory."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from ric0_trio.protocol import (
    Admit,
    Admitted,
    AppInfo,
    ClientProfile,
    ClientSession,
    Close,
    Codec,
    Effect,
    JsonCodec,
    PrivateKey,
    PublicKey,
    Send,
    ServerInfo,
    ServerProfile,
    ServerSession,
    SessionLimits,
    Sign,
    SoftwareVersion,
    State,
    UserIdentity,
    Verdict,
    Verify,
    available_codecs,
)

CODECS = {codec.subprotocol: codec for codec in available_codecs()}
START = 1_700_000_000.0
START_TEXT = "2023-11-14T22:13:20Z"
NONCE = bytes(range(32))
ADMITTED = Admitted()
RSA_FORMAT = "rsa-sha256-oaepsha256-pkcs1"
ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")

Plain = dict[str, Any]


# Who takes part


def pem_of(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@cache
def rsa_secret(bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(exponent, bits)


@cache
def rsa_key() -> PrivateKey:
    return PrivateKey.from_pem(pem_of(rsa_secret()))


def ed25519_key(seed: int) -> PrivateKey:
    """Keys of known seeds, so that a transcript of a failure can be run again."""
    return PrivateKey.from_pem(pem_of(ed25519.Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)))


SERVER_KEY = ed25519_key(1)
USER_KEY = ed25519_key(2)
HOME_KEY = ed25519_key(3)

SERVER_APP = AppInfo(
    name="server",
    version=SoftwareVersion("release", 1, 2),
    capabilities=["voice", "history", "files"],
    extensions={"org.example.poll": [1, 2, 3], "org.example.map": [1]},
)
CLIENT_APP = AppInfo(
    name="client",
    version=SoftwareVersion("beta", 0, 9, 1),
    capabilities=["files", "stickers", "history"],
    extensions={"org.example.poll": [2, 3, 4], "org.example.map": [2], "org.example.call": [1]},
)


def server_profile(key: PublicKey = SERVER_KEY.public, **changes: Any) -> ServerProfile:
    info = ServerInfo(pubkey=key, url="wss://chat.example/ric0_chat", name="Example")
    return ServerProfile(app=SERVER_APP, info=info, **changes)


def user(key: PublicKey = USER_KEY.public, name: str = "Zoë") -> UserIdentity:
    return UserIdentity(name=name, type="user", pubkey=key, home_server=HOME_KEY.public)


# What travels, made without the codecs under test


def pack(codec: Codec, plain: object) -> str | bytes:
    """Encode any object as a payload of the codec's kind, valid as an envelope or not."""
    if isinstance(codec, JsonCodec):
        return msgspec.json.encode(plain).decode()
    import bson  # an optional dependency: only a BsonCodec needs it

    return bson.encode(msgspec.to_builtins(plain))


def unpack(codec: Codec, payload: str | bytes) -> Plain:
    if isinstance(codec, JsonCodec):
        return msgspec.json.decode(payload, type=Plain)
    import bson

    assert isinstance(payload, bytes)
    return bson.decode(payload)


def request(name: str, data: object, conversation: int = 0, **changes: object) -> Plain:
    plain = {"time": START_TEXT, "type": "request", "name": name, "conversation": conversation, "data": data}
    return {**plain, **changes}


def without(plain: Plain, *keys: str) -> Plain:
    return {key: value for key, value in plain.items() if key not in keys}


def challenge_data(message: bytes = NONCE) -> Plain:
    return {"challenge": base64_of(message)}


def connect_data(
    user_key: PrivateKey = USER_KEY, server_key: PublicKey = SERVER_KEY.public, **changes: object
) -> Plain:
    proof = base64_of(user_key.sign(bytes(server_key)))
    return {"client_app": CLIENT_APP, "user": user(user_key.public), "challenge": proof, **changes}


def base64_of(raw: bytes) -> str:
    return str(msgspec.to_builtins(raw))


# One server session, its client played by the test


def server(codec: Codec, profile: ServerProfile | None = None, **limits: Any) -> ServerSession:
    return ServerSession(profile or server_profile(), SessionLimits(**limits), codec, START)


def answer_to(question: object, verdict: Verdict = ADMITTED, key: PrivateKey = SERVER_KEY) -> Any:
    match question:
        case Sign():
            return question.answer(key)
        case Verify():
            return question.answer()
    assert isinstance(question, Admit)
    return verdict


def settle(session: ServerSession, effects: Iterable[Effect], now: float, verdict: Verdict = ADMITTED) -> list[Effect]:
    """Answer questions until there is none, and give all that the session told meanwhile."""
    told = list(effects)
    while session.question is not None:
        told.remove(session.question)
        told += session.answer(answer_to(session.question, verdict), now)
    return told


def give(session: ServerSession, codec: Codec, plain: object, now: float = START) -> list[Effect]:
    """Let the session receive one message, and answer what it asks."""
    return settle(session, session.receive(pack(codec, plain), now), now)


CHALLENGE = request("challenge", challenge_data())
CONNECT = request("connect", connect_data(), 2)
DISCONNECT = request("disconnect", {}, 4)

WAY_TO = {
    State.OPEN: (),
    State.CHALLENGED: (CHALLENGE,),
    State.CONNECTED: (CHALLENGE, CONNECT),
    State.DISCONNECTED: (CHALLENGE, CONNECT, DISCONNECT),
}
LIVE_STATES = tuple(WAY_TO)


def server_in(state: State, codec: Codec, profile: ServerProfile | None = None, **limits: Any) -> ServerSession:
    """Bring a new server session into `state`, the way a client would, at `START`."""
    session = server(codec, profile, **limits)
    if state is State.CLOSED:
        session.connection_lost(START)
        return session
    for plain in WAY_TO[state]:
        give(session, codec, plain)
    assert session.state is state
    return session


def the_reply(codec: Codec, effects: Iterable[Effect]) -> Plain:
    """Decode the one message that was sent."""
    (payload,) = [effect.payload for effect in effects if isinstance(effect, Send)]
    return unpack(codec, payload)


# Two sessions back to back


@dataclass
class Side:
    """A session, what it signs with, what is on its way to it, and all that it has told."""

    session: ServerSession | ClientSession
    key: PrivateKey
    inbox: deque[str | bytes | None] = field(default_factory=deque)
    """Payloads, oldest first; None is the end of the connection."""
    told: list[Effect] = field(default_factory=list)


class Pair:
    """A client's and a server's session, with a wire between them and one clock that the test moves."""

    def __init__(
        self,
        codec: Codec,
        *,
        server_key: PrivateKey = SERVER_KEY,
        user_key: PrivateKey = USER_KEY,
        join_token: str | None = None,
        expected_key: PublicKey | None = None,
        verdict: Verdict = ADMITTED,
        **limits: Any,
    ) -> None:
        self.now = START
        self.verdict = verdict
        self.admissions: list[Admit] = []
        self.profile = ClientProfile(user=user(user_key.public), app=CLIENT_APP, join_token=join_token)
        self.client = ClientSession(codec, NONCE, expected_key)
        self.server = ServerSession(server_profile(server_key.public), SessionLimits(**limits), codec, START)
        self.client_side = Side(self.client, user_key)
        self.server_side = Side(self.server, server_key)

    def other(self, side: Side) -> Side:
        return self.server_side if side is self.client_side else self.client_side

    def carry_out(self, side: Side, effects: Iterable[Effect]) -> None:
        for effect in effects:
            side.told.append(effect)
            match effect:
                case Send(payload):
                    self.other(side).inbox.append(payload)
                case Close():
                    self.other(side).inbox.append(None)
                case Admit():
                    self.admissions.append(effect)

    def deliver(self, side: Side) -> None:
        """Let a side that asks nothing take the oldest thing on its way to it."""
        payload = side.inbox.popleft()
        if payload is None:
            self.carry_out(side, side.session.connection_lost(self.now))
        else:
            self.carry_out(side, side.session.receive(payload, self.now))

    def answer(self, side: Side) -> None:
        """Answer the open question of a side."""
        result = answer_to(side.session.question, self.verdict, side.key)
        self.carry_out(side, side.session.answer(result, self.now))

    def settle(self) -> None:
        """Deliver and answer until nothing is in flight."""
        sides = (self.client_side, self.server_side)
        while busy := [side for side in sides if side.session.question or side.inbox]:
            for side in busy:
                if side.session.question:
                    self.answer(side)
                else:
                    self.deliver(side)

    # A client's whole exchanges

    def challenge(self) -> Effect:
        return self._exchange(self.client.challenge(self.now))

    def connect(self) -> Effect:
        return self._exchange(self.client.connect(self.profile, self.now))

    def disconnect(self, reason: str | None = None) -> Effect:
        return self._exchange(self.client.disconnect(reason, self.now))

    def _exchange(self, effects: Iterable[Effect]) -> Effect:
        """Run to quiet, and give the last thing that the client told."""
        self.carry_out(self.client_side, effects)
        self.settle()
        return self.client_side.told[-1]
