"""The messages that sessions are made of, and a script that puts them one after the other."""

from dataclasses import dataclass, field
from typing import Any

from tests.vectors import ed25519, rsa
from tests.vectors.cases import Vector, as_received, b64, with_trailing_bits
from tests.vectors.conversation_cases import CLIENT_APP, ED25519_SERVER, ED25519_USER, NONCE, SERVER_APP, URL, public

TIME = "2026-01-02T03:04:05.000000Z"
SERVER_BYTES = ED25519_SERVER.public_bytes
SERVER = {
    "private_key": ED25519_SERVER.pem,
    "app": SERVER_APP,
    "info": {"pubkey": public(ED25519_SERVER), "url": URL, "name": "Example"},
}
LIMITS = {
    "auth_timeout_s": 10,
    "answer_timeout_s": 5,
    "messages_before_auth": 8,
    "challenges": 3,
    "messages_per_s": 20,
    "messages_burst": 40,
    "max_message_bytes_before_auth": 16_384,
    "max_message_bytes": 65_536,
}
"""The defaults of docs/protocol.md, "Budgets and deadlines"."""

VERDICTS = (
    "already_connected",
    "disallowed_client",
    "disallowed_user",
    "unrecognised_user",
    "join_token_required",
    "invalid_join_token",
    "unknown_error",
)

WAY: dict[str, tuple[tuple[str, str], ...]] = {
    "OPEN": (),
    "CHALLENGED": (("challenge", "CHALLENGED"),),
    "CONNECTED": (("challenge", "CHALLENGED"), ("connect", "CONNECTED")),
    "DISCONNECTED": (("challenge", "CHALLENGED"), ("connect", "CONNECTED"), ("disconnect", "DISCONNECTED")),
}
"""What brings a new connection to each state."""


def _envelope(kind: str, name: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"time": TIME, "type": kind, "name": name, "data": data} | more


def _request(name: str, data: dict[str, Any], conversation: int = 2) -> dict[str, Any]:
    return _envelope("request", name, data, conversation=conversation)


def _without(envelope: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in envelope.items() if name != key}


def _connect(
    proof: str = b64(ED25519_USER.sign(SERVER_BYTES)),
    pubkey: dict[str, str] | None = None,
    name: str = "Ada",
    kind: str = "user",
) -> dict[str, Any]:
    user = {"name": name, "type": kind, "pubkey": pubkey or public(ED25519_USER), "home_server": public(ED25519_SERVER)}
    return _request("connect", {"client_app": CLIENT_APP, "user": user, "challenge": proof})


_WRONG = b64(ED25519_USER.sign(NONCE))
_UNKNOWN = {"key": b64(b"any bytes"), "format": "x25519-future"}
_RSA_USER = rsa.Key("2048 other")
_ZERO_KEY = public(ED25519_USER) | {"key": b64(ed25519.PREFIX + ed25519.IDENTITY)}
_DISCONNECT = _request("disconnect", {})

ENVELOPES: dict[str, dict[str, Any]] = {
    "challenge": _request("challenge", {"challenge": b64(NONCE)}),
    "short challenge": _request("challenge", {"challenge": b64(bytes(15))}),
    "wide challenge": _request("challenge", {"challenge": b64(NONCE), "x": "\U0001f319" * 4_000}),
    "challenge without data": _without(_request("challenge", {}), "data"),
    "challenge with odd id": _request("challenge", {"challenge": b64(NONCE)}, 2**32 - 1),
    "connect": _connect(),
    "connect with bot": _connect(kind="bot"),
    "connect with RSA": _connect(b64(_RSA_USER.sign(SERVER_BYTES)), public(_RSA_USER)),
    "connect with bad name": _connect(name=" Ada"),
    "connect with unknown format": _connect(pubkey=_UNKNOWN),
    "connect with unknown format and no proof": _connect("no proof", _UNKNOWN),
    "connect with server key": _connect(b64(ED25519_SERVER.sign(SERVER_BYTES)), public(ED25519_SERVER)),
    "connect with server key and wrong proof": _connect(_WRONG, public(ED25519_SERVER)),
    "connect with no base64": _connect("no proof"),
    "connect with unused bits": _connect(with_trailing_bits(b64(ED25519_USER.sign(SERVER_BYTES)))),
    "connect with wrong proof": _connect(_WRONG),
    "connect with proof over text": _connect(b64(ED25519_USER.sign(b64(SERVER_BYTES).encode()))),
    "connect with proof for another": _connect(b64(ED25519_USER.sign(ed25519.Key("a").public_bytes))),
    # The identity as key and as R, and S = 0: right for every message, to those who do not refuse the key.
    "connect with small order": _connect(b64(ed25519.IDENTITY + bytes(32)), _ZERO_KEY),
    "disconnect": _DISCONNECT,
    "disconnect without time": _without(_DISCONNECT, "time"),
    "another request": _request("no_such_request", {}),
    "another request with odd id": _request("no_such_request", {}, 3),
    "request without name": _without(_DISCONNECT, "name"),
    "message": _envelope("message", "note", {}),
    "reply": _envelope("reply", "disconnect", {}, conversation=2, status="success"),
    "request without id": _without(_DISCONNECT, "conversation"),
}

NONSENSE = {"json": {"text": "nonsense"}, "bson": {"binary": b64(b"nonsense")}}

SHOWN = {
    "challenge": "a `challenge` request",
    "short challenge": "a `challenge` request that no server signs",
    "challenge without data": "a `challenge` request without data",
    "challenge with odd id": "a `challenge` request with an odd id",
    "connect": "a `connect` request with a right proof",
    "connect with wrong proof": "a `connect` request with a wrong proof",
    "connect with bad name": "a `connect` request with an ill-formed name",
    "disconnect": "a `disconnect` request",
    "disconnect without time": "a `disconnect` request without time",
    "another request": "a request that the protocol does not define",
    "another request with odd id": "such a request with an odd id",
    "request without name": "a request without a name",
    "message": "a message",
    "reply": "a reply",
    "request without id": "a request without an id",
    "nonsense": "nonsense",
    "other kind": "a good message as text where binary is due, or the reverse",
}
"""How a vector calls what comes."""


@dataclass
class Script:
    """The steps of one connection, as they are written down."""

    encoding: str
    steps: list[dict[str, Any]] = field(default_factory=list)
    now: float = 0

    def vector(self, shows: str) -> Vector:
        return {"shows": shows, "encoding": self.encoding, "steps": self.steps}

    def go_to(self, state: str) -> None:
        for what, then in WAY[state]:
            self.step(what, "success", then)

    def wait(self, until: float, close: int | None, state: str) -> None:
        self._note(until, {}, None, close, state)

    def step(self, what: str, outcome: str | int | None, state: str, *, at: float | None = None, **more: Any) -> None:
        """Receive `what`: the outcome is a reply's status, or the code of a close, or None for neither."""
        reply, close = None, None
        if isinstance(outcome, int):
            close, state = outcome, "CLOSED"
        elif outcome is not None:
            envelope = ENVELOPES[what]
            reply = {"name": envelope.get("name", ""), "conversation": envelope["conversation"], "status": outcome}
        self._note(at, {"receive": self._payload(what), **more}, reply, close, state)

    def allow_ignoring(self, state: str) -> None:
        """Let the last step have no effect, as well as the one that it has; `state` is the one before it."""
        self.steps[-1]["also_right"] = [{"reply": None, "close": None, "state": state}]

    def _note(
        self, at: float | None, more: dict[str, Any], reply: dict[str, Any] | None, close: int | None, state: str
    ) -> None:
        self.now = self.now if at is None else at
        self.steps.append({"at": self.now, "reply": reply, "close": close, "state": state} | more)

    def _payload(self, what: str) -> dict[str, str]:
        other = "bson" if self.encoding == "json" else "json"
        match what:
            case "nonsense":
                return NONSENSE[self.encoding]
            case "nonsense of the other kind":
                return NONSENSE[other]
            case "other kind":
                return as_received(other, ENVELOPES["challenge"])
        return as_received(self.encoding, ENVELOPES[what])
