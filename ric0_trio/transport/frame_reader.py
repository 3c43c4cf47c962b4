"""`FrameReader`: takes the bytes that a client sends, and gives its messages. It does no I/O.

Nearly every frame is a whole message of less than 64 KiB, a pong, or a Close frame without words: for these, one look
at the header and one XOR over the payload are enough. Whatever else comes is metered and given to wsproto, which then
decides (RFC 6455 section 5).
"""

from collections import deque
from typing import Final

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage

from ric0_trio.protocol.effects import CloseCode
from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.transport.errors import FrameError
from ric0_trio.transport.frames import BINARY, CLOSE, MAX_SHORT_BYTES, NO_STATUS, PONG, TEXT, FrameMeter

_CLOSE_BYTES: Final = (0, 2)  # there is no reason in it
_CLOSE_CODES: Final = frozenset({CloseCode.NORMAL, CloseCode.GOING_AWAY})
_WHOLE: Final = (TEXT, BINARY)
_MASKED: Final = 0x80
_TWO_BYTES_FOLLOW: Final = 126
_LEAST_BYTES: Final = 2  # tell what a frame is, and how long
_SHORT_HEADER_BYTES: Final = 6
_LONG_HEADER_BYTES: Final = 8

Received = str | bytes | Ping | CloseConnection


class FrameReader:
    """Feed it what comes in after the HTTP upgrade, and ask for `next` until there is nothing."""

    def __init__(self, max_message_bytes: int, control_frames: TokenBucket) -> None:
        self._meter = FrameMeter(max_message_bytes, control_frames)
        self._buffer: bytes | bytearray = b""
        self._unusual: _Unusual | None = None

    @property
    def close_seen(self) -> bool:
        """Whether the header of a Close frame came by."""
        return self._meter.close_seen

    def allow(self, max_message_bytes: int, control_frames: TokenBucket) -> None:
        """Change how large messages may be, and how many pings and pongs may come, from the next frame on."""
        self._meter.max_message_bytes = max_message_bytes
        self._meter.control_frames = control_frames

    def feed(self, data: bytes | bytearray) -> None:
        """Take what came, in whatever pieces."""
        if not self._buffer:
            self._buffer = data
            return
        if not isinstance(self._buffer, bytearray):
            self._buffer = bytearray(self._buffer)  # a frame in many pieces is not to be copied for each
        self._buffer += data

    def next(self, now: float) -> Received | None:
        """The next message, ping or Close frame; None when more has to come first. Pongs are passed over.

        Raises `FrameError` for what is against the rules or too much: nothing is to be read any more then.
        """
        while self._unusual is None:
            if len(self._buffer) < _LEAST_BYTES:
                return None
            begin, end = self._find_payload()
            if not end:
                self._unusual = _Unusual(self._meter)
            elif end > len(self._buffer):
                return None
            elif self._buffer[0] == PONG:
                self._pass_over(end, now)
            elif (received := self._take(begin, end, now)) is not None:
                return received
            else:
                self._unusual = _Unusual(self._meter)
        return self._next_unusual(now)

    def skip(self, now: float) -> None:
        """Look for nothing but a Close frame in what came, instead of `next`."""
        self._meter.feed(bytes(self._buffer), now)
        self._buffer = b""

    def _find_payload(self) -> tuple[int, int]:
        """Where the payload at hand begins and ends, as far as the frame's header is there; it ends at 0 if unusual."""
        buffer, most = self._buffer, self._meter.max_message_bytes
        first, length = buffer[0], buffer[1] - _MASKED
        if 0 <= length <= MAX_SHORT_BYTES:
            is_message = first in _WHOLE and length <= most
            is_usual = is_message or first == PONG or (first == CLOSE and length in _CLOSE_BYTES)
            return _SHORT_HEADER_BYTES, _SHORT_HEADER_BYTES + length if is_usual else 0
        if length != _TWO_BYTES_FOLLOW or first not in _WHOLE:
            return 0, 0
        if len(buffer) < _LONG_HEADER_BYTES:
            return 0, _LONG_HEADER_BYTES
        length = buffer[2] << 8 | buffer[3]
        return _LONG_HEADER_BYTES, _LONG_HEADER_BYTES + length if MAX_SHORT_BYTES < length <= most else 0

    def _take(self, begin: int, end: int, now: float) -> Received | None:
        """Take the frame at hand, which is there whole; None when wsproto is to say what is wrong with it."""
        buffer, size = self._buffer, end - begin
        first, mask = buffer[0], bytes(buffer[begin - 4 : begin]) * (size // 4 + 1)
        unmasked = int.from_bytes(buffer[begin:end], "little") ^ int.from_bytes(mask[:size], "little")
        payload = unmasked.to_bytes(size, "little")  # RFC 6455 section 5.3
        if first == CLOSE:
            code = int.from_bytes(payload)
            if payload and code not in _CLOSE_CODES:
                return None
            self._pass_over(end, now)
            return CloseConnection(code or NO_STATUS)
        try:
            message = payload.decode() if first == TEXT else payload
        except UnicodeDecodeError:
            return None
        self._buffer = buffer[end:]
        return message

    def _pass_over(self, end: int, now: float) -> None:
        self._meter.feed(bytes(self._buffer[:end]), now)
        if self._meter.problem is not None:
            raise FrameError.of(self._meter.problem)
        self._buffer = self._buffer[end:]

    def _next_unusual(self, now: float) -> Received | None:
        unusual = self._unusual
        if unusual is None:
            return None
        if self._buffer:
            data, self._buffer = self._buffer, b""
            unusual.feed(bytes(data), now)
        received = unusual.next()
        if received is None and not self._meter.is_inside_a_frame and not unusual.is_inside_a_message:
            self._unusual = None
        return received


class _Unusual:
    """Frames that wsproto reads: from the first of them until nothing is begun any more."""

    def __init__(self, meter: FrameMeter) -> None:
        self._meter = meter
        self._wsproto = Connection(ConnectionType.SERVER)
        self._events: deque[Event] = deque()
        self._message = bytearray()
        self.is_inside_a_message = False
        """Whether more is to come of a message that has begun."""

    def feed(self, data: bytes, now: float) -> None:
        passable = self._meter.feed(data, now)
        self._wsproto.receive_data(data[:passable])
        self._events.extend(self._wsproto.events())

    def next(self) -> Received | None:
        while self._events:
            match self._events.popleft():
                case TextMessage() | BytesMessage() as part:
                    message = self._join(part)
                    if message is not None:
                        return message
                case Ping() as ping:
                    return ping
                case CloseConnection() as close if self._wsproto.state is ConnectionState.REMOTE_CLOSING:
                    return close
                case CloseConnection() as fault:
                    raise FrameError(CloseCode(fault.code), fault.reason or "invalid frame")
        if self._meter.problem is not None:
            raise FrameError.of(self._meter.problem)
        return None

    def _join(self, part: TextMessage | BytesMessage) -> str | bytes | None:
        """Add a part to the message, and give that when it is whole. There may be a part for each byte."""
        is_text = isinstance(part.data, str)
        self._message += part.data.encode() if isinstance(part.data, str) else part.data
        self.is_inside_a_message = not part.message_finished
        if self.is_inside_a_message:
            return None
        message, self._message = self._message, bytearray()
        return message.decode() if is_text else bytes(message)
