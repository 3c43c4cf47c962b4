"""What holds for every input: nothing raises, nothing is lost between encode and decode."""

from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ric0_trio.protocol import (
    Admit,
    Admitted,
    BadRequest,
    ClientSession,
    ClientState,
    Close,
    Codec,
    DecodeError,
    Effect,
    Message,
    Refused,
    Release,
    Reply,
    Request,
    Send,
    ServerSession,
    Sign,
    State,
    Status,
    Verdict,
    Verify,
)
from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    SERVER_KEY,
    START,
    Plain,
    connect_data,
    request,
    rsa_key,
    unpack,
)
from tests.protocol.client_at import GOOD_SIGNED, GOOD_WELCOME, client_in, reply
from tests.protocol.given import envelopes, payloads
from tests.protocol.pair import CODECS, LIVE_STATES, server_in, without

TO_SERVER = [
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    request("connect", connect_data(rsa_key()), 2),
    request("message.send", {"text": "hello"}, 6),
    without(request("typing", {}, type="message"), "conversation"),
]
TO_CLIENT: list[Plain] = [
    GOOD_SIGNED,
    GOOD_WELCOME,
    reply("connect", "disallowed_user", {"disallowed_user_reason": "no"}, 2),
    reply("disconnect", "success", {}, 4),
    request("poll", {}, 1),
]
REPLY_DUE = {
    ClientState.CHALLENGING: GOOD_SIGNED,
    ClientState.CONNECTING: GOOD_WELCOME,
    ClientState.DISCONNECTING: TO_CLIENT[3],
}
KEYS_OF_ALL = ("time", "type", "name", "data")
codecs = st.sampled_from(list(CODECS.values()))


@given(st.data(), codecs, envelopes())
def test_what_is_encoded_decodes_to_the_same(
    data: st.DataObject, codec: Codec, envelope: Message | Request | Reply
) -> None:
    payload = codec.encode(envelope)
    assert isinstance(payload, codec.payload_type)
    assert codec.decode(payload) == envelope


@given(codecs, envelopes())
def test_what_is_sent_has_its_keys_in_order_and_a_time_to_the_microsecond(
    codec: Codec, envelope: Message | Request | Reply
) -> None:
    sent = unpack(codec, codec.encode(envelope))
    assert list(sent) == [
        key
        for key in ("time", "type", "name", "conversation", "status", "data")
        if key in (*KEYS_OF_ALL, *dir(envelope))
    ]
    assert sent["time"] == envelope.time.isoformat(timespec="microseconds").replace("+00:00", "Z")


@settings(max_examples=500)
@given(st.data(), codecs)
def test_a_payload_decodes_or_is_refused(data: st.DataObject, codec: Codec) -> None:
    payload = data.draw(payloads(codec, TO_SERVER + TO_CLIENT))
    if not isinstance(payload, codec.payload_type):
        return
    try:
        envelope = codec.decode(payload)
    except DecodeError:
        return
    assert isinstance(envelope, Message | Request | Reply | BadRequest)
    if isinstance(envelope, Message | Request):  # what is decoded can be sent again
        assert codec.decode(codec.encode(envelope)) == envelope


def answer_server(data: st.DataObject, session: ServerSession, question: Sign | Verify | Admit) -> tuple[Effect, ...]:
    match question:
        case Sign():
            return session.answer(data.draw(st.just(SERVER_KEY.sign(question.message)) | st.binary()), START)
        case Verify():
            assert isinstance(question.answer(), bool)  # the keys and the bytes are a stranger's
            return session.answer(data.draw(st.booleans()), START)
    verdicts: list[Verdict] = [Admitted(), Refused(Status.DISALLOWED_USER, "no"), Refused(Status.UNKNOWN_ERROR)]
    return session.answer(data.draw(st.sampled_from(verdicts)), START)


def check(effects: Sequence[Effect], allowed: tuple[type[Effect], ...]) -> None:
    assert isinstance(effects, tuple)
    assert all(isinstance(effect, allowed) for effect in effects)


@settings(max_examples=300)
@pytest.mark.parametrize("state", LIVE_STATES)
@given(st.data(), codecs)
def test_nothing_that_a_client_sends_raises(state: State, data: st.DataObject, codec: Codec) -> None:
    session = server_in(state, codec)
    for _ in range(data.draw(st.integers(1, 4))):
        check(
            session.receive(data.draw(payloads(codec, TO_SERVER)), START), (Send, Close, Release, Sign, Verify, Admit)
        )
        while session.question is not None:
            check(answer_server(data, session, session.question), (Send, Verify, Admit))
        assert (session.user is not None) == (session.state is State.CONNECTED)


@settings(max_examples=200)
@pytest.mark.parametrize("state", [state for state in ClientState if state is not ClientState.CLOSED])
@given(st.data(), codecs)
def test_nothing_that_a_server_sends_raises(state: ClientState, data: st.DataObject, codec: Codec) -> None:
    session = client_in(state, codec)
    due = [REPLY_DUE[state]] * 4 if state in REPLY_DUE else []
    for _ in range(data.draw(st.integers(1, 3))):
        check(session.receive(data.draw(payloads(codec, TO_CLIENT + due)), START), get_args(Effect))
        if isinstance(session.question, Verify):
            assert isinstance(session.question.answer(), bool)
            check(session.answer(data.draw(st.booleans()), START), get_args(Effect))
    assert session.question is None
    assert isinstance(session, ClientSession)
