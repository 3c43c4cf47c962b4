"""What a client can send, in all its forms, in each state: each form leads to the cell of its row in `state_table`."""

from collections.abc import Sequence

import pytest

from ric0_trio.protocol import Codec, Effect, Release, Send, ServerSession, State
from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    START,
    Plain,
    challenge_data,
    connect_data,
    give,
    pack,
    request,
    settle,
    the_reply,
    unpack,
)
from tests.protocol.cells import done, due
from tests.protocol.pair import LIVE_STATES, server, server_in, without

OTHER = request("message.send", {"text": "hello"}, 6)
A_MESSAGE = without(request("typing", {}, type="message"), "conversation")
A_REPLY = request("ping", {}, 1, type="reply", status="success")

GIVEN: dict[str, Plain] = {
    "S3": CHALLENGE,
    "S17": CONNECT,
    "S20": DISCONNECT,
    "S22": OTHER,
    "S24": A_MESSAGE,
    "S25": A_REPLY,
}
BAD_REQUESTS = {"challenge": "S5", "connect": "S19", "disconnect": "S21", "message.send": "S23"}
GOOD_DATA: dict[str, Plain] = {"challenge": challenge_data(), "connect": connect_data()}
FAULTS: dict[str, Plain] = {
    "an odd id": {"conversation": 7},
    "the largest id, which is odd": {"conversation": 4294967295},
    "data is null": {"data": None},
    "data is a list": {"data": []},
    "data is missing": {"data": "MISSING"},
    "time is missing": {"time": "MISSING"},
    "time is null": {"time": None},
    "time is naive": {"time": "2023-11-14T22:13:20"},
    "time has no T": {"time": "2023-11-14 22:13:20Z"},
    "time is a number": {"time": 1_700_000_000},
    "time is a date": {"time": "2023-11-14"},
}
BAD_DATA: dict[str, tuple[object, ...]] = {
    "challenge": ({}, {"challenge": None}, {"challenge": 5}),
    "connect": (
        {},
        *(without(connect_data(), key) for key in ("client_app", "user", "challenge")),
        connect_data(join_token=7),
        connect_data(join_token="t" * 257),
        connect_data(user={"name": "Zoë"}),
    ),
    "disconnect": ({"reason": 5}, {"reason": "r" * 513}),
}
NAMELESS: dict[str, object] = {"missing": "MISSING", "null": None, "a number": 5, "empty": "", "too long": "n" * 65}

UNDECODABLE: dict[str, Plain] = {
    "no key at all": {},
    "type is missing": without(CHALLENGE, "type"),
    "type is unknown": {**CHALLENGE, "type": "question"},
    "type has another case": {**CHALLENGE, "type": "Request"},
    "type is null": {**CHALLENGE, "type": None},
    "id is missing": without(CHALLENGE, "conversation"),
    "id is null": {**CHALLENGE, "conversation": None},
    "id is negative": {**CHALLENGE, "conversation": -2},
    "id is too large": {**CHALLENGE, "conversation": 4294967296},
    "id is a float": {**CHALLENGE, "conversation": 2.0},
    "id is a boolean": {**CHALLENGE, "conversation": False},
    "id is a string": {**CHALLENGE, "conversation": "2"},
    "a message without a time": without(A_MESSAGE, "time"),
    "a message without data": without(A_MESSAGE, "data"),
    "a message without a name": without(A_MESSAGE, "name"),
    "a reply without an id": without(A_REPLY, "conversation"),
    "a reply without a status": without(A_REPLY, "status"),
    "a reply with bad data": {**A_REPLY, "name": "challenge"},
}


def check_cell(codec: Codec, row: str, state: State, plain: Plain, name: str) -> None:
    """The cell of that row is what comes of `plain`; if there is a reply, it repeats `name`."""
    session = server_in(state, codec)
    user = session.user
    effects = give(session, codec, plain)
    assert done(codec, effects, state, session.state) == due(row, state)
    for effect in effects:
        if isinstance(effect, Send):
            reply = unpack(codec, effect.payload)
            assert (reply["type"], reply["name"], reply["conversation"]) == ("reply", name, plain["conversation"])
            assert reply["data"] == {} or (reply["status"] == "success" and name != "disconnect")
    check_left(session, effects, state)
    assert session.state is not state or session.user == user


def check_left(session: ServerSession, effects: Sequence[Effect], before: State) -> None:
    """Who was connected, and is not any more, has given back their place, before all else."""
    assert (session.user is not None) == (session.state is State.CONNECTED)
    has_left = before is State.CONNECTED and session.state is not State.CONNECTED
    assert [effect for effect in effects if isinstance(effect, Release)] == [Release()] * has_left
    assert not has_left or effects[0] == Release()


def check_payload(codec: Codec, row: str, state: State, payload: str | bytes) -> None:
    session = server_in(state, codec)
    effects = session.receive(payload, START)
    assert done(codec, effects, state, session.state) == due(row, state)
    check_left(session, effects, state)


def faulty(name: str, fault: Plain) -> Plain:
    plain = {**request(name, GOOD_DATA.get(name, {}), 8), **fault}
    return without(plain, *(key for key, value in plain.items() if value == "MISSING"))


@pytest.mark.parametrize("state", LIVE_STATES)
@pytest.mark.parametrize("row", GIVEN)
def test_a_valid_envelope(codec: Codec, row: str, state: State) -> None:
    check_cell(codec, row, state, GIVEN[row], str(GIVEN[row]["name"]))


@pytest.mark.parametrize("state", LIVE_STATES)
@pytest.mark.parametrize("name", BAD_REQUESTS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_request(codec: Codec, fault: str, name: str, state: State) -> None:
    check_cell(codec, BAD_REQUESTS[name], state, faulty(name, FAULTS[fault]), name)


@pytest.mark.parametrize("state", LIVE_STATES)
@pytest.mark.parametrize(("name", "data"), [(name, data) for name in BAD_DATA for data in BAD_DATA[name]])
def test_a_request_whose_data_does_not_fit(codec: Codec, name: str, data: object, state: State) -> None:
    check_cell(codec, BAD_REQUESTS[name], state, request(name, data, 8), name)


@pytest.mark.parametrize("state", LIVE_STATES)
@pytest.mark.parametrize("fault", NAMELESS)
def test_a_request_without_a_usable_name(codec: Codec, fault: str, state: State) -> None:
    check_cell(codec, "S23", state, faulty("challenge", {"name": NAMELESS[fault]}), "")


@pytest.mark.parametrize("state", LIVE_STATES)
@pytest.mark.parametrize("given", UNDECODABLE)
def test_what_is_no_envelope(codec: Codec, given: str, state: State) -> None:
    check_cell(codec, "S26", state, UNDECODABLE[given], "")


@pytest.mark.parametrize("state", LIVE_STATES)
@pytest.mark.parametrize("payload", [b"", b"\x00", b"\xff\xfe", b"not an encoding", b"[]", b"null", b'"text"', b"{"])
def test_what_is_no_encoding(codec: Codec, payload: bytes, state: State) -> None:
    given = payload if codec.payload_type is bytes else payload.decode("utf-8", "surrogateescape")
    check_payload(codec, "S26", state, given)


@pytest.mark.parametrize("state", LIVE_STATES)
def test_the_wrong_kind_of_message(codec: Codec, state: State) -> None:
    right = pack(codec, CHALLENGE)
    check_payload(codec, "S27", state, right.encode() if isinstance(right, str) else right.decode("latin-1"))


def test_closed_is_closed_for_every_input(codec: Codec) -> None:
    session = server_in(State.CLOSED, codec)
    inputs = [pack(codec, plain) for plain in (*GIVEN.values(), *UNDECODABLE.values())]
    inputs += [pack(codec, faulty("connect", fault)) for fault in FAULTS.values()]
    for payload in (*inputs, b"wrong or undecodable", "wrong or undecodable", "x" * 100_000):
        assert session.receive(payload, START) == ()
    assert session.handle_timeout(START + 1_000_000) == ()
    assert (session.state, session.user, session.deadline, session.question) == (State.CLOSED, None, None, None)


def test_the_success_replies_carry_what_the_client_needs(codec: Codec) -> None:
    session = server(codec)
    signed = the_reply(codec, give(session, codec, CHALLENGE))
    assert signed["data"].keys() == {"pubkey", "challenge_response"}
    welcome = the_reply(codec, give(session, codec, CONNECT))
    assert welcome["data"].keys() == {"server_app", "server_identity"}
    assert welcome["data"]["server_identity"]["pubkey"] == signed["data"]["pubkey"]


def test_a_failed_challenge_leaves_the_state(codec: Codec) -> None:
    session = server(codec)
    reply = the_reply(codec, give(session, codec, request("challenge", {"challenge": "no base64"})))
    assert (reply["status"], session.state) == ("invalid_challenge", State.OPEN)


def test_the_release_carries_what_the_user_said(codec: Codec) -> None:
    session = server_in(State.CONNECTED, codec)
    effects = give(session, codec, request("disconnect", {"reason": "going home"}, 4))
    assert effects[0] == Release("going home")


def test_every_reply_has_the_six_keys(codec: Codec) -> None:
    session = server(codec)
    (sent,) = settle(session, session.receive(pack(codec, CHALLENGE), START), START)
    assert isinstance(sent, Send)
    assert isinstance(sent.payload, codec.payload_type)
    plain = unpack(codec, sent.payload)
    assert list(plain) == ["time", "type", "name", "conversation", "status", "data"]
    assert plain["time"] == "2023-11-14T22:13:20.000000Z"
