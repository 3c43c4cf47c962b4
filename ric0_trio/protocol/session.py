"""`ServerSession`: one connection as the server sees it, with no I/O, clock or randomness of its own.

Inputs come in with `now`, effects go out in order. Here is found out how things turn out; which reply, close and next
state each input leads to, in each state and by each outcome, is looked up in `states.py`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ric0_trio.protocol.answers import check_answer, explain
from ric0_trio.protocol.codec import Codec, size_of
from ric0_trio.protocol.effects import (
    Admit,
    Admitted,
    Close,
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
    UserIdentity,
)
from ric0_trio.protocol.negotiate import negotiate
from ric0_trio.protocol.profile import ServerProfile, SessionLimits
from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.protocol.states import (
    KICKS,
    OUTCOMES,
    TRANSITIONS,
    VERDICTS,
    Action,
    Input,
    Outcome,
    State,
    classify,
)
from ric0_trio.protocol.timeline import Timeline

Effects = tuple[Effect, ...]

# Made and looked up once: every message needs them, and Python 3.11 calls a function to find an enum's member.
_CONNECTED: Final = State.CONNECTED
_CLOSED: Final = State.CLOSED
_DONE: Final = Outcome.DONE
_CHECK: Final = Action.CHECK
_ANSWERED: Final = (Request, BadRequest)
_SIGNING: Final = frozenset({Action.SIGN, Action.SIGN_AGAIN})
_NOTHING: Final = Empty()


class _Asked(msgspec.Struct, frozen=True):
    """The open question: what it is for, since when, and what its answer does."""

    question: Question
    action: Action
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
            return self._act(Input.DEADLINE)
        if not self._spend_message():
            return self._act(Input.OVER_BUDGET)
        if size_of(payload) > self.max_message_bytes:
            return self._act(Input.TOO_BIG)
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
        check_answer(asked.question, result)
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
            return self._act(Input.DEADLINE)
        return self._conclude(self._asked.action, Outcome.LATE, self._asked.request)

    def kick(self, cause: Kick, now: float) -> Effects:
        """Put the client out, in any state: one that is being admitted is reached as well.

        Raises `LocalProtocolError` when the cause has a code that `Kick` does not name.
        """
        self._time.advance(now)
        outcome = KICKS.get(cause.code)
        if outcome is None:
            raise LocalProtocolError(f"a client cannot be put out with the code {cause.code}")
        return self._act(Input.KICK, outcome=outcome, reason=cause.reason)

    def shutdown(self, now: float) -> Effects:
        """End the connection because the server is going away."""
        self._time.advance(now)
        return self._act(Input.SHUTDOWN)

    def connection_lost(self, now: float) -> Effects:
        """Take note that the client is gone, whichever way."""
        self._time.advance(now)
        return self._act(Input.LOST)

    # What it does

    def _act(
        self,
        given: Input,
        envelope: Envelope | None = None,
        outcome: Outcome = _DONE,
        detail: str | None = None,
        reason: str | None = None,
    ) -> Effects:
        if self._state is _CLOSED:
            return ()
        action = TRANSITIONS[given][self._state]
        if action in _SIGNING and isinstance(envelope, Request) and isinstance(envelope.data, ChallengeRequest):
            return self._sign(action, envelope, envelope.data)
        if action is _CHECK and isinstance(envelope, Request) and isinstance(envelope.data, ConnectRequest):
            return self._check(action, envelope, envelope.data)
        return self._conclude(action, outcome, envelope, detail, reason)

    def _sign(self, action: Action, request: Request, data: ChallengeRequest) -> Effects:
        if self._challenges_left == 0:
            return self._conclude(action, Outcome.CHALLENGES_SPENT, request)
        self._challenges_left -= 1
        challenge = decode_challenge(data.challenge)
        if challenge is None:
            return self._conclude(action, Outcome.UNSIGNABLE, request)
        return self._ask(Sign(challenge), action, request, partial(self._signed, action, request))

    def _signed(self, action: Action, request: Request, signature: bytes) -> Effects:
        data = ChallengeReply(self._profile.info.pubkey, encode_base64(signature))
        return self._conclude(action, Outcome.SIGNED, request, data=data)

    def _check(self, action: Action, request: Request, data: ConnectRequest) -> Effects:
        user_key, server_key = data.user.pubkey, self._profile.info.pubkey
        if user_key.format not in self._profile.accepted_key_formats:
            why = RefusalReply(disallowed_user_reason="this server does not accept keys of that format")
            return self._conclude(action, Outcome.FORMAT_NOT_ACCEPTED, request, data=why)
        if user_key == server_key:
            return self._conclude(action, Outcome.OWN_KEY, request)
        signature = decode_base64(data.challenge)
        if signature is None:
            return self._conclude(action, Outcome.PROOF_UNREADABLE, request)
        question = Verify(user_key, bytes(server_key), signature)
        return self._ask(question, action, request, partial(self._verified, action, request, data))

    def _verified(self, action: Action, request: Request, data: ConnectRequest, verified: bool) -> Effects:
        if not verified:
            return self._conclude(action, Outcome.PROOF_WRONG, request)
        question = Admit(data.user, data.client_app, data.join_token)
        return self._ask(question, action, request, partial(self._decided, action, request, data))

    def _decided(self, action: Action, request: Request, data: ConnectRequest, verdict: Verdict) -> Effects:
        if isinstance(verdict, Refused):
            return self._conclude(action, VERDICTS[verdict.status], request, data=explain(verdict))
        welcome = ConnectReply(negotiate(self._profile.app, data.client_app), self._profile.info)
        effects = self._conclude(action, Outcome.ADMITTED, request, data=welcome)
        self._user = data.user
        return effects

    # What they share

    def _spend_message(self) -> bool:
        if self._state is _CONNECTED:
            return self._rate.take(self._time.now)
        self._messages_left -= 1
        return self._messages_left >= 0

    def _ask(self, question: Question, action: Action, request: Request, then: Callable[[Any], Effects]) -> Effects:
        self._asked = _Asked(question, action, request, self._time.now, then)
        return (question,)

    def _conclude(
        self,
        action: Action,
        outcome: Outcome,
        envelope: Envelope | None = None,
        detail: str | None = None,
        reason: str | None = None,
        data: ReplyData = _NOTHING,
    ) -> Effects:
        """Do what the table says. A place is given back first, always: what follows can fail for want of a client."""
        result = OUTCOMES[action][outcome]
        if isinstance(envelope, BadRequest):
            detail = envelope.problem
        effects: Effects = ()
        if result.reply is not None and isinstance(envelope, _ANSWERED):
            reply = Reply(self._time.stamp(), envelope.name, envelope.conversation, result.reply, data)
            effects = (Send(self._codec.encode(reply), envelope.name, result.reply, detail),)
        if result.close is not None:
            effects = (*effects, _complete(result.close, reason, detail))
        if result.state is not None:
            effects = (*self._enter(result.state, envelope), *effects)
        return effects

    def _enter(self, state: State, cause: Envelope | None) -> Effects:
        was_connected = self._state is _CONNECTED
        self._state = state
        self._user = None
        if state is _CONNECTED:
            self._auth_deadline = None
        elif state is State.DISCONNECTED:
            self._auth_deadline = self._time.now + self._limits.auth_timeout_s
            self._messages_left = self._limits.messages_before_auth
        if not was_connected:
            return ()
        match cause:
            case Request(data=DisconnectRequest(reason=parting)):
                return (Release(parting),)
        return (Release(),)


def _complete(close: Close, reason: str | None, detail: str | None) -> Close:
    if reason is not None:
        close = replace(close, reason=clip_close_reason(reason))
    return close if detail is None else replace(close, detail=detail)
