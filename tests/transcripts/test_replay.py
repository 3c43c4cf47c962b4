"""Replaying: what is the same, the first thing that is not, and files of any kind."""

import io
import json
from contextlib import suppress
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    pack,
)
from ric0_trio.transcript import Replayed, TranscriptError, replay
from ric0_trio.transcript.format import MAX_LINE_BYTES
from tests.protocol.pair import CODECS
from tests.transcripts.recorded import MemorySink, converse, record


@cache
def a_transcript(encoding: str = "json") -> list[bytes]:
    sink, codec = MemorySink(), CODECS[encoding]
    converse(record(codec, sink), [pack(codec, plain) for plain in (CHALLENGE, CONNECT, DISCONNECT)])
    return sink.written.splitlines(keepends=True)


LINES = a_transcript()
WHOLE = b"".join(LINES)


def played(*lines: bytes) -> Replayed:
    return replay(io.BytesIO(b"".join(lines)))


def changed(line: bytes, **changes: object) -> bytes:
    """A line with some keys that are others; None takes one away."""
    told = {**json.loads(line), **changes}
    return json.dumps({key: value for key, value in told.items() if value is not None}).encode() + b"\n"


def test_the_same() -> None:
    assert played(WHOLE) == Replayed(inputs=7, effects=7, end="over")


def test_one_that_just_ends_is_replayed_as_far_as_it_goes() -> None:
    for size in range(len(LINES[0]), len(WHOLE) - 1):
        replayed = played(WHOLE[:size])
        assert replayed.difference is None
        assert replayed.end == "missing"


def test_one_that_was_cut_says_why() -> None:
    replayed = played(*LINES[:4], b'{"end":"cut","why":"enough"}\n')
    assert replayed.difference is not None  # what a session tells is never cut from its input
    replayed = played(*LINES[:5], b'{"end":"cut","why":"enough"}\n')
    assert (replayed.difference, replayed.end, replayed.cut_why) == (None, "cut", "enough")


def test_an_effect_that_is_missing() -> None:
    told = played(*LINES[:2], *LINES[3:]).difference
    assert told is not None
    assert (told.line, told.input_line, told.expected, told.got) == (3, 2, None, LINES[2].decode().strip())
    assert told.input == LINES[1].decode().strip()


def test_an_effect_too_many() -> None:
    told = played(*LINES[:3], LINES[2], *LINES[3:]).difference
    assert told is not None
    assert (told.line, told.input_line, told.expected, told.got) == (4, 2, LINES[2].decode().strip(), None)


def test_an_input_that_the_core_refuses() -> None:
    told = played(*LINES[:3], LINES[1], *LINES[3:]).difference
    assert told is not None
    assert told.line == 4
    assert "receive" in str(told.got)
    assert "Sign" in str(told.got)


def test_time_that_steps_back() -> None:
    told = played(*LINES[:5], changed(LINES[1], at=0.0)).difference
    assert told is not None
    assert "stepped back" in str(told.got)


def test_a_byte_of_bson() -> None:
    lines = a_transcript("bson")
    assert played(*lines) == Replayed(inputs=7, effects=7, end="over")
    assert json.loads(lines[4])["reads"]["name"] == "challenge"
    assert played(*lines[:4], changed(lines[4], reads="anything"), *lines[5:]).difference is None
    told = played(*lines[:4], changed(lines[4], message="AAAA"), *lines[5:]).difference
    assert told is not None
    assert told.line == 5


@pytest.mark.parametrize(
    ("lines", "at", "problem"),
    [
        ([], 1, "the file is empty"),
        ([b"\n"], 1, "truncated"),
        ([b"\x7fELF\n"], 1, "malformed"),
        ([b"[]\n"], 1, "Expected `object`"),
        ([b"{}\n"], 1, "`transcript`"),
        ([b'{"transcript":2,"anything":"else"}\n'], 1, "of format 2, and this ric0-trio reads 1"),
        ([b'{"transcript":0}\n'], 1, "transcript"),
        ([changed(LINES[0], subprotocol="xml")], 1, "xml"),
        ([changed(LINES[0], begin=-1)], 1, "begin"),
        ([changed(LINES[0], begin=1e300)], 1, "begin"),
        ([changed(LINES[0], limits={"challenges": 0})], 1, "challenges"),
        ([changed(LINES[0], more=1)], 1, "more"),
        ([LINES[0], b"\n"], 2, "truncated"),
        ([LINES[0], b"{}\n"], 2, "one of `in`, `out` and `end`"),
        ([LINES[0], b'{"in":"lost","at":1,"out":"release"}\n'], 2, "one of"),
        ([LINES[0], LINES[2]], 2, "before the first input"),
        ([LINES[0], b'{"in":"sung","at":1}\n'], 2, "sung"),
        ([LINES[0], b'{"in":"lost"}\n'], 2, "at"),
        ([LINES[0], b'{"in":"lost","at":1,"why":"x"}\n'], 2, "why"),
        ([LINES[0], b'{"in":"lost","at":1e999}\n'], 2, "out of range"),
        ([LINES[0], b'{"in":"receive_json","at":1,"message":"\xff"}\n'], 2, "UTF-8"),
        (
            [LINES[0], b'{"in":"receive_json","at":1,"message":%s}\n' % (b"[" * 100_000 + b"]" * 100_000)],
            2,
            "recursion",
        ),
        ([LINES[0], b'{"in":"receive_withheld","at":1,"kind":"text","bytes":1e12}\n'], 2, "bytes"),
        ([*LINES[:3], b'{"in":"signed","at":1,"signature":"A"}\n'], 4, "base64"),
        ([LINES[0], b'{"in":"lost","at":1,"x":"%s"}\n' % (b"x" * MAX_LINE_BYTES)], 2, "longer than"),
    ],
)
def test_what_is_no_transcript(lines: list[bytes], at: int, problem: str) -> None:
    with pytest.raises(TranscriptError) as told:
        played(*lines)
    assert told.value.line == at
    assert problem in told.value.problem
    assert str(told.value).startswith(f"line {at}: ")


def test_without_bson(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ric0_trio.protocol.codec.bson", None)
    with pytest.raises(ImportError, match="BSON needs pymongo"):
        played(*a_transcript_head("bson"))


def a_transcript_head(encoding: str) -> list[bytes]:
    return [changed(LINES[0], subprotocol=encoding)]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("A" * 80)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)


@st.composite
def hostile_files(draw: st.DrawFn) -> bytes:
    """Lines of a transcript in any order, some with other values, some with bytes changed."""
    known = a_transcript(draw(st.sampled_from(["json", "bson"])))
    lines = [known[0], *draw(st.lists(st.sampled_from(known[1:]), max_size=6))]
    for number in range(len(lines)):
        match draw(st.sampled_from(["same", "same", "value", "deep value", "bytes"])):
            case "value":
                told: dict[str, Any] = msgspec.json.decode(lines[number])
                told[draw(st.sampled_from([*told, "new", "in", "out", "end"]))] = draw(values)
                lines[number] = msgspec.json.encode(told) + b"\n"
            case "deep value":
                told = msgspec.json.decode(lines[number])
                place = told
                while inner := [key for key, value in place.items() if isinstance(value, dict) and value]:
                    place = place[draw(st.sampled_from(inner))]
                    if draw(st.booleans()):
                        break
                place[draw(st.sampled_from(list(place)))] = draw(values)
                lines[number] = msgspec.json.encode(told) + b"\n"
            case "bytes":
                line = bytearray(lines[number])
                line[draw(st.integers(0, len(line) - 1))] = draw(st.integers(0, 255))
                lines[number] = bytes(line)
    return b"".join(lines)


@settings(max_examples=200, deadline=None)
@given(file=hostile_files() | st.binary(max_size=200))
def test_no_file_makes_it_fail(file: bytes) -> None:
    with suppress(TranscriptError):
        assert replay(io.BytesIO(file)).inputs <= file.count(b"\n")
