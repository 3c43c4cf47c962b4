"""Messages for tests: the codecs take them as they are meant, and what encodes them encodes anything."""

from typing import Any

import pytest

from ric0_trio.protocol import (
    ChallengeReply,
    ChallengeRequest,
    ConnectReply,
    ConnectRequest,
    DecodeError,
    DisconnectRequest,
    JsonCodec,
    Reply,
    Request,
    available_codecs,
)
from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    HOME_KEY,
    NONCE,
    SERVER_KEY,
    USER_KEY,
    Plain,
    base64_of,
    challenge_reply_data,
    connect_data,
    connect_reply_data,
    pack,
    reply,
    request,
    unpack,
)

CODECS = {codec.subprotocol: codec for codec in available_codecs()}
GOOD: dict[str, tuple[Plain, type, type]] = {
    "challenge": (CHALLENGE, Request, ChallengeRequest),
    "connect": (CONNECT, Request, ConnectRequest),
    "disconnect": (DISCONNECT, Request, DisconnectRequest),
    "challenge reply": (reply(CHALLENGE, challenge_reply_data()), Reply, ChallengeReply),
    "connect reply": (reply(CONNECT, connect_reply_data()), Reply, ConnectReply),
}


@pytest.mark.parametrize("subprotocol", CODECS)
@pytest.mark.parametrize(("plain", "kind", "data"), GOOD.values(), ids=GOOD)
def test_good_ones_are_good(subprotocol: str, plain: Plain, kind: type, data: type) -> None:
    codec = CODECS[subprotocol]
    payload = pack(codec, plain)
    envelope: Any = codec.decode(payload)
    assert (type(envelope), type(envelope.data)) == (kind, data)
    assert unpack(codec, payload) == plain


@pytest.mark.parametrize("subprotocol", CODECS)
@pytest.mark.parametrize("plain", [{}, {"x": [1, None, {"y": 2.5}]}, request("", 7, -1, type="order")])
def test_anything_is_encoded(subprotocol: str, plain: Plain) -> None:
    codec = CODECS[subprotocol]
    payload = pack(codec, plain)
    assert isinstance(payload, codec.payload_type)
    assert unpack(codec, payload) == plain
    with pytest.raises(DecodeError):
        codec.decode(payload)


def test_what_is_no_object_is_encoded_in_json() -> None:
    assert pack(JsonCodec(), [1, "x"]) == '[1,"x"]'


def test_the_proofs_are_good() -> None:
    proof = USER_KEY.sign(bytes(HOME_KEY.public))
    assert connect_data(USER_KEY, HOME_KEY.public)["challenge"] == base64_of(proof)
    assert SERVER_KEY.public.verify(NONCE, SERVER_KEY.sign(NONCE))
    assert challenge_reply_data()["challenge_response"] == base64_of(SERVER_KEY.sign(NONCE))


def test_changes_win() -> None:
    assert request("poll", {}, 6, time="never", x=1) == {
        "time": "never",
        "type": "request",
        "name": "poll",
        "conversation": 6,
        "data": {},
        "x": 1,
    }
    assert connect_data(x=1)["x"] == 1
    assert reply(CONNECT, {}, "unknown_error", conversation=8)["conversation"] == 8
    assert challenge_reply_data(shown=HOME_KEY.public)["pubkey"]["key"] == HOME_KEY.public.key
