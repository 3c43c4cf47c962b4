"""The traps of BSON: types that JSON has not, and lengths that lie."""

import struct
from datetime import UTC, datetime

import pytest

from ric0_trio.protocol import BadRequest, BsonCodec, DecodeError, DisconnectRequest, Envelope, Message, Request, State
from ric0_trio.testing import (
    CHALLENGE,
    DISCONNECT,
    START,
    Plain,
    request,
    the_reply,
)
from tests.protocol.pair import server_in, without

bson = pytest.importorskip("bson", reason="the extra bson is not installed")

CODEC = BsonCodec()
GOOD = request("poll", {}, 2)
EMPTY_DOCUMENT = b"\x05\x00\x00\x00\x00"


def decode(plain: Plain) -> Envelope:
    return CODEC.decode(bson.encode(plain))


def document(*elements: bytes) -> bytes:
    """A document of raw elements: what no encoder would write."""
    body = b"".join(elements) + b"\0"
    return struct.pack("<i", len(body) + 4) + body


def elements_of(plain: Plain) -> bytes:
    return bytes(bson.encode(plain))[4:-1]


def datetime_element(key: bytes, milliseconds: int) -> bytes:
    return b"\x09" + key + b"\0" + struct.pack("<q", milliseconds)


EXOTIC = {
    "ObjectId": bson.ObjectId("0123456789ab0123456789ab"),
    "regular expression": bson.Regex("a+"),
    "binary": b"bytes",
    "binary of a user's subtype": bson.Binary(b"bytes", 128),
    "Decimal128": bson.Decimal128("1.5"),
    "not a number": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "code": bson.Code("f()"),
    "code with a scope": bson.Code("f()", {"a": 1}),
    "timestamp": bson.Timestamp(1, 2),
    "the smallest key": bson.MinKey(),
    "the largest key": bson.MaxKey(),
}
DATE = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize("kind", [*EXOTIC, "datetime"])
def test_an_exotic_type_makes_a_bad_request(kind: str) -> None:
    value = EXOTIC.get(kind, DATE)
    for plain in (
        {**GOOD, "data": {"key": value}},
        {**GOOD, "data": {"list": [1, {"key": value}]}},
        {**GOOD, "data": value},
        {**GOOD, "unknown": value},
        {**GOOD, "also unknown": value},
    ):
        decoded = decode(plain)
        assert isinstance(decoded, BadRequest)
        assert (decoded.name, decoded.conversation) == ("poll", 2)


@pytest.mark.parametrize("kind", EXOTIC)
def test_an_exotic_type_in_the_head(kind: str) -> None:
    value = EXOTIC[kind]
    assert isinstance(decode({**GOOD, "time": value}), BadRequest)
    nameless = decode({**GOOD, "name": value})
    assert isinstance(nameless, BadRequest)
    assert nameless.name == ""
    for key in ("type", "conversation"):
        with pytest.raises(DecodeError):
            decode({**GOOD, key: value})
    with pytest.raises(DecodeError):
        decode({**without(GOOD, "conversation"), "type": "message", "data": {"key": value}})


def test_code_that_reads_like_the_right_word_is_none() -> None:
    with pytest.raises(DecodeError):
        decode({**GOOD, "type": bson.Code("request")})
    nameless = decode({**GOOD, "name": bson.Code("challenge")})
    assert isinstance(nameless, BadRequest)
    assert nameless.name == ""


@pytest.mark.parametrize("state", [State.OPEN, State.CHALLENGED, State.CONNECTED, State.DISCONNECTED])
def test_code_as_a_name_does_not_raise(state: State) -> None:
    session = server_in(state, CODEC)
    effects = session.receive(bson.encode({**CHALLENGE, "name": bson.Code("challenge")}), START)
    if state is State.CONNECTED:
        assert the_reply(CODEC, effects)["status"] == "invalid_message"
    else:
        assert session.state is State.CLOSED


def test_a_datetime_is_a_time() -> None:
    assert decode({**GOOD, "time": DATE}) == decode({**GOOD, "time": "2023-11-14T22:13:20Z"})


@pytest.mark.parametrize("milliseconds", [-(2**63), -62135596800001, 253402300800000, 2**63 - 1])
def test_a_datetime_that_no_calendar_has_is_a_bad_time(milliseconds: int) -> None:
    rest = elements_of(without(GOOD, "time"))
    assert isinstance(CODEC.decode(document(rest, datetime_element(b"time", milliseconds))), BadRequest)
    message = elements_of({"type": "message", "name": "typing", "data": {}})
    assert isinstance(CODEC.decode(document(message, datetime_element(b"time", 0))), Message)
    with pytest.raises(DecodeError):
        CODEC.decode(document(message, datetime_element(b"time", milliseconds)))


@pytest.mark.parametrize("value", [2, bson.Int64(2)])
def test_both_sizes_of_integers(value: int) -> None:
    decoded = decode({**GOOD, "conversation": value, "data": {"key": value, "large": 2**40}})
    assert isinstance(decoded, Request)
    assert type(decoded.conversation) is int
    bad = decode({**GOOD, "conversation": value, "data": {"key": b"bytes"}})
    assert isinstance(bad, BadRequest)
    assert (bad.conversation, type(bad.conversation)) == (2, int)


def test_everything_that_json_has_is_taken() -> None:
    data: Plain = {"null": None, "yes": True, "n": 1, "x": 1.5, "text": "é\0", "list": [1, [2]], "object": {"a": {}}}
    assert isinstance(decode({**GOOD, "data": data}), Request)


@pytest.mark.parametrize(
    "more", [{}, {"$id": 1}, {"$id": 1, "$db": "b"}, {"$id": None, "deep": {"$ref": "a", "$id": 2}}]
)
def test_an_object_is_no_reference_for_its_keys(more: Plain) -> None:
    """The library makes such objects DBRefs, in JSON they are objects like any other."""
    decoded = decode({**DISCONNECT, "data": {"$ref": "a", **more, "reason": "bye"}, "unknown": {"$ref": "a", **more}})
    assert isinstance(decoded, Request)
    assert decoded.data == DisconnectRequest("bye")
    bad = decode({**DISCONNECT, "data": {"$ref": "a", "$id": b"bytes", **more, "more": b"bytes"}})
    assert isinstance(bad, BadRequest)


def test_the_last_of_duplicate_keys_wins() -> None:
    rest = elements_of(DISCONNECT)
    for first in (elements_of({"type": 5}), elements_of({"name": None, "time": 5})):
        assert isinstance(CODEC.decode(document(first, rest)), Request)
    data = document(elements_of({"reason": 5}), elements_of({"reason": "bye"}))
    decoded = CODEC.decode(document(rest, b"\x03data\0" + data))
    assert isinstance(decoded, Request)
    assert decoded.data == DisconnectRequest("bye")
    with pytest.raises(DecodeError):
        CODEC.decode(document(rest, elements_of({"type": 5})))


GOOD_BYTES = bytes(bson.encode(GOOD))
NO_BSON = {
    "nothing": b"",
    "a byte behind": GOOD_BYTES + b"\0",
    "a document behind": GOOD_BYTES + EMPTY_DOCUMENT,
    "the last byte is missing": GOOD_BYTES[:-1],
    "half of it": GOOD_BYTES[: len(GOOD_BYTES) // 2],
    "no end": GOOD_BYTES[:-1] + b"\1",
    "a length too small": b"\x04\0\0\0" + GOOD_BYTES[4:],
    "a length too large": b"\xff\xff\xff\x7f" + GOOD_BYTES[4:],
    "a negative length": b"\xff\xff\xff\xff" + GOOD_BYTES[4:],
    "an unknown type": document(b"\x42name\0"),
    "text with a length that lies": document(b"\x02name\0\xff\0\0\0x\0"),
    "text that is no UTF-8": document(b"\x02name\0\x02\0\0\0\xff\0"),
    "a surrogate": document(b"\x02name\0\x04\0\0\0\xed\xa0\x80\0"),
    "a key that is no UTF-8": document(b"\x0a\xff\0"),
    "a boolean of 2": document(b"\x08yes\0\x02"),
    "an empty document": EMPTY_DOCUMENT,
}


@pytest.mark.parametrize("case", NO_BSON)
def test_what_is_no_bson_envelope(case: str) -> None:
    with pytest.raises(DecodeError):
        CODEC.decode(NO_BSON[case])


def nested(depth: int, kind: bytes, key: bytes) -> bytes:
    raw = EMPTY_DOCUMENT
    for _ in range(depth):
        raw = document(kind + key + b"\0" + raw)
    return raw


@pytest.mark.parametrize("depth", [10, 300, 480, 490, 500, 600, 900, 990, 1000, 4000])
@pytest.mark.parametrize(("kind", "key"), [(b"\x03", b"a"), (b"\x04", b"0")])
@pytest.mark.parametrize("place", ["data", "name", "type", "time", "conversation", "unknown"])
def test_deep_documents_never_raise_anything_else(depth: int, kind: bytes, key: bytes, place: str) -> None:
    deep = kind + place.encode() + b"\0" + nested(depth, kind, key)
    exotic = elements_of({"unknown": b"bytes"})
    for payload in (document(elements_of(GOOD), deep), document(elements_of(GOOD), exotic, deep)):
        try:
            decoded = CODEC.decode(payload)
        except DecodeError:
            continue
        assert isinstance(decoded, Request | BadRequest)
