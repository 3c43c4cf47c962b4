"""Every sequence of inputs, up to a length, against a model small enough to be read beside docs/protocol.md."""

from collections.abc import Iterator
from itertools import product

import pytest

from ric0_trio.protocol import (
    Admitted,
    Close,
    Codec,
    Effect,
    Refused,
    Release,
    Send,
    ServerSession,
    Sign,
    Status,
    Verify,
)
from tests.protocol.pair import (
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    START,
    START_TEXT,
    Plain,
    connect_data,
    pack,
    request,
    server,
    the_reply,
)

LENGTH = 4

MESSAGES: dict[str, Plain] = {
    "challenge": CHALLENGE,
    "bad challenge": request("challenge", {"challenge": "?"}),
    "connect": CONNECT,
    "forged": CONNECT,
    "refused": CONNECT,
    "bad proof": request("connect", connect_data(challenge="?"), 2),
    "disconnect": DISCONNECT,
    "other": request("poll", {}, 6),
    "message": {"time": START_TEXT, "type": "message", "name": "typing", "data": {}},
    "bad request": request("connect", None, 2),
    "undecodable": {},
}
# The first two of these are carried out below; a slow answer is one that comes when its time is over.
OTHERS = ["wrong kind", "deadline", "slow signature", "slow verdict"]
INPUTS = [*MESSAGES, *OTHERS]

POLICY, GONE = ("1008", "CLOSED"), ("", "CLOSED")
SLOW = ("unknown_error 1011", "CLOSED")
ALWAYS = {"undecodable": ("1007", "CLOSED"), "wrong kind": ("1003", "CLOSED")}

# MODEL[state][input] is what is told, and the state after it. R is a Release.
MODEL: dict[str, dict[str, tuple[str, str]]] = {
    "OPEN": ALWAYS
    | {
        "challenge": ("success", "CHALLENGED"),
        "bad challenge": ("invalid_challenge", "OPEN"),
        "connect": ("invalid_challenge", "OPEN"),
        "forged": ("invalid_challenge", "OPEN"),
        "refused": ("invalid_challenge", "OPEN"),
        "bad proof": ("invalid_challenge", "OPEN"),
        "disconnect": POLICY,
        "other": POLICY,
        "message": POLICY,
        "bad request": ("invalid_message", "OPEN"),
        "deadline": POLICY,
        "slow signature": SLOW,
        "slow verdict": ("invalid_challenge", "OPEN"),
    },
    "CHALLENGED": ALWAYS
    | {
        "challenge": ("success", "CHALLENGED"),
        "bad challenge": ("invalid_challenge", "CHALLENGED"),
        "connect": ("success", "CONNECTED"),
        "forged": ("invalid_challenge", "CHALLENGED"),
        "refused": ("unrecognised_user", "CHALLENGED"),
        "bad proof": ("invalid_challenge", "CHALLENGED"),
        "disconnect": POLICY,
        "other": POLICY,
        "message": POLICY,
        "bad request": ("invalid_message", "CHALLENGED"),
        "deadline": POLICY,
        "slow signature": SLOW,
        "slow verdict": ("R unknown_error 1011", "CLOSED"),
    },
    "CONNECTED": {
        "undecodable": ("R 1007", "CLOSED"),
        "wrong kind": ("R 1003", "CLOSED"),
        "challenge": ("success", "CONNECTED"),
        "bad challenge": ("invalid_challenge", "CONNECTED"),
        "connect": ("already_connected", "CONNECTED"),
        "forged": ("already_connected", "CONNECTED"),
        "refused": ("already_connected", "CONNECTED"),
        "bad proof": ("already_connected", "CONNECTED"),
        "disconnect": ("R success", "DISCONNECTED"),
        "other": ("invalid_message", "CONNECTED"),
        "message": ("", "CONNECTED"),
        "bad request": ("invalid_message", "CONNECTED"),
        "deadline": ("", "CONNECTED"),
        "slow signature": ("R unknown_error 1011", "CLOSED"),
        "slow verdict": ("already_connected", "CONNECTED"),
    },
    "DISCONNECTED": ALWAYS
    | {
        "challenge": ("success", "DISCONNECTED"),
        "bad challenge": ("invalid_challenge", "DISCONNECTED"),
        "connect": ("success", "CONNECTED"),
        "forged": ("invalid_challenge", "DISCONNECTED"),
        "refused": ("unrecognised_user", "DISCONNECTED"),
        "bad proof": ("invalid_challenge", "DISCONNECTED"),
        "disconnect": ("not_connected", "DISCONNECTED"),
        "other": POLICY,
        "message": POLICY,
        "bad request": ("invalid_message", "DISCONNECTED"),
        "deadline": POLICY,
        "slow signature": SLOW,
        "slow verdict": ("R unknown_error 1011", "CLOSED"),
    },
    "CLOSED": dict.fromkeys(INPUTS, GONE),
}


class Walker:
    """A session, with a clock and the answers that the input's name promises: no key takes part."""

    def __init__(self, codec: Codec, payloads: dict[str, str | bytes]) -> None:
        self.codec = codec
        self.payloads = payloads
        self.now = START
        self.session: ServerSession = server(codec, challenges=99, messages_before_auth=99)

    def give(self, given: str) -> str:
        """Give one input, and name what is told for it."""
        if given == "deadline":
            self.now = self.session.deadline or self.now
            return self.named(self.session.handle_timeout(self.now))
        told = list(self.session.receive(self.payloads[given], self.now))
        while (question := self.session.question) is not None:
            told.remove(question)
            match question:
                case Sign():
                    told += self.answer(b"signature", slow=given == "slow signature")
                case Verify():
                    told += self.answer(given != "forged", slow=False)
                case _:
                    verdict = Refused(Status.UNRECOGNISED_USER) if given == "refused" else Admitted()
                    told += self.answer(verdict, slow=given == "slow verdict")
        return self.named(told)

    def answer(self, result: bytes | bool | Admitted | Refused, *, slow: bool) -> tuple[Effect, ...]:
        if slow:
            self.now = self.session.deadline or self.now
        return self.session.answer(result, self.now)

    def named(self, told: list[Effect] | tuple[Effect, ...]) -> str:
        return " ".join(self.name_of(effect) for effect in told)

    def name_of(self, effect: Effect) -> str:
        match effect:
            case Send():
                return str(the_reply(self.codec, [effect])["status"])
            case Close(code):
                return str(int(code))
            case Release():
                return "R"
        raise AssertionError(effect)


def sequences() -> Iterator[tuple[str, ...]]:
    """All that differ: after the end, one more input of each kind is enough."""
    for inputs in product(INPUTS, repeat=LENGTH):
        state = "OPEN"
        for place, given in enumerate(inputs):
            if state == "CLOSED" and any(later != INPUTS[0] for later in inputs[place + 1 :]):
                break
            state = MODEL[state][given][1]
        else:
            yield inputs


def test_the_model_knows_every_input_in_every_state() -> None:
    assert {state: set(row) for state, row in MODEL.items()} == {state: set(INPUTS) for state in MODEL}


def test_every_sequence(codec: Codec) -> None:
    payloads = {given: pack(codec, plain) for given, plain in MESSAGES.items()}
    payloads["slow signature"], payloads["slow verdict"] = payloads["challenge"], payloads["connect"]
    payloads["wrong kind"] = b"{}" if codec.payload_type is str else "{}"
    for inputs in sequences():
        walker, state = Walker(codec, payloads), "OPEN"
        for given in inputs:
            told, state = MODEL[state][given]
            assert (walker.give(given), walker.session.state.value) == (told, state), inputs
            assert (walker.session.user is not None) == (state == "CONNECTED"), inputs


@pytest.mark.parametrize("state", list(MODEL))
def test_the_walk_comes_to_every_cell(state: str) -> None:
    seen = set()
    for inputs in sequences():
        here = "OPEN"
        for given in inputs:
            if here == state:
                seen.add(given)
            here = MODEL[here][given][1]
    assert seen == set(INPUTS)
