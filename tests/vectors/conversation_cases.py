"""Whole conversations: every message of both sides, with keys, nonce and times that are fixed.

The first is the worked example of docs/protocol.md, made anew by other means.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.independent import bson
from tests.vectors import ed25519, rsa
from tests.vectors.cases import ED25519, RSA, Vector, b64

ABOUT = (
    "Whole conversations of a client and a server, in order. `payload` is JSON text, or BSON in base64; `message` what "
    "it means. Signatures of both formats are deterministic: with the private keys (PKCS#8) each side can be played. "
    "`verdict` is what the server's access rules say when they are asked; `state` the server's state after its reply."
)
URL = "wss://chat.example/ric0_chat"
INVITATION = "an-invitation"
BEGIN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NONCE = bytes(range(0x40, 0x60))

Key = ed25519.Key | rsa.Key
ED25519_SERVER = ed25519.SeededKey(bytes(range(0x20)).hex())
ED25519_USER = ed25519.SeededKey(bytes(range(0x20, 0x40)).hex())
OTHER_USER = ed25519.Key("another user")
RSA_SERVER = rsa.Key("2048")
RSA_USER = rsa.Key("2048 other")

SERVER_APP = {
    "name": "example-server",
    "version": {"type": "release", "major": 1, "minor": 4, "patch": 2},
    "capabilities": ["files", "history"],
    "extensions": {"polls": [1], "reactions": [1, 2]},
}
CLIENT_APP = {
    "name": "example-client",
    "version": {"type": "beta", "major": 0, "minor": 9},
    "capabilities": ["typing", "files"],
    "extensions": {"reactions": [3, 2, 1]},
}
AGREED = SERVER_APP | {"capabilities": ["files"], "extensions": {"reactions": [2]}}


def public(key: Key) -> dict[str, str]:
    return {"key": b64(key.public_bytes), "format": ED25519 if isinstance(key, ed25519.Key) else RSA}


def vectors() -> list[Vector]:
    return [vector for encoding in ("json", "bson") for vector in _all(encoding)]


def _all(encoding: str) -> list[Vector]:
    return [
        *(
            _usual(shows, _Conversation(encoding, server, user))
            for shows, server, user in (
                ("The worked example of docs/protocol.md.", ED25519_SERVER, ED25519_USER),
                ("A server with an RSA key.", RSA_SERVER, ED25519_USER),
                ("A user with an RSA key.", ED25519_SERVER, RSA_USER),
                ("A server and a user with RSA keys.", RSA_SERVER, RSA_USER),
            )
        ),
        _invited(_Conversation(encoding, ED25519_SERVER, ED25519_USER)),
        _refused_and_gone(_Conversation(encoding, ED25519_SERVER, ED25519_USER)),
        _wrong_proof_first(_Conversation(encoding, ED25519_SERVER, ED25519_USER)),
        _bad_challenge_first(_Conversation(encoding, RSA_SERVER, ED25519_USER)),
        _back_again(_Conversation(encoding, ED25519_SERVER, ED25519_USER)),
    ]


def _usual(shows: str, conversation: "_Conversation") -> Vector:
    conversation.challenge()
    conversation.connect()
    conversation.disconnect("good night")
    return conversation.vector(shows)


def _invited(conversation: "_Conversation") -> Vector:
    conversation.challenge()
    conversation.connect(verdict="join_token_required")
    conversation.connect(verdict="success", join_token=INVITATION)
    conversation.disconnect()
    return conversation.vector("A user who brings a join token at the second attempt.")


def _refused_and_gone(conversation: "_Conversation") -> Vector:
    conversation.challenge()
    conversation.connect(verdict="disallowed_user", reason="Come back on Monday.")
    conversation.connect(verdict="disallowed_client", reason="Too old.")
    conversation.connect(verdict="unrecognised_user")
    return conversation.vector("A user who is refused three times, each time for another reason.")


def _wrong_proof_first(conversation: "_Conversation") -> Vector:
    conversation.challenge()
    conversation.connect(proof=conversation.user_key.sign(NONCE), refused="invalid_challenge")
    conversation.connect()
    return conversation.vector(
        "A client that signs the nonce for a proof, is refused, and then signs the server's key."
    )


def _bad_challenge_first(conversation: "_Conversation") -> Vector:
    conversation.challenge(bytes(15))
    conversation.challenge()
    conversation.connect()
    return conversation.vector("A challenge that is too short, and then a good one.")


def _back_again(conversation: "_Conversation") -> Vector:
    conversation.challenge()
    conversation.connect()
    conversation.disconnect()
    conversation.disconnect(is_connected=False)
    conversation.user_key = OTHER_USER
    conversation.connect()
    return conversation.vector("Disconnected, disconnected again, and connected as another user, without a challenge.")


@dataclass
class _Conversation:
    """Writes down both sides. The client takes half a second for each step, the server a quarter."""

    encoding: str
    server_key: Key
    user_key: Key
    steps: list[dict[str, Any]] = field(default_factory=list)
    now: datetime = BEGIN
    conversation: int = -2
    state: str = "OPEN"

    def vector(self, shows: str) -> Vector:
        return {
            "shows": shows,
            "encoding": self.encoding,
            "server": {"private_key": self.server_key.pem, "app": SERVER_APP, "info": self.info},
            "nonce": b64(NONCE),
            "steps": self.steps,
        }

    @property
    def info(self) -> dict[str, Any]:
        return {"pubkey": public(self.server_key), "url": URL, "name": "Example"}

    def challenge(self, nonce: bytes = NONCE) -> None:
        self._ask("challenge", {"challenge": b64(nonce)})
        if len(nonce) < 16:
            return self._answer("challenge", "invalid_challenge", {})
        data = {"pubkey": public(self.server_key), "challenge_response": b64(self.server_key.sign(nonce))}
        return self._answer("challenge", "success", data, {"OPEN": "CHALLENGED"})

    def connect(
        self,
        *,
        verdict: str = "success",
        reason: str | None = None,
        join_token: str | None = None,
        proof: bytes | None = None,
        refused: str | None = None,
    ) -> None:
        """Connect; `verdict` is the access rules', `refused` the status when they are not asked."""
        user = {
            "name": "Ada",
            "type": "user",
            "pubkey": public(self.user_key),
            "home_server": public(self.server_key),
            "home_server_url": URL,
        }
        challenge = b64(self.user_key.sign(self.server_key.public_bytes) if proof is None else proof)
        token = {} if join_token is None else {"join_token": join_token}
        told = {} if refused else {"verdict": {"status": verdict} | ({} if reason is None else {"reason": reason})}
        data = {"client_app": CLIENT_APP, "user": user, "challenge": challenge} | token
        self._ask("connect", data, private_key=self.user_key.pem, **told)
        status = refused or verdict
        if status == "success":
            welcome = {"server_app": AGREED, "server_identity": self.info}
            return self._answer("connect", status, welcome, {"CHALLENGED": "CONNECTED", "DISCONNECTED": "CONNECTED"})
        return self._answer("connect", status, {} if reason is None else {f"{status}_reason": reason})

    def disconnect(self, reason: str | None = None, *, is_connected: bool = True) -> None:
        self._ask("disconnect", {} if reason is None else {"reason": reason})
        status = "success" if is_connected else "not_connected"
        self._answer("disconnect", status, {}, {"CONNECTED": "DISCONNECTED"})

    def _ask(self, name: str, data: dict[str, Any], **more: Any) -> None:
        self.conversation += 2
        self._step("client", 500, more, type="request", name=name, conversation=self.conversation, data=data)

    def _answer(self, name: str, status: str, data: dict[str, Any], moves: dict[str, str] | None = None) -> None:
        self.state = (moves or {}).get(self.state, self.state)
        more, number = {"state": self.state}, self.conversation
        self._step("server", 250, more, type="reply", name=name, conversation=number, status=status, data=data)

    def _step(self, sender: str, after_ms: int, more: dict[str, Any], **fields: Any) -> None:
        self.now += timedelta(milliseconds=after_ms)
        message = {"time": f"{self.now:%Y-%m-%dT%H:%M:%S.%f}Z", **fields}
        payload = json.dumps(message) if self.encoding == "json" else b64(bson.encode(message))
        self.steps.append({"from": sender, "payload": payload, "message": message} | more)
