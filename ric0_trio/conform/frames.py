"""WebSocket frames (RFC 6455 section 5.2): written in any way, good or bad, and read strictly."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

MAX_MESSAGE_BYTES: Final = 1024 * 1024
"""What the kit takes from a server at most: no message that is defined comes near it."""

MASK: Final = bytes.fromhex("37fa213d")
MAX_CONTROL_BYTES: Final = 125


class Opcode(IntEnum):
    """What a frame is."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


_MESSAGES: Final = (Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY)


def make_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    is_last: bool = True,
    reserved_bits: int = 0,
    is_masked: bool = True,
    length: int | None = None,
) -> bytes:
    """Make a client's frame. `length` is announced in place of the payload's own; `reserved_bits` are 0 to 7."""
    announced = len(payload) if length is None else length
    first = (0x80 if is_last else 0) | reserved_bits << 4 | opcode
    masked = 0x80 if is_masked else 0
    if announced <= MAX_CONTROL_BYTES:
        head = bytes([first, masked | announced])
    elif announced < 1 << 16:
        head = bytes([first, masked | 126]) + announced.to_bytes(2)
    else:
        head = bytes([first, masked | 127]) + announced.to_bytes(8)
    return head + MASK + _apply_mask(payload) if is_masked else head + payload


def make_message(payload: str | bytes) -> bytes:
    """Make one good frame that is a whole message. Text may hold lone surrogates, which are no UTF-8."""
    if isinstance(payload, str):
        return make_frame(Opcode.TEXT, payload.encode("utf-8", "surrogatepass"))
    return make_frame(Opcode.BINARY, payload)


def make_close(code: int | None, reason: bytes = b"") -> bytes:
    """Make a Close frame; without a code, an empty one."""
    return make_frame(Opcode.CLOSE, b"" if code is None else code.to_bytes(2) + reason)


def _apply_mask(payload: bytes) -> bytes:
    size = len(payload)
    mask = (MASK * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(mask)).to_bytes(size)


@dataclass(frozen=True)
class Frame:
    """A frame as it came."""

    opcode: Opcode
    payload: bytes
    is_last: bool


class BadFrameError(Exception):
    """A server's frame that RFC 6455 does not allow. The text says why."""


class FrameParser:
    """Feed it what a server sends, and ask for `next`."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what came, in whatever pieces."""
        self._buffer += data

    @property
    def rest(self) -> bytes:
        """What came, and was not asked for yet."""
        return bytes(self._buffer)

    def next(self) -> Frame | None:
        """Give the next frame; None when more has to come first. Raises `BadFrameError`."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, begin = buffer[1] & 0x7F, 2
        if length > MAX_CONTROL_BYTES:
            begin += 2 if length == 126 else 8
            if len(buffer) < begin:
                return None
            length = int.from_bytes(buffer[2:begin])
            if length < (126 if begin == 4 else 1 << 16):
                raise BadFrameError("a frame whose length is written in more bytes than it needs")
        self._check_head(buffer[0], buffer[1], length)
        if len(buffer) < begin + length:
            return None
        frame = Frame(Opcode(buffer[0] & 0x0F), bytes(buffer[begin : begin + length]), bool(buffer[0] & 0x80))
        del buffer[: begin + length]
        return frame

    @staticmethod
    def _check_head(first: int, second: int, length: int) -> None:
        opcode, is_last = first & 0x0F, first & 0x80
        if first & 0x70:
            raise BadFrameError("a frame with a reserved bit set, where no extension was negotiated")
        if opcode not in set(Opcode):
            raise BadFrameError(f"a frame with the opcode {opcode}, which is not defined")
        if second & 0x80:
            raise BadFrameError("a frame that is masked, which a server's must not be")
        if opcode not in _MESSAGES and (not is_last or length > MAX_CONTROL_BYTES):
            raise BadFrameError("a control frame in fragments, or of more than 125 bytes")
        if length > MAX_MESSAGE_BYTES:
            raise BadFrameError(f"a frame of {length} bytes")
