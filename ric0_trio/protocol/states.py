"""The states of a connection as the server sees it, and what each input does in each: the table is the source.

`ServerSession` looks every input up here; the table and the diagram in docs/protocol.md are made from it.
A cell is one `Action`. `CLOSED` has no column: there, every input gives nothing.
"""

from enum import Enum
from typing import Final

from ric0_trio.protocol.effects import CloseCode
from ric0_trio.protocol.messages import BadRequest, Envelope, Request, Status


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
    CONNECT = "`connect` request"
    DISCONNECT = "`disconnect` request"
    OTHER_REQUEST = "another request"
    MESSAGE_OR_REPLY = "a `message` or `reply`"
    BAD_REQUEST = "a bad request with a usable conversation id"
    UNDECODABLE = "anything else that is no valid envelope"
    WRONG_KIND = "text where binary is due, or the reverse"
    TOO_BIG = "a message over the size limit"
    OVER_BUDGET = "a message past a budget"
    DEADLINE = "deadline passes"


class Action(_Looked):
    """What a session does. The value is how the documents call it."""

    SIGN = "sign"
    CHECK = "checks"
    REFUSE_UNCHALLENGED = "`invalid_challenge`"
    REFUSE_CONNECTED = "`already_connected`"
    LEAVE = "`success`"
    REFUSE_NOT_CONNECTED = "`not_connected`"
    REFUSE_INVALID = "`invalid_message`"
    REFUSE_INVALID_IF_ANSWERED = "`invalid_message`, if this state answers that name; else ignore, close 1008"
    IGNORE = "ignore"
    CLOSE_UNAUTHENTICATED = "ignore, close 1008"
    CLOSE_UNDECODABLE = "close 1007"
    CLOSE_WRONG_KIND = "close 1003"
    CLOSE_TOO_BIG = "close 1009"
    CLOSE_OVER_BUDGET = "close 1008 (budget)"
    CLOSE_TIMED_OUT = "close 1008"
    NONE_SET = "none set"


_A = Action
_COLUMNS: Final = (State.OPEN, State.CHALLENGED, State.CONNECTED, State.DISCONNECTED)
_ROWS: Final[dict[Input, tuple[Action, Action, Action, Action]]] = {
    Input.CHALLENGE: (_A.SIGN, _A.SIGN, _A.SIGN, _A.SIGN),
    Input.CONNECT: (_A.REFUSE_UNCHALLENGED, _A.CHECK, _A.REFUSE_CONNECTED, _A.CHECK),
    Input.DISCONNECT: (_A.CLOSE_UNAUTHENTICATED, _A.CLOSE_UNAUTHENTICATED, _A.LEAVE, _A.REFUSE_NOT_CONNECTED),
    Input.OTHER_REQUEST: (
        _A.CLOSE_UNAUTHENTICATED,
        _A.CLOSE_UNAUTHENTICATED,
        _A.REFUSE_INVALID,
        _A.CLOSE_UNAUTHENTICATED,
    ),
    Input.MESSAGE_OR_REPLY: (
        _A.CLOSE_UNAUTHENTICATED,
        _A.CLOSE_UNAUTHENTICATED,
        _A.IGNORE,
        _A.CLOSE_UNAUTHENTICATED,
    ),
    Input.BAD_REQUEST: (
        _A.REFUSE_INVALID_IF_ANSWERED,
        _A.REFUSE_INVALID_IF_ANSWERED,
        _A.REFUSE_INVALID,
        _A.REFUSE_INVALID_IF_ANSWERED,
    ),
    Input.UNDECODABLE: (_A.CLOSE_UNDECODABLE,) * 4,
    Input.WRONG_KIND: (_A.CLOSE_WRONG_KIND,) * 4,
    Input.TOO_BIG: (_A.CLOSE_TOO_BIG,) * 4,
    Input.OVER_BUDGET: (_A.CLOSE_OVER_BUDGET,) * 4,
    Input.DEADLINE: (_A.CLOSE_TIMED_OUT, _A.CLOSE_TIMED_OUT, _A.NONE_SET, _A.CLOSE_TIMED_OUT),
}

TRANSITIONS: Final[dict[Input, dict[State, Action]]] = {
    given: dict(zip(_COLUMNS, actions, strict=True)) for given, actions in _ROWS.items()
}
"""What each input does in each state but `CLOSED`."""

SUCCESSES: Final[dict[Action, State]] = {
    Action.SIGN: State.CHALLENGED,
    Action.CHECK: State.CONNECTED,
    Action.LEAVE: State.DISCONNECTED,
}
"""The state that an action leads to when it succeeds. `SIGN` moves `OPEN` alone: others keep their state."""

CLOSES: Final[dict[Action, tuple[CloseCode, str]]] = {
    Action.CLOSE_UNAUTHENTICATED: (CloseCode.POLICY, "connect first: this message needs authentication"),
    Action.CLOSE_UNDECODABLE: (CloseCode.NOT_DECODABLE, "the message is not a valid envelope"),
    Action.CLOSE_WRONG_KIND: (
        CloseCode.WRONG_KIND,
        "text and binary messages are not mixed: json is text, bson binary",
    ),
    Action.CLOSE_TOO_BIG: (CloseCode.TOO_BIG, "the message is too big"),
    Action.CLOSE_OVER_BUDGET: (CloseCode.POLICY, "too many messages"),
    Action.CLOSE_TIMED_OUT: (CloseCode.POLICY, "the time to authenticate is over"),
}
"""How the WebSocket is closed by each action that closes it."""

REFUSES: Final[dict[Action, Status]] = {
    Action.REFUSE_UNCHALLENGED: Status.INVALID_CHALLENGE,
    Action.REFUSE_CONNECTED: Status.ALREADY_CONNECTED,
    Action.REFUSE_NOT_CONNECTED: Status.NOT_CONNECTED,
    Action.REFUSE_INVALID: Status.INVALID_MESSAGE,
}
"""What each action that refuses a request answers."""

REQUESTS: Final[dict[str, Input]] = {
    "challenge": Input.CHALLENGE,
    "connect": Input.CONNECT,
    "disconnect": Input.DISCONNECT,
}
"""The input that a request is, by its name. Every other name is `OTHER_REQUEST`."""


def answers(state: State, name: str) -> bool:
    """Tell whether a well-formed request of this name gets an answer in `state`."""
    given = REQUESTS.get(name, Input.OTHER_REQUEST)
    return TRANSITIONS[given][state] is not Action.CLOSE_UNAUTHENTICATED


def classify(envelope: Envelope) -> Input:
    """Tell which input a decoded payload is."""
    match envelope:
        case Request():
            return REQUESTS.get(envelope.name, Input.OTHER_REQUEST)
        case BadRequest():
            return Input.BAD_REQUEST
        case _:
            return Input.MESSAGE_OR_REPLY
