"""`ServerSession`: one connection as the server sees it, with no I/O, clock or randomness of its own.

Inputs come in with `now`, effects go out in order; what each input does in each state is looked up in `states.py`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec

from ric0_trio.protocol.codec import Codec, size_of
from ric0_trio.protocol.effects import (
    REFUSALS,
    Admit,
    Admitted,
    Close,
    CloseCode,
    Effect,
    Kick,
    Question,
    Refused,
    Release,
    Send,
    Sign,
    Verdict,
    Verify,
    clip_close_reason,
)
from ric0_trio.protocol.errors import DecodeError, LocalProtocolError
from ric0_trio.protocol.keys import decode_base64, decode_challenge, encode_base64
from ric0_trio.protocol.messages import (
    MAX_SENTENCE_CHARS,
    BadRequest,
    ChallengeReply,
    ChallengeRequest,
    ConnectReply,
    ConnectRequest,
    DisconnectRequest,
    Empty,
    Envelope,
    RefusalReply,
    Reply,
    ReplyData,
    Request,
    Status,
    UserIdentity,
)
from ric0_trio.protocol.negotiate import negotiate
from ric0_trio.protocol.profile import ServerProfile, SessionLimits
from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.protocol.states import CLOSES, REFUSES, SUCCESSES, TRANSITIONS, Action, Input, State, answers, classify
from ric0_trio.protocol.timeline import Timeline

Effects = tuple[Effect, ...]

# Made and looked up once: every message needs them, and Python 3.11 calls a function to find an enum's member.
_CONNECTED: Final = State.CONNECTED
_CLOSED: Final = State.CLOSED
_NOTHING: Final = Empty()


class _Asked(msgspec.Struct, frozen=True):
    """The open question: what it is for, since when, and what its answer does."""

    question: Question
    request: Request
    at: float
    then: Callable[[Any], Effects]


class ServerSession:
    """The states, deadlines and budgets of one connection.

    `now`, everywhere, is in seconds since the epoch, on a clock that does not step back. Every method that returns
    effects wants them carried out before the next call. `LocalProtocolError` is raised for misuse, never for input.
    """

    def __init__(self, profile: ServerProfile, limits: SessionLimits, codec: Codec, now: float) -> None:
        """Begin at `now`, when the 101 answer was sent: the deadline to authenticate counts from there."""
        self._profile = profile
        self._limits = limits
        self._codec = codec
        self._state = State.OPEN
        self._user: UserIdentity | None = None
        self._time = Timeline(now)
        self._auth_deadline: float | None = now + limits.auth_timeout_s
        self._messages_left = limits.messages_before_auth
        self._challenges_left = limits.challenges
        self._rate = TokenBucket(limits.messages_burst, limits.messages_per_s, now)
        self._asked: _Asked | None = None

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return self._state

    @property
    def user(self) -> UserIdentity | None:
        """Who is connected; None unless the state is `CONNECTED`."""
        return self._user

    @property
    def question(self) -> Question | None:
        """The question that waits for `answer`, if any. One that outlives the connection still wants its answer."""
        return None if self._asked is None else self._asked.question

    @property
    def deadline(self) -> float | None:
        """When `handle_timeout` is to be called, if nothing else comes before; None for never."""
        if self._state is _CLOSED:
            return None
        if self._asked is not None:
            return self._asked.at + self._limits.answer_timeout_s
        return self._auth_deadline

    @property
    def max_message_bytes(self) -> int:
        """The largest message that is taken now: what reads for this session need not buffer more."""
        if self._state is _CONNECTED:
            return self._limits.max_message_bytes
        return self._limits.max_message_bytes_before_auth

    # What comes in

    def receive(self, payload: str | bytes, now: float) -> Effects:
        """Take one whole WebSocket message: `str` for text, `bytes` for binary. Nothing in it raises.

        Raises `LocalProtocolError` while a question is open: nothing is to be read from the client then.
        """
        self._time.advance(now)
        if self._state is _CLOSED:
            return ()
        if self._asked is not None:
            name = type(self._asked.question).__name__
            raise LocalProtocolError(f"received a message while {name} waits for its answer")
        if self._auth_deadline is not None and now >= self._auth_deadline:
            return self._act(Input.DEADLINE, limit="auth_timeout_s")
        is_connected = self._state is _CONNECTED
        if not self._spend_message():
            return self._act(Input.OVER_BUDGET, limit="messages_per_s" if is_connected else "messages_before_auth")
        if size_of(payload) > self.max_message_bytes:
            limit = "max_message_bytes" if is_connected else "max_message_bytes_before_auth"
            return self._act(Input.TOO_BIG, limit=limit)
        if not isinstance(payload, self._codec.payload_type):
            return self._act(Input.WRONG_KIND)
        try:
            envelope = self._codec.decode(payload)
        except DecodeError as error:
            return self._act(Input.UNDECODABLE, detail=str(error))
        return self._act(classify(envelope), envelope)

    def answer(self, result: bytes | bool | Verdict, now: float) -> Effects:
        """Take the answer to the open question: bytes to `Sign`, a bool to `Verify`, a `Verdict` to `Admit`.

        An answer that comes after the connection's end is taken too: it may be a place to give back.
        Raises `LocalProtocolError` when no question is open, or the answer is of another kind.
        """
        self._time.advance(now)
        asked = self._asked
        if asked is None:
            raise LocalProtocolError("answered, but no question is open")
        _check_answer(asked.question, result)
        timed_out = self.handle_timeout(now)
        self._asked = None
        if self._state is _CLOSED:
            return (Release(), *timed_out) if isinstance(result, Admitted) else timed_out
        if self._auth_deadline is not None:
            self._auth_deadline += now - asked.at
        return asked.then(result)

    def handle_timeout(self, now: float) -> Effects:
        """Act on a deadline that has passed. Called too early or too late, it gives nothing."""
        self._time.advance(now)
        deadline = self.deadline
        if deadline is None or now < deadline:
            return ()
        if self._asked is None:
            return self._act(Input.DEADLINE, limit="auth_timeout_s")
        failed = self._reply(self._asked.request, Status.UNKNOWN_ERROR)
        close = Close(CloseCode.INTERNAL_ERROR, "the server could not answer in time", limit="answer_timeout_s")
        # A place is given back first, always: what follows can fail for want of a client.
        return (*self._end(), failed, close)

    def kick(self, cause: Kick, now: float) -> Effects:
        """Put the client out, in any state: one that is being admitted is reached as well."""
        self._time.advance(now)
        return self._close(cause.code, cause.reason)

    def shutdown(self, now: float) -> Effects:
        """End the connection because the server is going away."""
        self._time.advance(now)
        return self._close(CloseCode.GOING_AWAY, "the server is going away")

    def connection_lost(self, now: float) -> Effects:
        """Take note that the client is gone, whichever way."""
        self._time.advance(now)
        return self._end()

    # What it does

    def _act(
        self, given: Input, envelope: Envelope | None = None, *, detail: str | None = None, limit: str | None = None
    ) -> Effects:
        action = TRANSITIONS[given][self._state]
        if isinstance(envelope, BadRequest) and action is Action.REFUSE_INVALID_IF_ANSWERED:
            answered = answers(self._state, envelope.name)
            action = Action.REFUSE_INVALID if answered else Action.CLOSE_UNAUTHENTICATED
            detail = envelope.problem
        if action in CLOSES:
            return self._close(*CLOSES[action], detail, limit)
        if action in REFUSES and isinstance(envelope, Request | BadRequest):
            return (self._reply(envelope, REFUSES[action]),)
        match envelope:
            case Request(data=ChallengeRequest() as challenge) if action is Action.SIGN:
                return self._challenged(envelope, challenge)
            case Request(data=ConnectRequest() as connect) if action is Action.CHECK:
                return self._check_connect(envelope, connect)
            case Request(data=DisconnectRequest() as leave) if action is Action.LEAVE:
                return self._leave(envelope, leave)
        return ()  # Action.IGNORE

    def _challenged(self, request: Request, data: ChallengeRequest) -> Effects:
        if self._challenges_left == 0:
            return self._act(Input.OVER_BUDGET, limit="challenges")
        self._challenges_left -= 1
        challenge = decode_challenge(data.challenge)
        if challenge is None:
            return (self._reply(request, Status.INVALID_CHALLENGE),)
        return self._ask(Sign(challenge), request, partial(self._challenge_signed, request))

    def _challenge_signed(self, request: Request, signature: bytes) -> Effects:
        if self._state is State.OPEN:
            self._state = SUCCESSES[Action.SIGN]
        data = ChallengeReply(self._profile.info.pubkey, encode_base64(signature))
        return (self._reply(request, Status.SUCCESS, data),)

    def _check_connect(self, request: Request, data: ConnectRequest) -> Effects:
        user_key, server_key = data.user.pubkey, self._profile.info.pubkey
        if user_key.format not in self._profile.accepted_key_formats:
            why = RefusalReply(disallowed_user_reason="this server does not accept keys of that format")
            return (self._reply(request, Status.DISALLOWED_USER, why),)
        if user_key == server_key:
            return (self._reply(request, Status.DISALLOWED_USER),)
        signature = decode_base64(data.challenge)
        if signature is None:
            return (self._reply(request, Status.INVALID_CHALLENGE),)
        question = Verify(user_key, bytes(server_key), signature)
        return self._ask(question, request, partial(self._proof_verified, request, data))

    def _proof_verified(self, request: Request, data: ConnectRequest, verified: bool) -> Effects:
        if not verified:
            return (self._reply(request, Status.INVALID_CHALLENGE),)
        question = Admit(data.user, data.client_app, data.join_token)
        return self._ask(question, request, partial(self._verdict_given, request, data))

    def _verdict_given(self, request: Request, data: ConnectRequest, verdict: Verdict) -> Effects:
        if isinstance(verdict, Refused):
            return (self._reply(request, verdict.status, _explain(verdict)),)
        self._state = SUCCESSES[Action.CHECK]
        self._user = data.user
        self._auth_deadline = None
        welcome = ConnectReply(negotiate(self._profile.app, data.client_app), self._profile.info)
        return (self._reply(request, Status.SUCCESS, welcome),)

    def _leave(self, request: Request, data: DisconnectRequest) -> Effects:
        self._state = SUCCESSES[Action.LEAVE]
        self._user = None
        self._auth_deadline = self._time.now + self._limits.auth_timeout_s
        self._messages_left = self._limits.messages_before_auth
        return Release(data.reason), self._reply(request, Status.SUCCESS)

    # What they share

    def _spend_message(self) -> bool:
        if self._state is _CONNECTED:
            return self._rate.take(self._time.now)
        self._messages_left -= 1
        return self._messages_left >= 0

    def _ask(self, question: Question, request: Request, then: Callable[[Any], Effects]) -> Effects:
        self._asked = _Asked(question, request, self._time.now, then)
        return (question,)

    def _reply(self, to: Request | BadRequest, status: Status, data: ReplyData | None = None) -> Send:
        reply = Reply(self._time.stamp(), to.name, to.conversation, status, data or _NOTHING)
        detail = to.problem if isinstance(to, BadRequest) else None
        return Send(self._codec.encode(reply), to.name, status, detail)

    def _close(self, code: CloseCode, reason: str, detail: str | None = None, limit: str | None = None) -> Effects:
        if self._state is _CLOSED:
            return ()
        return (*self._end(), Close(code, clip_close_reason(reason), detail, limit))

    def _end(self) -> Effects:
        was_connected = self._state is _CONNECTED
        self._state = _CLOSED
        self._user = None
        return (Release(),) if was_connected else ()


_ANSWERS: Final[dict[type[Question], tuple[type, ...]]] = {
    Sign: (bytes,),
    Verify: (bool,),
    Admit: (Admitted, Refused),
}


def _check_answer(question: Question, result: bytes | bool | Verdict) -> None:
    if not isinstance(result, _ANSWERS[type(question)]):
        raise LocalProtocolError(f"{type(result).__name__} is no answer to {type(question).__name__}")
    if isinstance(result, Refused) and result.status not in REFUSALS:
        raise LocalProtocolError(f"`connect` cannot be refused with {result.status}")


def _explain(verdict: Refused) -> RefusalReply:
    reason = verdict.reason and verdict.reason[:MAX_SENTENCE_CHARS]
    match verdict.status:
        case Status.DISALLOWED_CLIENT:
            return RefusalReply(disallowed_client_reason=reason)
        case Status.DISALLOWED_USER:
            return RefusalReply(disallowed_user_reason=reason)
    return RefusalReply()
