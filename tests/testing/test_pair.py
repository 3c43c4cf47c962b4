"""The pair of sessions: what passes, what is lost, and when it stops."""

import pytest

from ric0_trio.protocol import (
    Admit,
    ClientState,
    Close,
    CloseCode,
    Connected,
    ConnectRefused,
    Disconnected,
    JsonCodec,
    Kick,
    PrivateKey,
    Question,
    Refused,
    Release,
    Send,
    ServerFailed,
    ServerVerified,
    SessionLimits,
    Sign,
    State,
    Status,
    TimedOut,
    Verdict,
    Verify,
    available_codecs,
)
from ric0_trio.testing import (
    ADMITTED,
    HOME_KEY,
    SERVER_KEY,
    START,
    USER_KEY,
    Answer,
    Pair,
    VirtualClock,
    answer_to,
    in_turn,
    pack,
    request,
    rsa_key,
    user,
)

KICK = Kick(CloseCode.KICKED, "out")


@pytest.mark.parametrize("codec", available_codecs())
@pytest.mark.parametrize(("server_key", "user_key"), [(SERVER_KEY, rsa_key()), (rsa_key(), USER_KEY)])
def test_a_visit(codec: JsonCodec, server_key: PrivateKey, user_key: PrivateKey) -> None:
    pair = Pair(codec, server_key=server_key, user_key=user_key, expected_key=server_key.public)
    assert pair.challenge() == ServerVerified(server_key.public)
    assert isinstance(pair.connect(), Connected)
    assert pair.server.user == user(user_key.public)
    assert pair.disconnect("bye") == Disconnected()
    assert Release("bye") in pair.server_side.told
    assert (pair.client.state, pair.server.state) == (ClientState.VERIFIED, State.DISCONNECTED)
    assert pair.now == START


def test_a_client_that_expects_another_key() -> None:
    pair = Pair(expected_key=HOME_KEY.public)
    pair.challenge()
    failure, close = pair.client_side.told[-2:]
    assert isinstance(failure, ServerFailed)
    assert isinstance(close, Close)
    assert pair.server.state is State.CLOSED, "the close was delivered"


def test_verdicts_in_turn() -> None:
    pair = Pair(verdict=in_turn(Refused(Status.JOIN_TOKEN_REQUIRED), ADMITTED), join_token="t")  # noqa: S106
    pair.challenge()
    assert pair.connect() == ConnectRefused("join_token_required", None)
    assert isinstance(pair.connect(), Connected)
    pair.disconnect()
    assert isinstance(pair.connect(), Connected), "the last one is for all who come after"
    assert [admit.join_token for admit in pair.admissions] == ["t"] * 3


def test_a_verdict_that_depends() -> None:
    def judge(asked: Admit) -> Verdict:
        return ADMITTED if asked.user.pubkey == USER_KEY.public else Refused(Status.DISALLOWED_USER, "not you")

    friend, stranger = Pair(verdict=judge), Pair(verdict=judge, user_key=HOME_KEY)
    for pair in (friend, stranger):
        pair.challenge()
    assert isinstance(friend.connect(), Connected)
    assert stranger.connect() == ConnectRefused("disallowed_user", "not you")


def test_an_adapter_in_the_place_of_ours() -> None:
    asked: list[type] = []

    def answer(question: Question) -> Answer:
        asked.append(type(question))
        return answer_to(question)

    pair = Pair()
    pair.server_side.answer = answer
    pair.challenge()
    assert isinstance(pair.connect(), Connected)
    assert asked == [Sign, Verify, Admit]


# Stopping in between


def test_until_the_servers_question() -> None:
    pair = Pair()
    question = pair.challenge(until=Sign)
    assert question is pair.server.question
    assert isinstance(question, Sign)
    pair.settle()
    assert pair.client_side.told[-1] == ServerVerified(SERVER_KEY.public)
    assert isinstance(pair.connect(until=Verify), Verify)
    assert pair.admissions == []
    pair.settle(until=Admit)
    assert [pair.server.question] == pair.admissions
    pair.answer(pair.server_side)
    assert (pair.server.state, pair.client.state) == (State.CONNECTED, ClientState.CONNECTING)
    pair.deliver(pair.client_side)
    assert isinstance(pair.client_side.told[-1], Connected)


def test_nothing_to_answer_and_nothing_to_deliver() -> None:
    pair = Pair()
    for step in (pair.answer, pair.deliver):
        for side in (pair.client_side, pair.server_side):
            with pytest.raises(LookupError):
                step(side)


def test_until_what_is_never_asked() -> None:
    pair = Pair()
    with pytest.raises(AssertionError, match="the server never asked Admit"):
        pair.settle(until=Admit)


# The wire


@pytest.mark.parametrize("verdict", [ADMITTED, Refused(Status.UNRECOGNISED_USER)])
def test_a_cut_while_a_question_is_open(verdict: Verdict) -> None:
    pair = Pair(verdict=verdict)
    pair.challenge()
    pair.connect(until=Admit)
    pair.cut()
    assert (pair.client.state, pair.server.state) == (ClientState.CLOSED, State.CLOSED)
    assert [pair.server.question] == pair.admissions
    pair.settle()
    assert pair.server_side.told.count(Release()) == (verdict == ADMITTED)


def test_a_cut_loses_what_is_on_its_way() -> None:
    pair = Pair()
    pair.challenge()
    pair.connect(until=Admit)
    pair.answer(pair.server_side)
    assert len(pair.client_side.inbox) == 1
    pair.cut()
    pair.settle()
    assert not [effect for effect in pair.client_side.told if isinstance(effect, Connected)]
    assert pair.server_side.told[-1] == Release()


def test_a_kick_reaches_the_client() -> None:
    pair = Pair()
    pair.challenge()
    pair.connect()
    pair.carry_out(pair.server_side, pair.server.kick(KICK, pair.now))
    pair.settle()
    assert pair.client.state is ClientState.CLOSED


def test_what_no_client_would_send() -> None:
    pair = Pair()
    pair.server_side.inbox.append(pack(JsonCodec(), request("poll", {})))
    pair.settle()
    (close,) = pair.server_side.told
    assert isinstance(close, Close)
    assert close.code is CloseCode.POLICY
    assert pair.client.state is ClientState.CLOSED


# Time


def test_each_deadline_comes_when_it_is_due() -> None:
    clock = VirtualClock()
    pair = Pair(limits=SessionLimits(auth_timeout_s=30, answer_timeout_s=5), clock=clock)
    pair.challenge()
    pair.connect(until=Admit)
    clock.advance(1)
    pair.advance(3.5)
    assert pair.server_side.told[-1] == pair.server.question
    pair.advance(60)
    assert clock.now() == pair.now == START + 64.5
    reply, close = pair.server_side.told[-2:]
    assert isinstance(reply, Send)
    assert isinstance(close, Close)
    assert (reply.status, close.limit) == ("unknown_error", "answer_timeout_s")
    assert TimedOut("connect") in pair.client_side.told, "10 s on, as nothing was delivered meanwhile"
    sent_at = pair.client_side.told.index(TimedOut("connect"))
    assert isinstance(pair.client_side.told[sent_at + 1], Close)


def test_nothing_is_due_while_connected() -> None:
    pair = Pair()
    pair.challenge()
    pair.connect()
    pair.advance(1_000_000)
    assert pair.server.state is State.CONNECTED
    assert isinstance(pair.disconnect(), Disconnected)


def test_a_deadline_that_was_passed_by_is_told() -> None:
    pair = Pair()
    pair.clock.advance(11)
    pair.advance(0)
    assert [type(effect) for effect in pair.server_side.told] == [Close]


def test_time_does_not_step_back() -> None:
    pair = Pair()
    with pytest.raises(ValueError, match="time goes forward"):
        pair.advance(-1)
