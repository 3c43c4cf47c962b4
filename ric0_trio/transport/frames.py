"""`FrameMeter`: follows WebSocket frames (RFC 6455 section 5.2) as they pass, and says when they are too much.

It reads headers alone and keeps no payload. Whether frames are valid is wsproto's to decide; this bounds what wsproto
and trio-websocket would otherwise collect: bytes (their cap counts characters) and fragments (they have no cap).
"""

from typing import Final

MAX_FRAGMENTS: Final = 64
"""How many frames one message may come in. Each costs its receiver an object, however empty it is."""

_CLOSE: Final = 0x8
_LENGTH_BYTES: Final = {126: 2, 127: 8}


class FrameMeter:
    """Feed it everything that comes in after the HTTP upgrade."""

    def __init__(self, max_message_bytes: int) -> None:
        self.max_message_bytes = max_message_bytes
        """The bound on a message, header by header: it may be changed at any time."""
        self._header = bytearray()
        self._payload_left = 0
        self._message_bytes = 0
        self._fragments = 0
        self.problem: str | None = None
        """Why the last frame's header is too much; the connection is to be closed with 1009."""
        self.close_seen = False
        """Whether the header of a Close frame came by."""

    @property
    def is_inside_a_payload(self) -> bool:
        """Whether more of a frame is to come, whose header was there already."""
        return self._payload_left > 0

    def feed(self, data: bytes) -> int:
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
            position = self._take_header(data, position)
            if self.problem is not None:
                passable = min(passable, begin)
        return passable

    def _take_header(self, data: bytes, position: int) -> int:
        header = self._header
        while position < len(data) and len(header) < _header_length(header):
            take = _header_length(header) - len(header)
            header += data[position : position + take]
            position = min(position + take, len(data))
        if len(header) == _header_length(header):
            self._account(header)
            header.clear()
        return position

    def _account(self, header: bytearray) -> None:
        opcode, length = header[0] & 0x0F, header[1] & 0x7F
        if length in _LENGTH_BYTES:
            length = int.from_bytes(header[2 : 2 + _LENGTH_BYTES[length]])
        self._payload_left = length
        if opcode >= _CLOSE:
            self.close_seen = self.close_seen or opcode == _CLOSE
            return
        if opcode:  # not a continuation
            self._message_bytes = self._fragments = 0
        self._message_bytes += length
        self._fragments += 1
        if self._message_bytes > self.max_message_bytes:
            self.problem = "the message is too big"
        elif self._fragments > MAX_FRAGMENTS:
            self.problem = "the message has too many fragments"


def _header_length(header: bytearray) -> int:
    """How long the header that begins with these bytes is, as far as they tell."""
    if len(header) < 2:
        return 2
    return 2 + _LENGTH_BYTES.get(header[1] & 0x7F, 0) + (4 if header[1] & 0x80 else 0)
