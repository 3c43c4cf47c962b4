"""`FrameMeter`: follows WebSocket frames (RFC 6455 section 5.2) as they pass, and says when they are too much.

It reads headers alone and keeps no payload. Whether frames are valid is wsproto's to decide; this bounds what wsproto
and trio-websocket would otherwise collect: bytes (their cap counts characters) and fragments (they have no cap); and
what they would answer without end: pings.
"""

from enum import Enum
from typing import Final

from ric0_trio.protocol.rate import TokenBucket

MAX_FRAGMENTS: Final = 64
"""How many frames one message may come in. Each costs its receiver an object, however empty it is."""

TEXT: Final = 0x81
"""The first byte of a frame of text that is a whole message: FIN is set, as in those that follow."""
BINARY: Final = 0x82
CLOSE: Final = 0x88
PING: Final = 0x89
PONG: Final = 0x8A
MAX_SHORT_BYTES: Final = 125
"""The longest payload whose length is in a frame's second byte."""
NO_STATUS: Final = 1005
"""Stands for the code of a Close frame that has none (RFC 6455 section 7.1.5). It is never sent."""

_OPCODE: Final = 0x0F
_LENGTH_BYTES: Final = {126: 2, 127: 8}


class Excess(Enum):
    """What a peer can send too much of. The value is how it is told."""

    BYTES = "the message is too big"
    FRAGMENTS = "the message has too many fragments"
    CONTROL_FRAMES = "too many control frames"


class FrameMeter:
    """Feed it everything that comes in after the HTTP upgrade."""

    def __init__(self, max_message_bytes: int, control_frames: TokenBucket) -> None:
        self.max_message_bytes = max_message_bytes
        """The bound on a message, header by header: it may be changed at any time."""
        self.control_frames = control_frames
        """What pings and pongs are taken from. It may be changed at any time, too."""
        self._header = bytearray()
        self._payload_left = 0
        self._message_bytes = 0
        self._fragments = 0
        self.problem: Excess | None = None
        """What the last frame's header is too much of; the connection is to be closed."""
        self.close_seen = False
        """Whether the header of a Close frame came by."""

    @property
    def is_inside_a_frame(self) -> bool:
        """Whether more of a frame is to come, that has begun."""
        return self._payload_left > 0 or bool(self._header)

    @property
    def is_inside_a_payload(self) -> bool:
        """Whether more of a frame is to come, whose header was there already."""
        return self._payload_left > 0

    def feed(self, data: bytes, now: float) -> int:
        """Follow `data`, and return how many of its first bytes may pass: all, unless there is a `problem`.

        Once there is one, nothing may pass any more, but a Close frame is still seen.
        """
        passable = 0 if self.problem is not None else len(data)
        position = 0
        while position < len(data):
            if self._payload_left:
                step = min(self._payload_left, len(data) - position)
                self._payload_left -= step
                position += step
                continue
            begin = position
            position = self._take_header(data, position, now)
            if self.problem is not None:
                passable = min(passable, begin)
        return passable

    def _take_header(self, data: bytes, position: int, now: float) -> int:
        header = self._header
        while position < len(data) and len(header) < _header_length(header):
            take = _header_length(header) - len(header)
            header += data[position : position + take]
            position = min(position + take, len(data))
        if len(header) == _header_length(header):
            self._account(header, now)
            header.clear()
        return position

    def _account(self, header: bytearray, now: float) -> None:
        opcode, length = header[0] & _OPCODE, header[1] & 0x7F
        if length in _LENGTH_BYTES:
            length = int.from_bytes(header[2 : 2 + _LENGTH_BYTES[length]])
        self._payload_left = length
        if opcode >= CLOSE & _OPCODE:
            self.close_seen = self.close_seen or opcode == CLOSE & _OPCODE
            if not self.close_seen and not self.control_frames.take(now):
                self.problem = self.problem or Excess.CONTROL_FRAMES
            return
        if opcode:  # not a continuation
            self._message_bytes = self._fragments = 0
        self._message_bytes += length
        self._fragments += 1
        if self._message_bytes > self.max_message_bytes:
            self.problem = self.problem or Excess.BYTES
        elif self._fragments > MAX_FRAGMENTS:
            self.problem = self.problem or Excess.FRAGMENTS


def _header_length(header: bytearray) -> int:
    """How long the header that begins with these bytes is, as far as they tell."""
    if len(header) < 2:
        return 2
    return 2 + _LENGTH_BYTES.get(header[1] & 0x7F, 0) + (4 if header[1] & 0x80 else 0)
