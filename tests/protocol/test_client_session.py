"""The client's half: what it asks, what it believes, and when it leaves."""

from collections.abc import Callable

import msgspec
import pytest

from ric0_trio.protocol import (
    ClientSession,
    ClientState,
    Close,
    CloseCode,
    Codec,
    Connected,
    ConnectRefused,
    Disconnected,
    LocalProtocolError,
    Refused,
    Send,
    ServerFailed,
    ServerVerified,
    Sign,
    State,
    Status,
    TimedOut,
    Verify,
)
from ric0_trio.testing import (
    NONCE,
    SERVER_KEY,
    START,
    USER_KEY,
    base64_of,
    pack,
    rsa_key,
    unpack,
    user,
)
from tests.protocol.client_at import GOOD_SIGNED, OTHER_KEY, PROFILE, check_failed, client_in
from tests.protocol.pair import Pair

# With a real server


def test_a_whole_visit(codec: Codec) -> None:
    for server_key, user_key in ((SERVER_KEY, USER_KEY), (rsa_key(), USER_KEY), (SERVER_KEY, rsa_key())):
        pair = Pair(codec, server_key=server_key, user_key=user_key)
        assert pair.challenge() == ServerVerified(server_key.public)
        assert pair.client.server_key == server_key.public
        connected = pair.connect()
        assert isinstance(connected, Connected)
        assert connected.reply.server_app.extensions == {"org.example.poll": [3]}
        assert pair.server.user == user(user_key.public)
        assert pair.disconnect("going home") == Disconnected()
        assert (pair.client.state, pair.server.state) == (ClientState.VERIFIED, State.DISCONNECTED)
        assert isinstance(pair.connect(), Connected)


def test_a_refused_user_may_try_again(codec: Codec) -> None:
    pair = Pair(codec, verdict=Refused(Status.DISALLOWED_CLIENT, "too old"))
    pair.challenge()
    assert pair.connect() == ConnectRefused("disallowed_client", "too old")
    pair.verdict = Refused(Status.DISALLOWED_USER, "not you")
    assert pair.connect() == ConnectRefused("disallowed_user", "not you")
    pair.verdict = Refused(Status.INVALID_JOIN_TOKEN)
    assert pair.connect() == ConnectRefused("invalid_join_token", None)
    assert (pair.client.state, pair.client.deadline) == (ClientState.VERIFIED, None)
    pair.verdict = Pair(codec).verdict
    assert isinstance(pair.connect(), Connected)


def test_the_token_is_brought(codec: Codec) -> None:
    pair = Pair(codec, join_token="let me in")  # noqa: S106 - a token of the test
    pair.challenge()
    pair.connect()
    assert [admission.join_token for admission in pair.admissions] == ["let me in"]
    assert "let me in" not in repr(pair.profile)


def test_the_expected_key(codec: Codec) -> None:
    assert isinstance(Pair(codec, expected_key=SERVER_KEY.public).challenge(), ServerVerified)
    pair = Pair(codec, expected_key=OTHER_KEY.public)
    pair.challenge()
    check_failed(pair.client, pair.client_side.told[-2:], 1008, identity=True)
    assert [type(effect) for effect in pair.client_side.told] == [Send, ServerFailed, Close]


# What it sends


def test_the_requests_have_even_ids_and_increasing_times(codec: Codec) -> None:
    pair = Pair(codec)
    for exchange in (pair.challenge, pair.connect, pair.disconnect, pair.connect):
        exchange()
    sent = [unpack(codec, effect.payload) for effect in pair.client_side.told if isinstance(effect, Send)]
    assert [plain["name"] for plain in sent] == ["challenge", "connect", "disconnect", "connect"]
    assert [plain["conversation"] for plain in sent] == [0, 2, 4, 6]
    assert [plain["time"][-5:-1] for plain in sent] == ["0000", "0001", "0002", "0003"]


def test_a_proof_is_never_asked_for_before_the_server_is_verified(codec: Codec) -> None:
    session = client_in(ClientState.CHALLENGING, codec)
    (question,) = session.receive(pack(codec, GOOD_SIGNED), START)
    assert question == Verify(SERVER_KEY.public, NONCE, SERVER_KEY.sign(NONCE))
    assert session.server_key is None
    with pytest.raises(LocalProtocolError):
        session.connect(PROFILE, START)
    assert session.answer(True, START) == (ServerVerified(SERVER_KEY.public),)
    assert session.connect(PROFILE, START) == (Sign(bytes(SERVER_KEY.public)),)


@pytest.mark.parametrize("size", [0, 15, 129])
def test_a_nonce_has_a_size(codec: Codec, size: int) -> None:
    with pytest.raises(LocalProtocolError, match=f"{size} bytes"):
        ClientSession(codec, bytes(size))


@pytest.mark.parametrize("size", [16, 128])
def test_a_nonce_of_either_end(codec: Codec, size: int) -> None:
    (sent,) = ClientSession(codec, bytes(size)).challenge(START)
    assert isinstance(sent, Send)
    assert unpack(codec, sent.payload)["data"] == {"challenge": base64_of(bytes(size))}


# Time and endings


@pytest.mark.parametrize("state", [ClientState.CHALLENGING, ClientState.CONNECTING, ClientState.DISCONNECTING])
def test_a_reply_that_does_not_come(codec: Codec, state: ClientState) -> None:
    name = {"CHALLENGING": "challenge", "CONNECTING": "connect", "DISCONNECTING": "disconnect"}[state.value]
    session = client_in(state, codec)
    assert session.deadline == START + 10
    assert session.handle_timeout(START + 9.9) == ()
    timed_out, close = session.handle_timeout(START + 10)
    assert timed_out == TimedOut(name)
    assert close == Close(CloseCode.POLICY, "the server did not answer in time")
    assert session.handle_timeout(START + 20) == ()
    assert session.state is ClientState.CLOSED


def test_a_time_out_is_told_of_later_as_well(codec: Codec) -> None:
    session = client_in(ClientState.CHALLENGING, codec)
    assert [type(effect) for effect in session.handle_timeout(START + 10.5)] == [TimedOut, Close]


def test_a_clients_clock_begins_with_the_epoch(codec: Codec) -> None:
    assert ClientSession(codec, NONCE).challenge(0.0)
    with pytest.raises(LocalProtocolError, match=r"stepped back, from 0\.0 to -0\.5"):
        ClientSession(codec, NONCE).challenge(-0.5)


@pytest.mark.parametrize("state", [ClientState.OPEN, ClientState.VERIFIED, ClientState.CONNECTED, ClientState.CLOSED])
def test_nothing_is_waited_for(codec: Codec, state: ClientState) -> None:
    session = client_in(state, codec)
    assert session.deadline is None
    assert session.handle_timeout(START + 1_000_000) == ()
    assert session.state is state


def test_closed_is_closed(codec: Codec) -> None:
    session = client_in(ClientState.CLOSED, codec)
    for payload in (pack(codec, GOOD_SIGNED), b"", ""):
        assert session.receive(payload, START) == ()
    assert session.connection_lost(START) == ()


END: dict[str, Callable[[ClientSession], object]] = {
    "lost": lambda s: s.connection_lost(START),
    "timed out": lambda s: s.handle_timeout(START + 10),
}


@pytest.mark.parametrize("ending", END)
def test_an_answer_after_the_end(codec: Codec, ending: str) -> None:
    verifying = client_in(ClientState.CHALLENGING, codec)
    verifying.receive(pack(codec, GOOD_SIGNED), START)
    signing = client_in(ClientState.VERIFIED, codec)
    signing.connect(PROFILE, START)
    END[ending](verifying)
    END[ending](signing)
    assert verifying.answer(True, START + 10) == ()
    assert signing.answer(b"proof", START + 10) == ()
    assert (verifying.server_key, verifying.question, signing.question) == (None, None, None)


# What the embedder must not do

NEEDS: dict[str, tuple[ClientState, Callable[[ClientSession], object]]] = {
    "challenge": (ClientState.OPEN, lambda s: s.challenge(START)),
    "connect": (ClientState.VERIFIED, lambda s: s.connect(PROFILE, START)),
    "disconnect": (ClientState.CONNECTED, lambda s: s.disconnect(None, START)),
}


@pytest.mark.parametrize("state", ClientState)
@pytest.mark.parametrize("name", NEEDS)
def test_each_request_is_for_one_state(codec: Codec, name: str, state: ClientState) -> None:
    needed, start = NEEDS[name]
    session = client_in(state, codec)
    if state is needed:
        start(session)
        return
    with pytest.raises(LocalProtocolError, match=f"{name} is for the state {needed.value}"):
        start(session)
    assert session.state is state


def test_answers_of_another_kind(codec: Codec) -> None:
    session = client_in(ClientState.CHALLENGING, codec)
    with pytest.raises(LocalProtocolError, match="no question is open"):
        session.answer(True, START)
    session.receive(pack(codec, GOOD_SIGNED), START)
    with pytest.raises(LocalProtocolError, match="bytes is no answer to Verify"):
        session.answer(b"", START)
    with pytest.raises(LocalProtocolError, match="while Verify waits"):
        session.receive(pack(codec, GOOD_SIGNED), START)
    session.answer(True, START)
    session.connect(PROFILE, START)
    with pytest.raises(LocalProtocolError, match="bool is no answer to Sign"):
        session.answer(True, START)


def test_a_reason_that_the_server_would_refuse(codec: Codec) -> None:
    session = client_in(ClientState.CONNECTED, codec)
    with pytest.raises(LocalProtocolError, match="513 characters"):
        session.disconnect("r" * 513, START)
    session.disconnect("r" * 512, START)


UNSENDABLE = {"a reason": "reason has a lone surrogate", "a token": "token has a lone surrogate", "a long token": "257"}


@pytest.mark.parametrize(("what", "problem"), UNSENDABLE.items(), ids=UNSENDABLE)
def test_text_that_cannot_be_sent_changes_nothing(codec: Codec, what: str, problem: str) -> None:
    state = ClientState.CONNECTED if what == "a reason" else ClientState.VERIFIED
    session = client_in(state, codec)
    token = "t" * 257 if what == "a long token" else "\ud800"
    profile = msgspec.structs.replace(PROFILE, join_token=token)
    with pytest.raises(LocalProtocolError, match=problem):
        session.disconnect("\ud800", START) if what == "a reason" else session.connect(profile, START)
    assert session.state is state


def test_surrogates_alone_cannot_be_sent(codec: Codec) -> None:
    for char in "\ud7ff\ue000😀":
        (sent,) = client_in(ClientState.CONNECTED, codec).disconnect(char, START)
        assert isinstance(sent, Send)
        assert unpack(codec, sent.payload)["data"] == {"reason": char}
    for char in "\ud800\udbff", "\udc00", "\udfff":
        with pytest.raises(LocalProtocolError, match="lone surrogate"):
            client_in(ClientState.CONNECTED, codec).disconnect(char, START)


STEPS_BACK: dict[str, Callable[[ClientSession], object]] = {
    "challenge": lambda s: s.challenge(START - 1),
    "receive": lambda s: s.receive("", START - 1),
    "answer": lambda s: s.answer(b"", START - 1),
    "handle_timeout": lambda s: s.handle_timeout(START - 1),
    "connection_lost": lambda s: s.connection_lost(START - 1),
}


@pytest.mark.parametrize("step", STEPS_BACK)
def test_time_does_not_step_back(codec: Codec, step: str) -> None:
    session = client_in(ClientState.CHALLENGING, codec)
    with pytest.raises(LocalProtocolError, match="stepped back"):
        STEPS_BACK[step](session)
