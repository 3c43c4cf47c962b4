"""Deadlines, budgets and sizes: what a client may spend, and what happens when it is spent."""

import pytest

from ric0_trio.protocol import (
    Close,
    CloseCode,
    Codec,
    Kick,
    Release,
    Send,
    ServerSession,
    SessionLimits,
    State,
)
from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    START,
    START_TEXT,
    Plain,
    challenge_data,
    connect_data,
    give,
    pack,
    request,
    server_profile,
    the_reply,
    unpack,
)
from tests.protocol.pair import LIVE_STATES, answer_to, server, server_in

BAD_CHALLENGE = request("challenge", {"challenge": "no base64"})
NO_SUCH = request("no.such", {}, 2)
A_MESSAGE: Plain = {"time": START_TEXT, "type": "message", "name": "typing", "data": {}}


TOO_MANY = Close(CloseCode.POLICY, "too many messages", limit="messages_before_auth")
TOO_MANY_CHALLENGES = Close(CloseCode.POLICY, "too many messages", limit="challenges")
TOO_FAST = Close(CloseCode.POLICY, "too many messages", limit="messages_per_s")

# The deadline to authenticate


def test_the_deadline_counts_from_the_start(codec: Codec) -> None:
    session = server(codec, auth_timeout_s=10)
    assert session.deadline == START + 10
    assert session.handle_timeout(START + 9.999) == ()
    effects = session.handle_timeout(START + 10)
    assert effects == (Close(CloseCode.POLICY, "the time to authenticate is over", limit="auth_timeout_s"),)
    assert session.state is State.CLOSED


def test_traffic_does_not_extend_the_deadline(codec: Codec) -> None:
    session = server(codec, auth_timeout_s=10)
    for second, plain in enumerate((CHALLENGE, BAD_CHALLENGE, request("connect", {}, 2))):
        give(session, codec, plain, START + second)
        assert session.deadline == START + 10


def test_a_connected_user_has_no_deadline(codec: Codec) -> None:
    session = server_in(State.CONNECTED, codec)
    assert session.deadline is None
    give(session, codec, NO_SUCH, START + 1_000_000)
    assert session.deadline is None


def test_the_deadline_counts_again_from_a_disconnect(codec: Codec) -> None:
    session = server_in(State.CONNECTED, codec, auth_timeout_s=10)
    give(session, codec, DISCONNECT, START + 500)
    assert session.deadline == START + 510
    give(session, codec, CONNECT, START + 509)
    assert session.state is State.CONNECTED


@pytest.mark.parametrize("late", [10, 10.5])
@pytest.mark.parametrize("state", [State.OPEN, State.CHALLENGED, State.DISCONNECTED])
def test_a_message_past_the_deadline_is_not_looked_at(codec: Codec, state: State, late: float) -> None:
    session = server_in(state, codec, auth_timeout_s=10)
    (close,) = session.receive(pack(codec, CHALLENGE), START + late)
    assert isinstance(close, Close)
    assert (close.code, close.reason) == (1008, "the time to authenticate is over")


def test_the_deadline_stands_still_while_a_question_is_open(codec: Codec) -> None:
    session = server(codec, auth_timeout_s=10, answer_timeout_s=5)
    now = START + 9
    session.receive(pack(codec, CHALLENGE), now)
    assert session.deadline == now + 5
    now += 4
    session.answer(answer_to(session.question), now)
    assert session.deadline == START + 10 + 4
    session.receive(pack(codec, CONNECT), now)
    for _ in ("Verify", "Admit"):
        assert session.deadline == now + 5
        now += 4.5
        session.answer(answer_to(session.question), now)
    assert session.state is State.CONNECTED


def test_a_clock_may_begin_anywhere(codec: Codec) -> None:
    """Seconds since the epoch are usual, and large; a test's clock counts from 0."""
    session = ServerSession(server_profile(), SessionLimits(), codec, 0.0)
    session.receive(pack(codec, CHALLENGE), 1.5)
    session.answer(answer_to(session.question), 5.0)
    assert session.deadline == 10 + 3.5


def test_a_refusal_starts_the_clock_again(codec: Codec) -> None:
    session = server_in(State.CHALLENGED, codec, auth_timeout_s=10)
    session.receive(pack(codec, CONNECT), START + 1)
    session.answer(False, START + 3)
    assert (session.state, session.deadline) == (State.CHALLENGED, START + 10 + 2)


# The time to answer


def test_a_question_that_stays_open_ends_the_connection(codec: Codec) -> None:
    for state, plain in ((State.OPEN, CHALLENGE), (State.CHALLENGED, CONNECT)):
        session = server_in(state, codec, answer_timeout_s=5)
        session.receive(pack(codec, plain), START + 1)
        assert session.handle_timeout(START + 5.9) == ()
        effects = session.handle_timeout(START + 6)
        reply = the_reply(codec, effects)
        assert (reply["name"], reply["status"], reply["data"]) == (plain["name"], "unknown_error", {})
        assert effects[1:] == (
            Close(CloseCode.INTERNAL_ERROR, "the server could not answer in time", limit="answer_timeout_s"),
        )
        assert (session.state, session.deadline) == (State.CLOSED, None)


def test_a_connected_user_is_released_when_the_answer_is_late(codec: Codec) -> None:
    session = server_in(State.CONNECTED, codec, answer_timeout_s=5)
    session.receive(pack(codec, CHALLENGE), START)
    kinds = [type(effect) for effect in session.handle_timeout(START + 5)]
    assert kinds == [Release, Send, Close]


# How many


def test_the_messages_before_authentication(codec: Codec) -> None:
    session = server(codec)
    for number in range(8):
        assert the_reply(codec, give(session, codec, request("connect", {}, 2 * number)))["status"] == "invalid_message"
    assert give(session, codec, BAD_CHALLENGE) == [TOO_MANY]


def test_the_messages_before_authentication_count_again_from_a_disconnect(codec: Codec) -> None:
    session = server_in(State.DISCONNECTED, codec)
    for number in range(8):
        assert (
            the_reply(codec, give(session, codec, {**DISCONNECT, "conversation": 2 * number}))["status"]
            == "not_connected"
        )
    assert give(session, codec, DISCONNECT) == [TOO_MANY]


def test_time_gives_no_messages_back_before_authentication(codec: Codec) -> None:
    session = server(codec, messages_before_auth=2, auth_timeout_s=100)
    give(session, codec, CHALLENGE, START)
    give(session, codec, request("connect", {}, 2), START + 50)
    assert give(session, codec, CONNECT, START + 99) == [TOO_MANY]


@pytest.mark.parametrize("plain", [CHALLENGE, BAD_CHALLENGE, request("challenge", challenge_data(b"short"))])
def test_three_challenges_in_a_life(codec: Codec, plain: Plain) -> None:
    session = server_in(State.DISCONNECTED, codec)  # which has spent the first
    for _ in range(2):
        the_reply(codec, give(session, codec, plain))
    assert give(session, codec, plain) == [TOO_MANY_CHALLENGES]


def test_a_fourth_challenge_puts_a_connected_user_out(codec: Codec) -> None:
    session = server_in(State.CONNECTED, codec, challenges=1)
    assert give(session, codec, CHALLENGE) == [Release(), TOO_MANY_CHALLENGES]


@pytest.mark.parametrize("plain", [NO_SUCH, A_MESSAGE])
def test_the_rate_once_connected(codec: Codec, plain: Plain) -> None:
    session = server_in(State.CONNECTED, codec)
    for _ in range(40):
        give(session, codec, plain, START)
    for quarter in (1, 2, 3, 4):
        for _ in range(5):
            give(session, codec, plain, START + quarter / 4)
    assert session.state is State.CONNECTED
    assert give(session, codec, plain, START + 1) == [Release(), TOO_FAST]


def test_rest_earns_one_burst_and_no_more(codec: Codec) -> None:
    session = server_in(State.CONNECTED, codec)
    for _ in range(40):
        assert the_reply(codec, give(session, codec, NO_SUCH, START + 10_000))
    effects = give(session, codec, NO_SUCH, START + 10_000)
    assert effects == [Release(), TOO_FAST]


def test_connecting_again_starts_no_new_burst(codec: Codec) -> None:
    session = server_in(State.CONNECTED, codec)
    for _ in range(39):
        give(session, codec, NO_SUCH)
    give(session, codec, DISCONNECT)
    give(session, codec, CONNECT)
    assert give(session, codec, NO_SUCH) == [Release(), TOO_FAST]


# How large


def padded(codec: Codec, size: int, filler: str) -> str | bytes:
    """A valid request of exactly `size` bytes, where `filler` is two bytes of UTF-8."""
    bare = pack(codec, request("connect", connect_data(padding=""), 2))
    room = size - len(bare.encode() if isinstance(bare, str) else bare)
    payload = pack(codec, request("connect", connect_data(padding=filler * (room // 2) + "x" * (room % 2)), 2))
    assert len(payload.encode() if isinstance(payload, str) else payload) == size
    return payload


@pytest.mark.parametrize("filler", ["xx", "é"])
@pytest.mark.parametrize(
    ("state", "limit"),
    [
        (State.OPEN, 16 * 1024),
        (State.CHALLENGED, 16 * 1024),
        (State.CONNECTED, 64 * 1024),
        (State.DISCONNECTED, 16 * 1024),
    ],
)
def test_the_size_counts_in_bytes(codec: Codec, state: State, limit: int, filler: str) -> None:
    session = server_in(state, codec)
    assert session.max_message_bytes == limit
    session.receive(padded(codec, limit, filler), START)
    assert session.state is state
    session = server_in(state, codec)
    effects = session.receive(padded(codec, limit + 1, filler), START)
    name = "max_message_bytes" if state is State.CONNECTED else "max_message_bytes_before_auth"
    assert effects[-1] == Close(CloseCode.TOO_BIG, "the message is too big", limit=name)


@pytest.mark.parametrize("state", LIVE_STATES)
def test_text_that_cannot_be_utf8_is_counted_too(codec: Codec, state: State) -> None:
    effects = server_in(state, codec).receive("\ud800" * 30_000, START)
    assert isinstance(effects[-1], Close)
    assert effects[-1].code == 1009


# The time on what is sent


def times_of(codec: Codec, moments: list[float]) -> list[str]:
    session = server_in(State.CONNECTED, codec)
    payloads = [pack(codec, NO_SUCH)] * len(moments)
    effects = [session.receive(payload, now) for payload, now in zip(payloads, moments, strict=True)]
    return [unpack(codec, sent.payload)["time"] for (sent,) in effects if isinstance(sent, Send)]


def test_times_increase_by_a_microsecond_while_the_clock_stands_still(codec: Codec) -> None:
    # Two replies came before, at 0 and 1 µs.
    assert times_of(codec, [START] * 3) == [f"2023-11-14T22:13:20.00000{n}Z" for n in (2, 3, 4)]


def test_times_follow_the_clock(codec: Codec) -> None:
    assert times_of(codec, [START + 0.25, START + 0.25, START + 1.5]) == [
        "2023-11-14T22:13:20.250000Z",
        "2023-11-14T22:13:20.250001Z",
        "2023-11-14T22:13:21.500000Z",
    ]


# The reason of a close

REASONS = {
    "short": "short",
    "x" * 123: "x" * 123,
    "x" * 124: "x" * 123,
    "é" * 62: "é" * 61,
    "x" + "é" * 61: "x" + "é" * 61,
    "x" * 121 + "€": "x" * 121,
    "x" * 120 + "😀": "x" * 120,
    "lone \ud800": "lone ?",
    "": "",
}


@pytest.mark.parametrize("reason", REASONS, ids=ascii)
def test_a_close_reason_is_cut_between_characters(codec: Codec, reason: str) -> None:
    (close,) = server(codec).kick(Kick(CloseCode.KICKED, reason), START)
    assert close == Close(CloseCode.KICKED, REASONS[reason])
