"""The states of one connection, its budgets and deadlines."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from tests.conform.reference import keys
from tests.conform.reference.encodings import Encoding, MalformedError
from tests.conform.reference.envelopes import BadRequest, Envelopes, Other, Request
from tests.conform.reference.identity import Identity
from tests.conform.reference.negotiation import Negotiation
from tests.conform.reference.replies import Replies


class State(Enum):
    OPEN = auto()
    CHALLENGED = auto()
    CONNECTED = auto()
    DISCONNECTED = auto()


@dataclass(frozen=True)
class Close:
    code: int
    reason: str


Deeds = list[str | bytes | Close]
"""Payloads to send, and perhaps a Close after them."""


class Bucket:
    def __init__(self, burst: float, per_s: float, now: float) -> None:
        self.burst, self.per_s, self.tokens, self.counted_at = burst, per_s, burst, now

    def take(self, now: float) -> bool:
        self.tokens = min(self.burst, self.tokens + (now - self.counted_at) * self.per_s)
        self.counted_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Session:
    """Times are in seconds of Trio's clock."""

    auth_timeout_s = 10.0
    messages_before_auth = 8
    challenges = 3
    messages_per_s = 20.0
    messages_burst = 40
    max_message_bytes_before_auth = 16384
    max_message_bytes = 65536
    control_frames_before_auth = 8
    control_frames_per_min = 60

    def __init__(
        self,
        identity: Identity,
        encoding: Encoding,
        envelopes: Envelopes,
        replies: Replies,
        negotiation: Negotiation,
        now: float,
    ) -> None:
        self.identity = identity
        self.encoding = encoding
        self.envelopes = envelopes
        self.replies = replies
        self.negotiation = negotiation
        self.now = now
        self.state = State.OPEN
        self.deadline = now + self.auth_timeout_s
        self.challenges_left = self.challenges
        self.messages = Bucket(self.messages_burst, self.messages_per_s, now)
        self.control_frames = Bucket(self.control_frames_per_min, self.control_frames_per_min / 60, now)
        self.begin_as_stranger()

    def begin_as_stranger(self) -> None:
        self.messages_left = self.messages_before_auth
        self.control_frames_left = self.control_frames_before_auth

    # What comes in

    def max_bytes(self) -> int:
        return self.max_message_bytes if self.is_connected else self.max_message_bytes_before_auth

    @property
    def is_connected(self) -> bool:
        return self.state is State.CONNECTED

    def spend_control_frame(self, now: float) -> bool:
        if self.is_connected:
            return self.control_frames.take(now)
        self.control_frames_left -= 1
        return self.control_frames_left >= 0

    def receive(self, payload: str | bytes, now: float) -> Deeds:
        self.now = now
        if now >= self.deadline:
            return self.time_out()
        if not self.spend_message():
            return self.over_budget()
        if not isinstance(payload, self.encoding.kind):
            return self.wrong_kind(payload)
        try:
            envelope = self.envelopes.read(self.encoding, payload)
        except MalformedError:
            return self.malformed()
        match envelope:
            case Request():
                return self.take_request(envelope)
            case BadRequest():
                return self.take_bad_request(envelope)
        return self.take_other(envelope)

    def time_out(self) -> Deeds:
        return [Close(1008, "the time to authenticate is over")]

    def too_big(self, now: float) -> Deeds:
        self.now = now
        if not self.spend_message():
            return self.over_budget()
        return [Close(1009, "the message is too big")]

    def over_budget(self) -> Deeds:
        return [Close(1008, "too many messages")]

    def wrong_kind(self, payload: str | bytes) -> Deeds:
        return [Close(1003, "json is text, bson binary")]

    def malformed(self) -> Deeds:
        return [Close(1007, "no valid envelope")]

    def spend_message(self) -> bool:
        if self.is_connected:
            return self.messages.take(self.now)
        self.messages_left -= 1
        return self.messages_left >= 0

    # The table of states

    def take_request(self, request: Request) -> Deeds:
        if not self.answers(request.name):
            return self.ignore()
        actions: dict[str, Callable[[Request], Deeds]] = {
            "challenge": self.challenge,
            "connect": self.connect,
            "disconnect": self.disconnect,
        }
        action = actions.get(request.name)
        return self.reply(request, "invalid_message") if action is None else action(request)

    def take_bad_request(self, request: BadRequest) -> Deeds:
        return self.reply(request, "invalid_message") if self.answers(request.name) else self.ignore()

    def take_other(self, other: Other) -> Deeds:
        return [] if self.is_connected else self.ignore()

    def answers(self, name: str) -> bool:
        if self.is_connected or name in ("challenge", "connect"):
            return True
        return name == "disconnect" and self.state is State.DISCONNECTED

    def ignore(self) -> Deeds:
        return [Close(1008, "connect first")]

    # The requests

    def challenge(self, request: Request) -> Deeds:
        self.challenges_left -= 1
        if self.challenges_left < 0:
            return [Close(1008, "too many challenges")]
        challenge = self.identity.read_challenge(request.data["challenge"])
        if challenge is None:
            return self.reply(request, "invalid_challenge")
        self.challenged()
        return self.reply(request, "success", self.answer_challenge(request, challenge))

    def challenged(self) -> None:
        if self.state is State.OPEN:
            self.state = State.CHALLENGED

    def answer_challenge(self, request: Request, challenge: bytes) -> dict[str, Any]:
        return {"pubkey": self.identity.shown, "challenge_response": self.identity.sign(challenge)}

    def connect(self, request: Request) -> Deeds:
        for check in self.connect_checks():
            status = check(request.data)
            if status is not None:
                return self.refuse_connect(request, status)
        return self.welcome(request)

    def connect_checks(self) -> list[Callable[[dict[str, Any]], str | None]]:
        return [self.check_unconnected, self.check_challenged, self.check_format, self.check_owner, self.check_proof]

    def check_unconnected(self, data: dict[str, Any]) -> str | None:
        return "already_connected" if self.is_connected else None

    def check_challenged(self, data: dict[str, Any]) -> str | None:
        return "invalid_challenge" if self.state is State.OPEN else None

    def check_format(self, data: dict[str, Any]) -> str | None:
        return None if keys.is_known(data["user"]["pubkey"]) else "disallowed_user"

    def check_owner(self, data: dict[str, Any]) -> str | None:
        return "disallowed_user" if self.identity.is_own(data["user"]["pubkey"]) else None

    def check_proof(self, data: dict[str, Any]) -> str | None:
        is_proof = self.identity.is_proof(data["user"]["pubkey"], data["challenge"])
        return None if is_proof else "invalid_challenge"

    def refuse_connect(self, request: Request, status: str) -> Deeds:
        return self.reply(request, status, self.explain(status))

    def explain(self, status: str) -> dict[str, Any]:
        return {"disallowed_user_reason": "no such key here"} if status == "disallowed_user" else {}

    def welcome(self, request: Request) -> Deeds:
        self.state = State.CONNECTED
        self.deadline = math.inf
        return self.reply(request, "success", self.introduce(request.data["client_app"]))

    def introduce(self, client_app: dict[str, Any]) -> dict[str, Any]:
        return {
            "server_app": self.negotiation.app(client_app),
            "server_identity": {
                "pubkey": self.identity.shown,
                "url": "wss://chat.example/ric0_chat",
                "name": "Reference",
            },
        }

    def disconnect(self, request: Request) -> Deeds:
        if self.state is State.DISCONNECTED:
            return self.reply(request, "not_connected")
        self.leave()
        return self.reply(request, "success")

    def leave(self) -> None:
        self.state = State.DISCONNECTED
        self.deadline = self.now + self.auth_timeout_s
        self.begin_as_stranger()

    def reply(self, to: Request | BadRequest, status: str, data: dict[str, Any] | None = None) -> Deeds:
        return [self.encoding.encode(self.replies.build(to, status, data or {}, self.now))]
