"""The meter beside wsproto: it passes all that is valid and bounded, and stops what is not, wherever it is cut."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage

from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.transport.frames import MAX_FRAGMENTS, Excess, FrameMeter
from tests.server.raw_client import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

CAP = 1000


def plenty() -> TokenBucket:
    """So many control frames that their number is no matter."""
    return TokenBucket(1_000_000, 0, now=0)


def pieces_of(data: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for begin, end in pairwise(bounds):
        yield data[begin:end]


def feed(meter: FrameMeter, data: bytes, cuts: Sequence[int] = ()) -> int:
    """Feed `data` in pieces, and return how much of it passed."""
    return sum(meter.feed(piece, 0) for piece in pieces_of(data, cuts))


cuts_anywhere = st.lists(st.integers(0, 5000), max_size=12)
payloads = st.binary(max_size=300)
fragments = st.lists(st.binary(max_size=150), min_size=1, max_size=6)


@st.composite
def messages(draw: st.DrawFn) -> list[Event]:
    """What a good client sends: messages in fragments, pings and pongs anywhere between."""
    kind = draw(st.sampled_from([TextMessage, BytesMessage]))
    parts = draw(fragments)
    events: list[Event] = []
    for index, part in enumerate(parts):
        data = part.hex() if kind is TextMessage else part
        events.append(kind(data=data, message_finished=index == len(parts) - 1))
        events += draw(st.lists(st.builds(Ping, st.binary(max_size=125)) | st.builds(Pong), max_size=2))
    return events


conversations = st.lists(messages(), max_size=5).map(lambda several: [event for one in several for event in one])


def encode(events: Sequence[Event]) -> bytes:
    client = Connection(ConnectionType.CLIENT)
    return b"".join(client.send(event) for event in events)


@settings(deadline=None)
@given(conversations, st.booleans(), cuts_anywhere)
def test_all_that_is_valid_passes(events: list[Event], closes: bool, cuts: list[int]) -> None:
    if closes:
        events = [*events, CloseConnection(code=1000, reason="bye")]
    meter = FrameMeter(4000, plenty())
    assert feed(meter, encode(events), cuts) == len(encode(events))
    assert (meter.problem, meter.close_seen) == (None, closes)


@settings(deadline=None)
@given(conversations, cuts_anywhere)
def test_what_passes_is_bounded_and_whole_frames(events: list[Event], cuts: list[int]) -> None:
    """wsproto, behind the meter, never holds more of a message than the cap, and finds nothing amiss."""
    data, meter, server = encode(events), FrameMeter(CAP, plenty()), Connection(ConnectionType.SERVER)
    held = 0
    for piece in pieces_of(data, cuts):
        server.receive_data(piece[: meter.feed(piece, 0)])
        for event in server.events():
            assert not isinstance(event, CloseConnection)
            if isinstance(event, Message):
                held += len(event.data)
                assert held <= CAP
                held = 0 if event.message_finished else held


@settings(deadline=None)
@given(st.binary(max_size=400), cuts_anywhere)
def test_any_bytes_are_followed_the_same_however_cut(data: bytes, cuts: list[int]) -> None:
    whole, cut = FrameMeter(CAP, plenty()), FrameMeter(CAP, plenty())
    passed = feed(whole, data)
    assert 0 <= passed <= len(data)
    feed(cut, data, cuts)
    assert (cut.problem, cut.close_seen) == (whole.problem, whole.close_seen)


CLEF = "\N{MUSICAL SYMBOL G CLEF}".encode()
EMPTY = frame(CONTINUATION, final=False)
BEGUN = frame(TEXT, final=False)

PASSED: dict[str, bytes] = {
    "as big as may be": frame(TEXT, bytes(CAP)),
    "as big as may be in bytes": frame(TEXT, CLEF * (CAP // 4)),
    "as big as may be in two": frame(TEXT, bytes(CAP // 2), final=False) + frame(CONTINUATION, bytes(CAP // 2)),
    "one as big after another": frame(TEXT, bytes(CAP)) + frame(BINARY, bytes(CAP)),
    "pings do not count": frame(TEXT, bytes(CAP), final=False) + frame(PING, bytes(125)) * 10 + frame(CONTINUATION),
    "as many fragments as may be": BEGUN + EMPTY * (MAX_FRAGMENTS - 1),
    "as many again": (BEGUN + EMPTY * (MAX_FRAGMENTS - 1)) * 2,
    "unmasked": frame(TEXT, b"{}", mask=False) * 100,
}
STOPPED: dict[str, tuple[bytes, bytes]] = {
    "too big": (b"", frame(TEXT, bytes(CAP + 1))),
    "too big in bytes alone": (b"", frame(TEXT, CLEF * (CAP // 4 + 1))),
    "too big in two": (frame(TEXT, bytes(CAP), final=False), frame(CONTINUATION, b"x")),
    "too big among pings": (frame(TEXT, bytes(CAP), final=False) + frame(PING), frame(CONTINUATION, b"x")),
    "too big after a good one": (frame(TEXT, bytes(CAP)), frame(TEXT, bytes(CAP + 1))),
    "announced in eight bytes": (frame(PONG), b"\x81\xff" + b"\xff" * 8 + bytes(4)),
    "too many fragments": (BEGUN + EMPTY * (MAX_FRAGMENTS - 1), EMPTY),
    "too many fragments among pings": ((BEGUN + frame(PING)) + (EMPTY + frame(PING)) * (MAX_FRAGMENTS - 1), EMPTY),
}


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 7, 100, 1006])
@pytest.mark.parametrize("data", PASSED.values(), ids=PASSED)
def test_passes(data: bytes, cut: int) -> None:
    meter = FrameMeter(CAP, plenty())
    assert feed(meter, data, [cut]) == len(data)
    assert meter.problem is None


@pytest.mark.parametrize(("good", "bad"), STOPPED.values(), ids=STOPPED)
def test_stops_before_the_frame_that_is_too_much(good: bytes, bad: bytes) -> None:
    meter = FrameMeter(CAP, plenty())
    assert meter.feed(good + bad, 0) == len(good)
    assert meter.problem is not None
    assert meter.feed(frame(TEXT, b"{}"), 0) == 0


@pytest.mark.parametrize(("good", "bad"), STOPPED.values(), ids=STOPPED)
def test_stops_when_the_header_is_whole(good: bytes, bad: bytes) -> None:
    """Byte by byte, parts of the bad header pass, and nothing of its payload."""
    meter = FrameMeter(CAP, plenty())
    passed = feed(meter, good + bad, range(len(good + bad)))
    assert len(good) <= passed < len(good) + 14


@pytest.mark.parametrize("byte_by_byte", [False, True])
@pytest.mark.parametrize("before", [frame(TEXT, b"{}"), frame(TEXT, bytes(CAP + 1)), b""], ids=["good", "bad", "none"])
def test_close_is_seen_even_behind_a_problem(before: bytes, byte_by_byte: bool) -> None:
    meter = FrameMeter(CAP, plenty())
    data = before + frame(CLOSE, b"\x03\xe8")
    feed(meter, data, range(len(data)) if byte_by_byte else ())
    assert meter.close_seen


def test_close_is_not_seen_in_a_payload() -> None:
    meter = FrameMeter(CAP, plenty())
    meter.feed(frame(BINARY, frame(CLOSE) * 20), 0)
    assert not meter.close_seen


@pytest.mark.parametrize("opcode", [PING, PONG])
def test_control_frames_are_counted_in_time(opcode: int) -> None:
    meter, one = FrameMeter(CAP, TokenBucket(3, 0.5, now=0)), frame(opcode, b"?")
    assert meter.feed(one * 3, 0) == len(one * 3)
    assert meter.feed(one, 2) == len(one)
    assert meter.feed(frame(TEXT, b"{}") + one + frame(TEXT, b"{}"), 3) == len(frame(TEXT, b"{}"))
    assert meter.problem is Excess.CONTROL_FRAMES


def test_a_close_is_no_control_frame_to_count() -> None:
    meter = FrameMeter(CAP, TokenBucket(1, 0, now=0))
    data = frame(PING) + frame(CLOSE) + frame(PING) * 10
    assert meter.feed(data, 0) == len(data)
    assert (meter.problem, meter.close_seen) == (None, True)
