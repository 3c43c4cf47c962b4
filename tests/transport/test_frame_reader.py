"""The short way through usual frames gives what wsproto gives: for any frames, in any pieces."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.transport.errors import FrameError
from ric0_trio.transport.frame_reader import FrameReader
from ric0_trio.transport.frames import Excess, FrameMeter

MAX_MESSAGE_BYTES = 300
CONTROL_FRAMES = 3

Seen = tuple[str, object]


def raw_frame(first: int, payload: bytes, mask: bytes, length_bytes: int = 0, *, masked: bool = True) -> bytes:
    """A frame with whatever first byte, and its length in the shortest form, or in `length_bytes` bytes."""
    size = len(payload)
    length_bytes = length_bytes or (0 if size < 126 else 2 if size < 65536 else 8)
    short = {0: size & 0x7F, 2: 126, 8: 127}[length_bytes]
    head = bytes((first, short | (0x80 if masked else 0))) + (size.to_bytes(length_bytes) if length_bytes else b"")
    if not masked:
        return head + payload
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


MASKS = st.binary(min_size=4, max_size=4)
TEXTS = st.text(max_size=80).map(str.encode)
SHORT_TEXTS = TEXTS.filter(lambda text: len(text) < 126)
USUAL = st.builds(raw_frame, st.sampled_from([0x81, 0x81, 0x81, 0x82, 0x8A]), SHORT_TEXTS, MASKS)
GOODBYES = st.sampled_from([b"", b"\x03\xe8", b"\x03\xe9", b"\x03\xed", b"\x03\xe8bye", b"x"])
UNUSUAL = st.one_of(
    st.builds(raw_frame, st.sampled_from([0x01, 0x02, 0x00, 0x80, 0x89, 0x8A, 0x81]), TEXTS, MASKS),
    st.builds(raw_frame, st.sampled_from([0x81, 0x82]), st.binary(max_size=400), MASKS, st.sampled_from([0, 2, 8])),
    st.builds(raw_frame, st.just(0x88), GOODBYES, MASKS),
    st.builds(raw_frame, st.integers(0, 255), st.binary(max_size=130), MASKS, masked=st.booleans()),
)
STREAMS = st.lists(st.one_of(USUAL, USUAL, UNUSUAL), max_size=8).map(b"".join)


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """The same bytes in pieces."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[begin:end] for begin, end in pairwise(ends)]


def bucket() -> TokenBucket:
    return TokenBucket(CONTROL_FRAMES, 0, 0)


def read(pieces: Sequence[bytes]) -> list[Seen]:
    """What the reader makes of it, to the first that ends it."""
    reader, seen = FrameReader(MAX_MESSAGE_BYTES, bucket()), list[Seen]()
    for piece in pieces:
        reader.feed(piece)
        try:
            while (received := reader.next(0)) is not None:
                match received:
                    case Ping(payload):
                        seen.append(("ping", bytes(payload)))
                    case CloseConnection(code, reason):
                        return [*seen, ("close", (int(code), reason or ""))]
                    case message:
                        seen.append(("message", message))
        except FrameError as error:
            return [*seen, ("error", (int(error.code), error.excess))]
    return seen


def read_with_wsproto(pieces: Sequence[bytes]) -> list[Seen]:
    """What wsproto makes of it behind a meter, as in the plain adapter."""
    meter, wsproto = FrameMeter(MAX_MESSAGE_BYTES, bucket()), Connection(ConnectionType.SERVER)
    seen, parts = list[Seen](), list[str | bytes | bytearray]()
    for piece in pieces:
        wsproto.receive_data(piece[: meter.feed(piece, 0)])
        for event in wsproto.events():
            match event:
                case TextMessage(data) | BytesMessage(data):
                    parts.append(data)
                    if event.message_finished:
                        empty = "" if isinstance(data, str) else b""
                        seen.append(("message", empty.join(parts)))  # type: ignore[arg-type]
                        parts.clear()
                case Ping(payload):
                    seen.append(("ping", bytes(payload)))
                case CloseConnection(code, reason) if wsproto.state is ConnectionState.REMOTE_CLOSING:
                    return [*seen, ("close", (int(code), reason or ""))]
                case CloseConnection(code):
                    return [*seen, ("error", (int(code), None))]
        if meter.problem is not None:
            code = 1008 if meter.problem is Excess.CONTROL_FRAMES else 1009
            return [*seen, ("error", (code, meter.problem))]
    return seen


@given(STREAMS, st.lists(st.integers(0, 2000), max_size=6))
def test_any_frames_in_any_pieces(stream: bytes, places: list[int]) -> None:
    pieces = cut(stream, places)
    assert read(pieces) == read_with_wsproto(pieces)


@given(st.lists(USUAL, max_size=6).map(b"".join))
def test_byte_by_byte(stream: bytes) -> None:
    pieces = [stream[place : place + 1] for place in range(len(stream))]
    assert read(pieces) == read_with_wsproto(pieces)


MASK = b"abcd"
CASES: dict[str, tuple[bytes, list[Seen]]] = {
    "a text": (raw_frame(0x81, "Zoë".encode(), MASK), [("message", "Zoë")]),
    "bytes": (raw_frame(0x82, b"\0\xff", MASK), [("message", b"\0\xff")]),
    "an empty text": (raw_frame(0x81, b"", MASK), [("message", "")]),
    "two in one piece": (2 * raw_frame(0x81, b"x" * 200, MASK), [("message", "x" * 200), ("message", "x" * 200)]),
    "fragments": (raw_frame(0x01, b"a", MASK) + raw_frame(0x80, b"b", MASK), [("message", "ab")]),
    "a usual one after fragments": (
        raw_frame(0x01, b"a", MASK) + raw_frame(0x80, b"b", MASK) + raw_frame(0x81, b"c", MASK),
        [("message", "ab"), ("message", "c")],
    ),
    "a text that is no UTF-8": (raw_frame(0x81, b"\xff", MASK), [("error", (1007, None))]),
    "no mask": (raw_frame(0x81, b"hello", MASK, masked=False), [("error", (1002, None))]),
    "a length in more bytes than it needs": (raw_frame(0x81, b"x", MASK, 2), [("error", (1002, None))]),
    "too big": (raw_frame(0x82, bytes(301), MASK), [("error", (1009, Excess.BYTES))]),
    "as big as may be": (raw_frame(0x82, bytes(300), MASK), [("message", bytes(300))]),
    "pongs, and one too many": (4 * raw_frame(0x8A, b"", MASK), [("error", (1008, Excess.CONTROL_FRAMES))]),
    "a Close frame": (raw_frame(0x88, b"\x03\xe8", MASK), [("close", (1000, ""))]),
    "a Close frame that says nothing": (raw_frame(0x88, b"", MASK), [("close", (1005, ""))]),
    "a Close frame with a code that is never sent": (raw_frame(0x88, b"\x03\xed", MASK), [("error", (1002, None))]),
    "a Close frame with words": (raw_frame(0x88, b"\x03\xe8bye", MASK), [("close", (1000, "bye"))]),
}


@pytest.mark.parametrize(("stream", "seen"), CASES.values(), ids=CASES)
def test_what_it_reads(stream: bytes, seen: list[Seen]) -> None:
    assert read([stream]) == seen


def test_a_long_message_in_tiny_pieces_leaves_no_object_for_each() -> None:
    reader = FrameReader(64 * 1024, bucket())
    stream = raw_frame(0x01, bytes(60_000), MASK) + raw_frame(0x80, b"", MASK)
    received = None
    for place in range(0, len(stream), 7):
        reader.feed(stream[place : place + 7])
        received = reader.next(0) or received
    assert received == "\0" * 60_000
