"""The meter of frames against RFC 6455, section 5.2, read once more: it stops what is too much, and nothing else.

The first line of an input has the sizes of the pieces in which the frames come (`pieces.py`).
"""

from collections.abc import Iterator, Sequence

from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.transport.frames import MAX_FRAGMENTS, FrameMeter
from tests.fuzz.pieces import split

MAX_BYTES = 200
MAX_CONTROL_FRAMES = 5
CLOSE = 0x8
WORDS = ("\x81\x80", "\x01\x80", "\x00\x80", "\x80\x80", "\x88\x80", "\x89\x80", "\x8a\x80", "\x82\xfe", "\x82\xff")
_MOST_HEADER_BYTES = 14


# What is under test, in one place


class _Meter:
    def __init__(self) -> None:
        self._meter = FrameMeter(MAX_BYTES, TokenBucket(MAX_CONTROL_FRAMES, 0, 0))

    def feed(self, pieces: Sequence[bytes]) -> int:
        """Feed what comes in pieces, and return how much of it passed."""
        return sum(self._meter.feed(piece, 0) for piece in pieces)

    @property
    def verdict(self) -> tuple[bool, object, bool, bool]:
        problem = self._meter.problem
        return problem is None, problem, self._meter.close_seen, self._meter.is_inside_a_payload


def target(data: bytes) -> None:
    whole, pieces = split(data)
    at_once, in_pieces = _Meter(), _Meter()
    passed, passed_in_pieces = at_once.feed([whole]), in_pieces.feed(pieces)
    assert at_once.verdict == in_pieces.verdict
    is_good, _, close_seen, is_inside = at_once.verdict
    frames = list(frames_in(whole))
    stop = first_excess(frames)
    assert is_good == (stop is None)
    assert close_seen == any(opcode == CLOSE for _, opcode, _, _ in frames)
    assert is_inside == bool(frames and frames[-1][3] > len(whole))
    if stop is None:
        assert passed == passed_in_pieces == len(whole)
    else:
        assert passed == stop
        assert stop <= passed_in_pieces < stop + _MOST_HEADER_BYTES  # parts of a header may have passed


def frames_in(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Each frame whose header is whole: where it begins, its opcode, its length, and where it ends."""
    begin = 0
    while begin + 2 <= len(data):
        length, header = data[begin + 1] & 0x7F, 2
        if length >= 126:
            extended = 2 if length == 126 else 8
            length = int.from_bytes(data[begin + 2 : begin + 2 + extended])
            header += extended
        header += 4 if data[begin + 1] & 0x80 else 0
        if begin + header > len(data):
            return
        end = begin + header + length
        yield begin, data[begin] & 0x0F, length, end
        begin = end


def first_excess(frames: Sequence[tuple[int, int, int, int]]) -> int | None:
    """Where the first frame begins that is too much: of bytes, of fragments, or of control frames before a Close."""
    message_bytes = fragments = control_frames = 0
    is_closing = False
    for begin, opcode, length, _ in frames:
        if opcode >= CLOSE:
            is_closing = is_closing or opcode == CLOSE
            control_frames += not is_closing
        elif opcode:
            message_bytes, fragments = length, 1
        else:
            message_bytes, fragments = message_bytes + length, fragments + 1
        if message_bytes > MAX_BYTES or fragments > MAX_FRAGMENTS or control_frames > MAX_CONTROL_FRAMES:
            return begin
    return None
