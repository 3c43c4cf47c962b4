"""A session, beside what is known of it from docs/protocol.md alone: the third copy of its table, and its clock."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from ric0_trio.protocol import (
    Admit,
    Admitted,
    BadRequest,
    ChallengeRequest,
    Close,
    Codec,
    ConnectRequest,
    DecodeError,
    Effect,
    Envelope,
    Kick,
    LocalProtocolError,
    Refused,
    Release,
    Request,
    Send,
    ServerSession,
    SessionLimits,
    Sign,
    UserIdentity,
    Verdict,
    Verify,
)
from ric0_trio.protocol.keys import decode_base64
from ric0_trio.testing import START, server_profile
from tests.fuzz.rules import outcome_of, time_of
from tests.independent import bson
from tests.protocol.pair import ED25519_PREFIX

LIMITS = SessionLimits(
    auth_timeout_s=10,
    answer_timeout_s=5,
    messages_before_auth=5,
    challenges=2,
    messages_per_s=2,
    messages_burst=6,
    max_message_bytes_before_auth=1500,
    max_message_bytes=2500,
)
PROFILE = server_profile()
TICK_S = 0.125
"""A step of time that floating point adds without error."""


class Watch:
    """Gives inputs to the session, and compares what it tells: each effect by its name, and in its details."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.session = ServerSession(PROFILE, LIMITS, codec, START)
        self.now = START
        self.state = "OPEN"
        self.user: UserIdentity | None = None
        self.question: Sign | Verify | Admit | None = None
        self.request: Request | BadRequest | None = None
        self.asked_at = START
        self.auth_deadline = START + LIMITS.auth_timeout_s
        self.messages_left = LIMITS.messages_before_auth
        self.challenges_left = LIMITS.challenges
        self.tokens: float = LIMITS.messages_burst
        self.earned_at = START
        self.places = 0
        self.last_sent = time_of("0001-01-02T00:00:00Z")

    @property
    def deadline(self) -> float | None:
        if self.state == "CLOSED":
            return None
        if self.question is not None:
            return self.asked_at + LIMITS.answer_timeout_s
        return None if self.state == "CONNECTED" else self.auth_deadline

    @property
    def max_message_bytes(self) -> int:
        is_connected = self.state == "CONNECTED"
        return LIMITS.max_message_bytes if is_connected else LIMITS.max_message_bytes_before_auth

    # What comes in

    def receive(self, payload: str | bytes) -> None:
        if self.state == "CLOSED":
            assert self.session.receive(payload, self.now) == ()
        elif self.question is not None:
            with self.refuses():
                self.session.receive(payload, self.now)
        else:
            envelope = self.decode(payload)
            self.request = envelope if isinstance(envelope, Request | BadRequest) else None
            expected = self.expected_of_size_and_kind(payload) or self.expected_of(envelope)
            self.take(self.session.receive(payload, self.now), expected)

    def answer(self, result: bytes | bool | Verdict) -> None:
        question = self.question
        fits = {Sign: bytes, Verify: bool, Admit: Admitted | Refused}
        if question is None or not isinstance(result, fits[type(question)]):
            with self.refuses():
                self.session.answer(result, self.now)
            return
        was_late = self.deadline is not None and self.now >= self.deadline
        expected = self.expected_of_time() if was_late else self.expected_of_answer(result)
        if isinstance(result, Admitted):
            self.places += 1
            if was_late or self.state == "CLOSED":
                expected = f"R {expected}".strip()
        self.question = None
        if self.state not in ("CLOSED", "CONNECTED"):
            self.auth_deadline += self.now - self.asked_at
        self.take(self.session.answer(result, self.now), expected, result)

    def look_at_the_deadline(self) -> None:
        is_due = self.deadline is not None and self.now >= self.deadline
        expected = self.expected_of_time() if is_due else ""
        self.take(self.session.handle_timeout(self.now), expected)

    def end(self, cause: Kick | Literal["shutdown", "lost"]) -> None:
        expected = ["R"] if self.state == "CONNECTED" else []
        if isinstance(cause, Kick):
            effects = self.session.kick(cause, self.now)
            expected.append(str(int(cause.code)))
        elif cause == "shutdown":
            effects = self.session.shutdown(self.now)
            expected.append("1001")
        else:
            effects = self.session.connection_lost(self.now)
        was_closed = self.state == "CLOSED"
        self.state, self.user = "CLOSED", None
        self.take(effects, "" if was_closed else " ".join(expected))

    def misuse_time(self) -> None:
        self.look_at_the_deadline()
        for earlier in (self.now - TICK_S, float("nan")):
            with self.refuses():
                self.session.handle_timeout(earlier)

    @contextmanager
    def refuses(self) -> Iterator[None]:
        """What is an embedder's mistake raises, and changes nothing."""
        try:
            yield
        except LocalProtocolError:
            self.compare()
        else:
            raise AssertionError("it took what it must not take")

    # What is expected: each effect by its name, as the table has it

    def expected_of_size_and_kind(self, payload: str | bytes) -> str:
        if self.state == "CONNECTED":
            self.tokens = min(LIMITS.messages_burst, self.tokens + (self.now - self.earned_at) * LIMITS.messages_per_s)
            self.earned_at = self.now
            self.tokens -= 1
            is_spent = self.tokens < 0
        elif self.now >= self.auth_deadline:
            return self.closing(1008)
        else:
            self.messages_left -= 1
            is_spent = self.messages_left < 0
        if is_spent:
            return self.closing(1008)
        size = len(payload.encode("utf-8", "surrogatepass") if isinstance(payload, str) else payload)
        if size > self.max_message_bytes:
            return self.closing(1009)
        return "" if isinstance(payload, self.codec.payload_type) else self.closing(1003)

    def expected_of(self, envelope: Envelope | None) -> str:
        is_connected = self.state == "CONNECTED"
        match envelope:
            case None:
                return self.closing(1007)
            case BadRequest(name):
                is_answered = (
                    is_connected
                    or name in ("challenge", "connect")
                    or (name == "disconnect" and self.state == "DISCONNECTED")
                )
                return "invalid_message" if is_answered else self.closing(1008)
            case Request(data=ChallengeRequest(challenge)):
                return self.expected_of_challenge(challenge)
            case Request(data=ConnectRequest() as connect):
                return self.expected_of_connect(connect)
            case Request(name="disconnect") if is_connected:
                self.state, self.user = "DISCONNECTED", None
                self.auth_deadline = self.now + LIMITS.auth_timeout_s
                self.messages_left = LIMITS.messages_before_auth
                return "R success"
            case Request(name="disconnect") if self.state == "DISCONNECTED":
                return "not_connected"
            case Request() if is_connected:
                return "invalid_message"
        return "" if is_connected else self.closing(1008)

    def expected_of_challenge(self, challenge: str) -> str:
        self.challenges_left -= 1
        if self.challenges_left < 0:
            return self.closing(1008)
        message = decode_base64(challenge)
        if message is None or not 16 <= len(message) <= 128 or (len(message) == 44 and message[:12] == ED25519_PREFIX):
            return "invalid_challenge"
        return "Sign"

    def expected_of_connect(self, connect: ConnectRequest) -> str:
        if self.state == "CONNECTED":
            return "already_connected"
        if self.state == "OPEN":
            return "invalid_challenge"
        key = connect.user.pubkey
        if key.format not in PROFILE.accepted_key_formats or key == PROFILE.info.pubkey:
            return "disallowed_user"
        return "invalid_challenge" if decode_base64(connect.challenge) is None else "Verify"

    def expected_of_answer(self, result: bytes | bool | Verdict) -> str:
        if self.state == "CLOSED":
            return ""
        match self.question:
            case Sign():
                self.state = "CHALLENGED" if self.state == "OPEN" else self.state
                return "success"
            case Verify():
                return "Admit" if result else "invalid_challenge"
            case Admit(user):
                if isinstance(result, Refused):
                    return result.status
                self.state, self.user = "CONNECTED", user
        return "success"

    def expected_of_time(self) -> str:
        return self.closing(1008 if self.question is None else 1011)

    def closing(self, code: int) -> str:
        release = "R " if self.state == "CONNECTED" else ""
        self.state, self.user = "CLOSED", None
        return f"{release}{'unknown_error ' if code == 1011 else ''}{code}"

    # What is told

    def take(self, effects: tuple[Effect, ...], expected: str, result: object = None) -> None:
        assert isinstance(effects, tuple)
        told = " ".join(self.name_of(effect, result) for effect in effects)
        assert told == expected, f"told: {told}; expected: {expected}"
        self.compare()

    def name_of(self, effect: Effect, result: object) -> str:
        match effect:
            case Send(payload, name, status):
                self.check_reply(payload, name, status, result)
                return str(status)
            case Close(code, reason):
                assert len(reason.encode()) <= 123
                return str(int(code))
            case Release():
                self.places -= 1
                return "R"
            case Sign() | Verify() | Admit():
                self.check_question(effect)
                self.question, self.asked_at = effect, self.now
        return type(effect).__name__

    def check_reply(self, payload: str | bytes, name: str, status: str | None, result: object) -> None:
        """It answers the last request, is later than whatever was sent before, and a client can read it."""
        assert isinstance(payload, self.codec.payload_type)
        reply: Any = json.loads(payload) if isinstance(payload, str) else bson.decode(payload)
        assert self.request is not None
        assert (reply["type"], reply["status"]) == ("reply", status)
        assert (reply["name"], reply["conversation"]) == (self.request.name, self.request.conversation)
        assert name == reply["name"]
        assert outcome_of(reply | {"name": name or "x"})[0] == "valid"
        if status == "success":
            assert reply["name"] in ("challenge", "connect", "disconnect")
        if isinstance(result, bytes) and status == "success":
            assert decode_base64(reply["data"]["challenge_response"]) == result
        assert re.fullmatch(r".{19}\.\d{6}Z", reply["time"])
        sent = time_of(reply["time"])
        assert sent > self.last_sent
        self.last_sent = sent

    def check_question(self, question: Sign | Verify | Admit) -> None:
        """It asks about what the request says, in order: a user is verified, and then admitted."""
        data = self.request.data if isinstance(self.request, Request) else None
        match question, data:
            case Sign(message), ChallengeRequest(challenge):
                assert message == decode_base64(challenge)
            case Verify(key, message, signature), ConnectRequest() as connect:
                assert (key, message) == (connect.user.pubkey, bytes(PROFILE.info.pubkey))
                assert signature == decode_base64(connect.challenge)
                assert isinstance(question.answer(), bool)
            case Admit(user, client_app, join_token), ConnectRequest() as connect:
                assert (user, client_app, join_token) == (connect.user, connect.client_app, connect.join_token)
            case _:
                raise AssertionError(f"{type(question).__name__} asked for {data!r}")

    def compare(self) -> None:
        session = self.session
        assert session.state.value == self.state
        assert session.question == self.question
        assert session.deadline == self.deadline
        assert session.user == self.user
        assert (session.user is not None) == (self.state == "CONNECTED")
        assert session.max_message_bytes == self.max_message_bytes
        assert self.places == (self.state == "CONNECTED")

    def decode(self, payload: str | bytes) -> Envelope | None:
        if not isinstance(payload, self.codec.payload_type):
            return None
        try:
            return self.codec.decode(payload)
        except DecodeError:
            return None
