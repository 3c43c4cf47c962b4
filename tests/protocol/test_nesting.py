"""Nesting has one bound, in both encodings and on every version of Python."""

import pytest

from ric0_trio.protocol import BsonCodec, Codec, DecodeError, Request
from ric0_trio.protocol.codec import MAX_DEPTH
from ric0_trio.testing import DISCONNECT, pack


def nested_request(codec: Codec, depth: int, kind: str) -> str | bytes:
    """A good request, but for an unknown key in which the whole is `depth` deep."""
    inner: object = [] if kind == "list" else {}
    for level in range(depth - 2):
        inner = [inner] if kind == "list" or (kind == "both" and level % 2) else {"a": inner}
    return pack(codec, {**DISCONNECT, "unknown": inner})


@pytest.mark.parametrize("kind", ["object", "list", "both"])
def test_the_bound_itself_is_allowed(codec: Codec, kind: str) -> None:
    assert isinstance(codec.decode(nested_request(codec, MAX_DEPTH, kind)), Request)


@pytest.mark.parametrize("kind", ["object", "list", "both"])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 200])
def test_past_the_bound_nothing_is_an_envelope(codec: Codec, kind: str, depth: int) -> None:
    with pytest.raises(DecodeError, match="nested more than 32 deep"):
        codec.decode(nested_request(codec, depth, kind))


def test_past_what_a_decoder_can_take(codec: Codec) -> None:
    if codec.payload_type is str:
        payload: str | bytes = '{"a":' * 9000 + "1" + "}" * 9000
    else:
        payload = b"\x05\0\0\0\0"
        for _ in range(7000):
            payload = (len(payload) + 8).to_bytes(4, "little") + b"\x03a\0" + payload + b"\0"
    with pytest.raises(DecodeError):
        codec.decode(payload)


def test_past_the_bound_a_type_that_json_has_not_makes_no_difference() -> None:
    bson = pytest.importorskip("bson", reason="the extra bson is not installed")
    deep: object = b"bytes"
    for _ in range(MAX_DEPTH):
        deep = [deep]
    with pytest.raises(DecodeError, match="nested more than 32 deep"):
        BsonCodec().decode(bson.encode({**DISCONNECT, "unknown": deep}))
