"""A client for the protocol, written from its description alone, that checks whatever a server can get wrong."""

import json
import re
import secrets
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from tests.independent import bson
from tests.independent.keys import PublicKey, UserKey, from_base64, to_base64, verify
from tests.independent.wire import ClosedError, WebSocket

Envelope = dict[str, Any]
SERVER_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
COMMON_STATUSES = {"success", "invalid_message", "unknown_error"}
STATUSES = {
    "challenge": {"invalid_challenge"},
    "connect": {
        "already_connected",
        "disallowed_client",
        "disallowed_user",
        "invalid_challenge",
        "invalid_join_token",
        "join_token_required",
        "unrecognised_user",
    },
    "disconnect": {"not_connected"},
}
APP: dict[str, Any] = {
    "name": "independent",
    "version": {"type": "dev", "major": 0, "minor": 1},
    "capabilities": ["no-server-has-this"],
    "extensions": {"no-server-has-this": [1, 2]},
}


class ProtocolViolationError(Exception):
    """The server did what the protocol does not allow."""


class Client:
    """One connection. Each step returns the server's whole reply as a dict."""

    def __init__(
        self,
        url: str,
        *,
        ca: Path,
        encoding: str = "json",
        source: str | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Open one, from the address `source`, with further `headers`."""
        self.encoding = encoding
        self.server_key: PublicKey | None = None
        self.nonce = b""
        self._conversation = -2
        self._last_time = ""
        self._socket = WebSocket(url, ca, encoding, source=source, headers=headers)
        if self._socket.subprotocol != encoding:
            raise ProtocolViolationError(f"asked for {encoding}, got {self._socket.subprotocol}")

    def challenge(self, nonce: bytes | None = None) -> Envelope:
        """Have the server prove its key, and remember it."""
        self.nonce = secrets.token_bytes(32) if nonce is None else nonce
        reply = self.request("challenge", {"challenge": to_base64(self.nonce)})
        if reply["status"] == "success":
            key: PublicKey = reply["data"]["pubkey"]
            if not verify(key, self.nonce, from_base64(reply["data"]["challenge_response"])):
                raise ProtocolViolationError("the server does not hold the key that it shows")
            self.server_key = key
        return reply

    def connect(
        self,
        user: UserKey,
        name: str = "Ada",
        *,
        proof: bytes | None = None,
        app: dict[str, Any] = APP,
        join_token: str | None = None,
    ) -> Envelope:
        """Prove the user's key to the server; `proof` stands in for the true one."""
        self.ask_to_connect(user, name, proof=proof, app=app, join_token=join_token)
        return self.receive_reply("connect")

    def ask_to_connect(
        self,
        user: UserKey,
        name: str = "Ada",
        *,
        proof: bytes | None = None,
        app: dict[str, Any] = APP,
        join_token: str | None = None,
    ) -> None:
        """The first half of `connect`."""
        if self.server_key is None:
            raise RuntimeError("challenge() has to succeed first")
        if proof is None:
            proof = user.sign(from_base64(self.server_key["key"]))
        identity = {"name": name, "type": "user", "pubkey": user.public, "home_server": self.server_key}
        data = {"client_app": app, "user": identity, "challenge": to_base64(proof)}
        self.ask("connect", data if join_token is None else data | {"join_token": join_token})

    def disconnect(self, reason: str | None = None) -> Envelope:
        return self.request("disconnect", {} if reason is None else {"reason": reason})

    def request(self, name: str, data: dict[str, Any]) -> Envelope:
        """Send a request in a new conversation, and return the next message, which has to be its reply."""
        self.ask(name, data)
        return self.receive_reply(name)

    def ask(self, name: str, data: dict[str, Any]) -> None:
        """Send a request in a new conversation."""
        self._conversation += 2
        self.send({"time": now(), "type": "request", "name": name, "data": data, "conversation": self._conversation})

    def receive_reply(self, name: str) -> Envelope:
        """Return the next message, which has to be the reply to the last request."""
        reply = self.receive()
        _require(reply["type"] == "reply", reply)
        _require((reply["name"], reply["conversation"]) == (name, self._conversation), reply)
        _require(reply.get("status") in COMMON_STATUSES | STATUSES.get(name, set()), reply)
        return reply

    def send(self, envelope: Envelope) -> None:
        self.send_raw(bson.encode(envelope) if self.encoding == "bson" else json.dumps(envelope))

    def send_raw(self, payload: str | bytes) -> None:
        self._socket.send(payload)

    def receive(self) -> Envelope:
        payload = self.receive_raw()
        _require(isinstance(payload, bytes) == (self.encoding == "bson"), payload)
        envelope = bson.decode(payload) if isinstance(payload, bytes) else json.loads(payload)
        _require(isinstance(envelope, dict), envelope)
        self._check(envelope)
        return dict(envelope)

    def receive_raw(self) -> str | bytes:
        return self._socket.receive()

    @property
    def stream(self) -> socket.socket:
        """The connection itself, for what no client does."""
        return self._socket.stream

    def receive_ping(self) -> None:
        self._socket.receive_ping()

    def wait_for_news(self) -> None:
        """Wait until something has come, and neither read nor answer it."""
        self._socket.wait_for_news()

    def close(self) -> int | None:
        """Close with 1000, and return the code that the server answered with."""
        return self._socket.close(1000)

    def wait_closed(self) -> tuple[int | None, str]:
        """Wait until the server closes, whatever it sends before, and return its code and reason."""
        try:
            while True:
                self.receive_raw()
        except ClosedError as closed:
            return closed.code, closed.reason

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.abandon()

    def _check(self, envelope: Envelope) -> None:
        for key, holds in _RULES.items():
            _require(holds(envelope.get(key)), envelope)
        if envelope["type"] != "message":
            number = envelope.get("conversation")
            _require(type(number) is int and 0 <= number < 2**32, envelope)
        _require(envelope["time"] > self._last_time, envelope)
        self._last_time = envelope["time"]


_RULES: dict[str, Callable[[Any], object]] = {
    "time": lambda value: isinstance(value, str) and SERVER_TIME.fullmatch(value),
    "type": lambda value: value in ("message", "request", "reply"),
    "name": lambda value: isinstance(value, str),
    "data": lambda value: isinstance(value, dict),
}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _require(holds: object, seen: object) -> None:
    if not holds:
        raise ProtocolViolationError(f"the protocol does not allow {seen!r:.300}")
