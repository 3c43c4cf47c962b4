"""The states of a connection as the server sees it, and what each input leads to: the tables are the source.

    TRANSITIONS[input][state]    the action: what the session does with an input
    OUTCOMES[action][outcome]    the result: the reply, the close and the next state, by how the action turned out

Rules of this file:

- Every reply, every close and every next state of `ServerSession` is looked up here, and written nowhere else. The
  table in docs/protocol.md and the picture beside it are made from here.
- An action that leaves nothing to find out has one outcome, `DONE`. One that does has the others, in the order in
  which they are looked for: of several that hold, the first counts.
- Actions of different states that stand in one row of `TRANSITIONS` have the same outcomes, or `DONE` alone.
- `CLOSED` has no column: there, every input gives nothing.
- Inputs, and an action's outcomes, are in the documents' order. Their numbers there are cited by others: what is new
  goes to the end of its table, or is known to renumber what follows.
"""

from enum import Enum
from typing import Final

import msgspec

from ric0_trio.protocol.effects import Close, CloseCode
from ric0_trio.protocol.messages import BadRequest, Envelope, Message, Request, Status


class _Looked(Enum):
    """An enum that is looked up by: a member is itself alone, and Enum's own hash is a call of Python's."""

    __hash__ = object.__hash__


class State(_Looked):
    """Where a connection stands."""

    OPEN = "OPEN"
    """The WebSocket is open; nobody has proved anything."""
    CHALLENGED = "CHALLENGED"
    """The server has proved its identity."""
    CONNECTED = "CONNECTED"
    """The user has proved theirs, and was let in."""
    DISCONNECTED = "DISCONNECTED"
    """The user has left with `disconnect`; they may `connect` again."""
    CLOSED = "CLOSED"
    """The connection is over."""


class Input(_Looked):
    """What a session can be given, after decoding. The value is how the documents call it."""

    CHALLENGE = "`challenge` request"
    BAD_CHALLENGE = "bad `challenge` request"
    CONNECT = "`connect` request"
    BAD_CONNECT = "bad `connect` request"
    DISCONNECT = "`disconnect` request"
    BAD_DISCONNECT = "bad `disconnect` request"
    OTHER_REQUEST = "another request"
    BAD_OTHER_REQUEST = "another bad request"
    MESSAGE = "a `message`"
    REPLY = "a `reply`"
    UNDECODABLE = "anything else that is no valid envelope"
    WRONG_KIND = "text where binary is due, or the reverse"
    TOO_BIG = "a message over the size limit"
    OVER_BUDGET = "a message past a budget"
    DEADLINE = "the deadline to authenticate passes"
    KICK = "the server puts the client out"
    SHUTDOWN = "the server goes away"
    LOST = "the client closes, or is gone"


class Action(_Looked):
    """What a session does with an input."""

    SIGN = "sign the challenge, which proves the server"
    SIGN_AGAIN = "sign the challenge, which proves nothing new"
    CHECK = "check the user, the proof and the access rules"
    LEAVE = "let the user go"
    REFUSE_UNCHALLENGED = "refuse: no challenge yet"
    REFUSE_CONNECTED = "refuse: a user is connected"
    REFUSE_NOT_CONNECTED = "refuse: the user has been disconnected"
    REFUSE_INVALID = "refuse: a bad request, or one that nobody knows"
    IGNORE = "ignore"
    CLOSE_UNAUTHENTICATED = "close: it needs authentication"
    CLOSE_UNDECODABLE = "close: no valid envelope"
    CLOSE_WRONG_KIND = "close: text or binary"
    CLOSE_TOO_BIG_BEFORE_AUTH = "close: too big of a stranger"
    CLOSE_TOO_BIG = "close: too big of a user"
    CLOSE_OVER_BUDGET = "close: too many messages of a stranger"
    CLOSE_TOO_FAST = "close: too many messages of a user"
    CLOSE_TIMED_OUT = "close: not authenticated in time"
    PUT_OUT = "close: put out"
    GO_AWAY = "close: the server goes away"
    END = "end, as the client did"


class Outcome(_Looked):
    """How an action turned out. The value is how the documents call it."""

    DONE = "always"
    CHALLENGES_SPENT = "the budget of challenges is spent"
    UNSIGNABLE = "the challenge is none that may be signed"
    SIGNED = "it is signed"
    FORMAT_NOT_ACCEPTED = "the format of the user's key is not accepted"
    OWN_KEY = "the user's key is the server's"
    PROOF_UNREADABLE = "the proof is no strict base64"
    PROOF_WRONG = "the proof does not verify"
    DISALLOWED_CLIENT = "the access rules refuse the program"
    DISALLOWED_USER = "the access rules refuse the user"
    UNRECOGNISED_USER = "only members may join, and the user is none"
    JOIN_TOKEN_REQUIRED = "a join token is needed, and there is none"  # noqa: S105 - an outcome, no token
    INVALID_JOIN_TOKEN = "the join token is not good"  # noqa: S105 - an outcome, no token
    ALREADY_CONNECTED = "the user has as many connections as they may"
    UNDECIDED = "the access rules cannot be asked"
    ADMITTED = "the user is admitted"
    LATE = "no answer in time"
    BANNED = "banned"
    KICKED = "kicked"
    REPLACED = "replaced by a newer connection"
    NO_ROOM = "no room"


class Result(msgspec.Struct, frozen=True):
    """What comes of an action, in this order; nothing at all when all are None."""

    reply: Status | None = None
    """The reply's status; None for no reply."""
    close: Close | None = None
    """How the WebSocket is closed; None when it stays open. For `PUT_OUT`, the `Kick` gives the reason."""
    state: State | None = None
    """The next state; None for the same as before."""
    may_stay_open: bool = False
    """True when the protocol says SHOULD of the close. Everything else in this file is a MUST."""


def _closed(
    code: CloseCode, reason: str, *, limit: str | None = None, reply: Status | None = None, may_stay_open: bool = False
) -> Result:
    """The result that ends a connection; `limit` is which of `SessionLimits` was reached."""
    return Result(reply, Close(code, reason, limit=limit), State.CLOSED, may_stay_open)


_A = Action
_NO_AUTH: Final = Action.CLOSE_UNAUTHENTICATED
_COLUMNS: Final = (State.OPEN, State.CHALLENGED, State.CONNECTED, State.DISCONNECTED)
_ROWS: Final[dict[Input, tuple[Action, Action, Action, Action]]] = {
    Input.CHALLENGE: (_A.SIGN, _A.SIGN_AGAIN, _A.SIGN_AGAIN, _A.SIGN_AGAIN),
    Input.BAD_CHALLENGE: (_A.REFUSE_INVALID,) * 4,
    Input.CONNECT: (_A.REFUSE_UNCHALLENGED, _A.CHECK, _A.REFUSE_CONNECTED, _A.CHECK),
    Input.BAD_CONNECT: (_A.REFUSE_INVALID,) * 4,
    Input.DISCONNECT: (_NO_AUTH, _NO_AUTH, _A.LEAVE, _A.REFUSE_NOT_CONNECTED),
    Input.BAD_DISCONNECT: (_NO_AUTH, _NO_AUTH, _A.REFUSE_INVALID, _A.REFUSE_INVALID),
    Input.OTHER_REQUEST: (_NO_AUTH, _NO_AUTH, _A.REFUSE_INVALID, _NO_AUTH),
    Input.BAD_OTHER_REQUEST: (_NO_AUTH, _NO_AUTH, _A.REFUSE_INVALID, _NO_AUTH),
    Input.MESSAGE: (_NO_AUTH, _NO_AUTH, _A.IGNORE, _NO_AUTH),
    Input.REPLY: (_NO_AUTH, _NO_AUTH, _A.IGNORE, _NO_AUTH),
    Input.UNDECODABLE: (_A.CLOSE_UNDECODABLE,) * 4,
    Input.WRONG_KIND: (_A.CLOSE_WRONG_KIND,) * 4,
    Input.TOO_BIG: (
        _A.CLOSE_TOO_BIG_BEFORE_AUTH,
        _A.CLOSE_TOO_BIG_BEFORE_AUTH,
        _A.CLOSE_TOO_BIG,
        _A.CLOSE_TOO_BIG_BEFORE_AUTH,
    ),
    Input.OVER_BUDGET: (_A.CLOSE_OVER_BUDGET, _A.CLOSE_OVER_BUDGET, _A.CLOSE_TOO_FAST, _A.CLOSE_OVER_BUDGET),
    Input.DEADLINE: (_A.CLOSE_TIMED_OUT, _A.CLOSE_TIMED_OUT, _A.IGNORE, _A.CLOSE_TIMED_OUT),
    Input.KICK: (_A.PUT_OUT,) * 4,
    Input.SHUTDOWN: (_A.GO_AWAY,) * 4,
    Input.LOST: (_A.END,) * 4,
}

TRANSITIONS: Final[dict[Input, dict[State, Action]]] = {
    given: dict(zip(_COLUMNS, actions, strict=True)) for given, actions in _ROWS.items()
}
"""What is done with each input in each state but `CLOSED`."""

_SPENT: Final = _closed(CloseCode.POLICY, "too many messages", limit="challenges")
_LATE: Final = _closed(
    CloseCode.INTERNAL_ERROR,
    "the server could not answer in time",
    limit="answer_timeout_s",
    reply=Status.UNKNOWN_ERROR,
)

OUTCOMES: Final[dict[Action, dict[Outcome, Result]]] = {
    Action.SIGN: {
        Outcome.CHALLENGES_SPENT: _SPENT,
        Outcome.UNSIGNABLE: Result(Status.INVALID_CHALLENGE),
        Outcome.SIGNED: Result(Status.SUCCESS, state=State.CHALLENGED),
        Outcome.LATE: _LATE,
    },
    Action.SIGN_AGAIN: {
        Outcome.CHALLENGES_SPENT: _SPENT,
        Outcome.UNSIGNABLE: Result(Status.INVALID_CHALLENGE),
        Outcome.SIGNED: Result(Status.SUCCESS),
        Outcome.LATE: _LATE,
    },
    Action.CHECK: {
        Outcome.FORMAT_NOT_ACCEPTED: Result(Status.DISALLOWED_USER),
        Outcome.OWN_KEY: Result(Status.DISALLOWED_USER),
        Outcome.PROOF_UNREADABLE: Result(Status.INVALID_CHALLENGE),
        Outcome.PROOF_WRONG: Result(Status.INVALID_CHALLENGE),
        Outcome.DISALLOWED_CLIENT: Result(Status.DISALLOWED_CLIENT),
        Outcome.DISALLOWED_USER: Result(Status.DISALLOWED_USER),
        Outcome.UNRECOGNISED_USER: Result(Status.UNRECOGNISED_USER),
        Outcome.JOIN_TOKEN_REQUIRED: Result(Status.JOIN_TOKEN_REQUIRED),
        Outcome.INVALID_JOIN_TOKEN: Result(Status.INVALID_JOIN_TOKEN),
        Outcome.ALREADY_CONNECTED: Result(Status.ALREADY_CONNECTED),
        Outcome.UNDECIDED: Result(Status.UNKNOWN_ERROR),
        Outcome.ADMITTED: Result(Status.SUCCESS, state=State.CONNECTED),
        Outcome.LATE: _LATE,
    },
    Action.LEAVE: {Outcome.DONE: Result(Status.SUCCESS, state=State.DISCONNECTED)},
    Action.REFUSE_UNCHALLENGED: {Outcome.DONE: Result(Status.INVALID_CHALLENGE)},
    Action.REFUSE_CONNECTED: {Outcome.DONE: Result(Status.ALREADY_CONNECTED)},
    Action.REFUSE_NOT_CONNECTED: {Outcome.DONE: Result(Status.NOT_CONNECTED)},
    Action.REFUSE_INVALID: {Outcome.DONE: Result(Status.INVALID_MESSAGE)},
    Action.IGNORE: {Outcome.DONE: Result()},
    Action.CLOSE_UNAUTHENTICATED: {
        Outcome.DONE: _closed(CloseCode.POLICY, "connect first: this message needs authentication", may_stay_open=True)
    },
    Action.CLOSE_UNDECODABLE: {Outcome.DONE: _closed(CloseCode.NOT_DECODABLE, "the message is not a valid envelope")},
    Action.CLOSE_WRONG_KIND: {
        Outcome.DONE: _closed(CloseCode.WRONG_KIND, "text and binary messages are not mixed: json is text, bson binary")
    },
    Action.CLOSE_TOO_BIG_BEFORE_AUTH: {
        Outcome.DONE: _closed(CloseCode.TOO_BIG, "the message is too big", limit="max_message_bytes_before_auth")
    },
    Action.CLOSE_TOO_BIG: {
        Outcome.DONE: _closed(CloseCode.TOO_BIG, "the message is too big", limit="max_message_bytes")
    },
    Action.CLOSE_OVER_BUDGET: {
        Outcome.DONE: _closed(CloseCode.POLICY, "too many messages", limit="messages_before_auth")
    },
    Action.CLOSE_TOO_FAST: {Outcome.DONE: _closed(CloseCode.POLICY, "too many messages", limit="messages_per_s")},
    Action.CLOSE_TIMED_OUT: {
        Outcome.DONE: _closed(CloseCode.POLICY, "the time to authenticate is over", limit="auth_timeout_s")
    },
    Action.PUT_OUT: {
        Outcome.BANNED: _closed(CloseCode.BANNED, ""),
        Outcome.KICKED: _closed(CloseCode.KICKED, ""),
        Outcome.REPLACED: _closed(CloseCode.REPLACED, ""),
        Outcome.NO_ROOM: _closed(CloseCode.TRY_AGAIN_LATER, ""),
    },
    Action.GO_AWAY: {Outcome.DONE: _closed(CloseCode.GOING_AWAY, "the server is going away")},
    Action.END: {Outcome.DONE: Result(state=State.CLOSED)},
}
"""What comes of each action."""

VERDICTS: Final[dict[Status, Outcome]] = {
    Status.DISALLOWED_CLIENT: Outcome.DISALLOWED_CLIENT,
    Status.DISALLOWED_USER: Outcome.DISALLOWED_USER,
    Status.UNRECOGNISED_USER: Outcome.UNRECOGNISED_USER,
    Status.JOIN_TOKEN_REQUIRED: Outcome.JOIN_TOKEN_REQUIRED,
    Status.INVALID_JOIN_TOKEN: Outcome.INVALID_JOIN_TOKEN,
    Status.ALREADY_CONNECTED: Outcome.ALREADY_CONNECTED,
    Status.UNKNOWN_ERROR: Outcome.UNDECIDED,
}
"""How `CHECK` turns out, by the status with which the access rules refuse."""

KICKS: Final[dict[CloseCode, Outcome]] = {
    CloseCode.BANNED: Outcome.BANNED,
    CloseCode.KICKED: Outcome.KICKED,
    CloseCode.REPLACED: Outcome.REPLACED,
    CloseCode.TRY_AGAIN_LATER: Outcome.NO_ROOM,
}
"""How `PUT_OUT` turns out, by the code of the `Kick`."""

REQUESTS: Final[dict[str, Input]] = {
    "challenge": Input.CHALLENGE,
    "connect": Input.CONNECT,
    "disconnect": Input.DISCONNECT,
}
"""The input that a request is, by its name. Every other name is `OTHER_REQUEST`."""

_BAD_REQUESTS: Final[dict[str, Input]] = {
    "challenge": Input.BAD_CHALLENGE,
    "connect": Input.BAD_CONNECT,
    "disconnect": Input.BAD_DISCONNECT,
}


def classify(envelope: Envelope) -> Input:
    """Tell which input a decoded payload is."""
    match envelope:
        case Request():
            return REQUESTS.get(envelope.name, Input.OTHER_REQUEST)
        case BadRequest():
            return _BAD_REQUESTS.get(envelope.name, Input.BAD_OTHER_REQUEST)
        case Message():
            return Input.MESSAGE
        case _:
            return Input.REPLY
