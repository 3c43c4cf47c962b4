"""The short way for usual requests: it is taken for them, and gives what the long way gives."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ric0_trio.protocol import JsonCodec, Message, Reply, Request
from ric0_trio.protocol.usual_json import read_usual_request
from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    START_TEXT,
    Plain,
    connect_data,
    pack,
    request,
    rsa_key,
)
from tests import vectors
from tests.protocol.given import envelopes, payloads
from tests.protocol.pair import without

JSON = JsonCodec()
VECTORS = json.loads((Path(vectors.__file__).parent / "envelopes.json").read_bytes())["vectors"]
USUAL: dict[str, Plain] = {
    "challenge": CHALLENGE,
    "connect": CONNECT,
    "connect with RSA": request("connect", connect_data(rsa_key()), 2),
    "connect with a token": request("connect", {**connect_data(), "join_token": "letmein"}, 2),
    "disconnect": DISCONNECT,
    "disconnect with a reason": request("disconnect", {"reason": "bye"}, 4),
    "a null": request("disconnect", {"reason": None}, 4),
    "another offset": {**CHALLENGE, "time": "2023-11-14t23:13:20.1234567+01:00"},
    "another order": dict(reversed(CHALLENGE.items())),
}


def short_is_long(payload: str | bytes) -> bool:
    """Whether the short way is taken; if it is, it has to lead where the long way leads."""
    usual = read_usual_request(payload)
    if usual is None:
        return False
    meant = JSON.decode_any(payload)
    assert isinstance(meant, Request)
    assert usual == meant
    assert (type(usual.data), usual.time.utcoffset()) == (type(meant.data), meant.time.utcoffset())
    return True


def text_of(plain: Plain) -> str:
    return str(pack(JSON, plain))


# When it is taken


@pytest.mark.parametrize("case", USUAL)
def test_usual_requests_take_it(case: str) -> None:
    text = text_of(USUAL[case])
    assert short_is_long(text)
    assert short_is_long(text.encode())
    assert short_is_long(json.dumps(json.loads(text), indent=2))
    assert JSON.decode(text) == read_usual_request(text)


def places(plain: Plain, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The way to every object that is not a map of names: where an unknown key may be."""
    yield way
    for key, value in plain.items():
        if isinstance(value, dict) and key != "extensions":
            yield from places(value, (*way, key))


SKIPPED = {
    "null": "null",
    "out of range": "1e400",
    "too many digits": "9" * 5000,
    "half a pair": r'"\ud800"',
    "too deep": "[" * 40 + "]" * 40,
}
PLAIN_CONNECT: Plain = json.loads(text_of(CONNECT))


@pytest.mark.parametrize("way", list(places(PLAIN_CONNECT)), ids=".".join)
@pytest.mark.parametrize("kind", SKIPPED)
def test_an_unknown_key_takes_the_long_way(way: tuple[str, ...], kind: str) -> None:
    """What is unknown is only skipped, and msgspec looks less closely at what it skips."""
    plain: Plain = json.loads(text_of(CONNECT))
    place = plain
    for key in way:
        place = place[key]
    place["unknown"] = "HERE"
    assert read_usual_request(text_of(plain).replace('"HERE"', SKIPPED[kind])) is None


UNUSUAL: dict[str, Any] = {
    "a message": without({**CHALLENGE, "type": "message"}, "conversation"),
    "a reply": {**CHALLENGE, "type": "reply", "status": "success"},
    "another name": {**CHALLENGE, "name": "history"},
    "an odd conversation": {**CHALLENGE, "conversation": 3},
    "a conversation too large": {**CHALLENGE, "conversation": 2**32},
    "no data": without(CHALLENGE, "data"),
    "data that does not fit": {**CHALLENGE, "data": {}},
    "a leap second": {**CHALLENGE, "time": "2016-12-31T23:59:60Z"},
    "no such day": {**CHALLENGE, "time": "2023-02-29T00:00:00Z"},
    "a space for the T": {**CHALLENGE, "time": START_TEXT.replace("T", " ")},
    "an offset without its colon": {**CHALLENGE, "time": START_TEXT.replace("Z", "+0100")},
    "no offset": {**CHALLENGE, "time": START_TEXT.replace("Z", "")},
    "a list": [CHALLENGE],
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_what_is_wrong_or_rare_takes_the_long_way(case: str) -> None:
    assert read_usual_request(text_of(UNUSUAL[case])) is None


# Where it leads

# Pieces of JSON, and where one can be put into a text without always spoiling it.
MEMBERS = [
    *('"reason":"x"', '"patch":null', '"patch":0', '"name":"disconnect"', '"name":"connect"', '"type":"request"'),
    *('"conversation":1e400', '"conversation":0', '"conversation":3', '"time":"2016-12-31T23:59:60Z"', '"data":{}'),
    *('"challenge":"AAAA"', '"major":1e0', '"extensions":{"":[]}', '"extensions":{"x":[1]}', '"x":[1]', '"x":1e400'),
]
VALUES = [
    *(
        "0",
        "-0",
        "2",
        "2.0",
        "1e400",
        "9" * 400,
        "null",
        "true",
        "{}",
        "[]",
        "[0]",
        "[" * 40 + "]" * 40,
        '"user"',
        '""',
    ),
    *('"\\ud800"', '"\\ud83d\\ude00"', '"\\u0041"', '"\\u0000"', '"\0"', '"\ud800"', '"é"', '"AAAA"', '"AAA="'),
    *(f'"2023-11-14T22:13:{rest}"' for rest in ("20Z", "60Z", "20.5+01:00", "20.123456789-00:00", "20+0100", "20")),
]
NOISE = [" ", "\n", "\t", "\ufeff", ",", ":", "}", "]", '"', "\\", "e5", "."]
PLACES = {
    "member": re.compile(r"(?<=\{)(?=\")"),
    "value": re.compile(r'(?<=[:\[])(?:"[^"]*"|[0-9]+|\{\})'),
    "noise": re.compile(r"(?<=[{}\[\]:,])"),
}


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A usual request in which members are doubled or added, values replaced, and noise put in."""
    text = text_of(draw(st.sampled_from(list(USUAL.values()))))
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["member", "value", "value", "noise"]))
        piece = {"member": [f"{member}," for member in MEMBERS], "value": VALUES, "noise": NOISE}[kind]
        found = list(PLACES[kind].finditer(text))
        if found:
            begin, end = draw(st.sampled_from(found)).span()
            text = text[:begin] + draw(st.sampled_from(piece)) + text[end:]
    return text


@settings(max_examples=1000)
@given(texts() | payloads(JSON, list(USUAL.values())))
def test_any_payload_is_read_alike(payload: str | bytes) -> None:
    short_is_long(payload)
    if isinstance(payload, str):
        short_is_long(payload.encode("utf-8", "surrogatepass"))


@given(envelopes())
def test_any_envelope_is_read_alike(envelope: Message | Request | Reply) -> None:
    usual = isinstance(envelope, Request) and envelope.name in ("challenge", "connect", "disconnect")
    assert short_is_long(JSON.encode(envelope)) == usual


@pytest.mark.parametrize(
    "vector", [vector for vector in VECTORS if vector["encoding"] == "json"], ids=lambda v: v["shows"]
)
def test_any_vector_is_read_alike(vector: dict[str, Any]) -> None:
    short_is_long(vector["payload"])
