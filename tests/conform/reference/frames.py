"""WebSocket frames (RFC 6455) on a Trio stream, by hand: each rule is a method, so that a server can forget it."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

import trio

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KNOWN = {CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG}
WRITE_TIMEOUT_S = 5.0
CHUNK_BYTES = 16 * 1024


class RuleBrokenError(Exception):
    """The client broke a rule; the connection is to be closed with `code`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class TooBigError(Exception):
    """The client sends a message over the bound on its size."""


class ClientLeftError(Exception):
    """The client closed, and was answered; or it is gone."""


@dataclass(frozen=True)
class Header:
    is_final: bool
    reserved: int
    opcode: int
    is_masked: bool
    length: int
    size: int
    """Of the header itself, its mask included."""
    is_minimal: bool

    @property
    def is_control(self) -> bool:
        return self.opcode >= CLOSE


class Frames:
    """An open WebSocket."""

    ping_after_s = 25.0
    dead_after_s = 10.0

    def __init__(
        self,
        stream: trio.abc.Stream,
        early: bytes,
        max_bytes: Callable[[], int],
        spend_control_frame: Callable[[], bool],
    ) -> None:
        """`early` came behind the HTTP head; the two functions say what the client may send now."""
        self._stream = stream
        self._buffer = bytearray(early)
        self._max_bytes = max_bytes
        self._spend_control_frame = spend_control_frame
        self._message: tuple[int, bytearray] | None = None
        self._heard_at = trio.current_time()
        self._pinged_at: float | None = None

    # What comes in

    async def receive(self) -> str | bytes:
        """The next whole message. May be cancelled while it waits, and called again."""
        while True:
            header, payload = await self._frame()
            if header.is_control:
                await self.take_control(header.opcode, payload)
            elif (message := self.join(header, payload)) is not None:
                return message

    async def take_control(self, opcode: int, payload: bytes) -> None:
        if opcode == CLOSE:
            await self.answer_close(self.read_close(payload))
            raise ClientLeftError
        if not self._spend_control_frame():
            raise RuleBrokenError(1008, "too many control frames")
        if opcode == PING:
            await self.pong(payload)

    async def _frame(self) -> tuple[Header, bytes]:
        while True:
            header = parse_header(self._buffer)
            if header is not None:
                self.check_header(header)
                end = header.size + header.length
                if len(self._buffer) >= end:
                    mask = self._buffer[header.size - 4 : header.size] if header.is_masked else bytes(4)
                    payload = unmask(self._buffer[header.size : end], mask)
                    del self._buffer[:end]
                    return header, payload
            await self._fill()

    async def _fill(self) -> None:
        try:
            chunk = await self._stream.receive_some(CHUNK_BYTES)
        except trio.BrokenResourceError:
            chunk = b""
        if not chunk:
            raise ClientLeftError
        self._heard_at, self._pinged_at = trio.current_time(), None
        self._buffer += chunk

    def check_header(self, header: Header) -> None:
        self.check_mask(header)
        self.check_reserved(header)
        self.check_kind(header)
        if not header.is_minimal or header.length >= 2**63:
            raise RuleBrokenError(1002, "a length is written too long")
        if header.is_control:
            self.check_control(header)
        else:
            self.check_order(header)
            self.check_size(header)

    def check_mask(self, header: Header) -> None:
        if not header.is_masked:
            raise RuleBrokenError(1002, "frames of clients are masked")

    def check_reserved(self, header: Header) -> None:
        if header.reserved:
            raise RuleBrokenError(1002, "no extension was negotiated")

    def check_kind(self, header: Header) -> None:
        if header.opcode not in KNOWN:
            raise RuleBrokenError(1002, "an unknown kind of frame")

    def check_control(self, header: Header) -> None:
        if header.length > 125 or not header.is_final:
            raise RuleBrokenError(1002, "control frames are short and whole")

    def check_order(self, header: Header) -> None:
        if (header.opcode == CONTINUATION) != (self._message is not None):
            raise RuleBrokenError(1002, "a fragment is out of place")

    def check_size(self, header: Header) -> None:
        had = 0 if self._message is None else len(self._message[1])
        if had + header.length > self._max_bytes():
            raise TooBigError

    def join(self, header: Header, payload: bytes) -> str | bytes | None:
        kind, whole = self._message or (header.opcode, bytearray())
        whole += payload
        if not header.is_final:
            self._message = kind, whole
            return None
        self._message = None
        return self.read_text(bytes(whole)) if kind == TEXT else bytes(whole)

    def read_text(self, payload: bytes) -> str:
        try:
            return payload.decode()
        except UnicodeDecodeError:
            raise RuleBrokenError(1007, "text is not UTF-8") from None

    def read_close(self, payload: bytes) -> int | None:
        """The code of a Close frame, if it has one."""
        if not payload:
            return None
        if len(payload) == 1:
            raise RuleBrokenError(1002, "half a close code")
        code: int = struct.unpack("!H", payload[:2])[0]
        if not 3000 <= code <= 4999 and (not 1000 <= code <= 1014 or code in (1004, 1005, 1006)):
            raise RuleBrokenError(1002, "no close code")
        self.read_text(payload[2:])
        return code

    # What goes out

    async def send(self, payload: str | bytes) -> None:
        if isinstance(payload, str):
            await self.send_frame(TEXT, payload.encode())
        else:
            await self.send_frame(BINARY, payload)

    async def pong(self, payload: bytes) -> None:
        await self.send_frame(PONG, payload)

    async def answer_close(self, code: int | None) -> None:
        await self.send_frame(CLOSE, b"" if code is None else struct.pack("!H", code))

    async def send_frame(self, opcode: int, payload: bytes) -> None:
        """Send a frame whole: whatever is cancelled, half of one is not left."""
        with trio.CancelScope(deadline=trio.current_time() + WRITE_TIMEOUT_S, shield=True):
            try:
                await self._stream.send_all(self.frame(opcode, payload))
            except trio.BrokenResourceError:
                raise ClientLeftError from None
            return
        raise ClientLeftError

    def frame(self, opcode: int, payload: bytes) -> bytes:
        size = len(payload)
        if size <= 125:
            return bytes((0x80 | opcode, size)) + payload
        if size <= 0xFFFF:
            return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
        return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload

    # Its upkeep and its end

    @property
    def keepalive_due(self) -> float:
        if self._pinged_at is None:
            return self._heard_at + self.ping_after_s
        return self._pinged_at + self.dead_after_s

    async def keep_alive(self) -> None:
        if trio.current_time() < self.keepalive_due:
            return
        if self._pinged_at is not None:
            raise RuleBrokenError(1008, "the ping had no answer")
        self._pinged_at = trio.current_time()
        await self.send_frame(PING, b"")

    async def close(self, code: int, reason: str, timeout_s: float) -> None:
        """Say goodbye, and wait for the client's for so long."""
        with trio.move_on_after(timeout_s):
            try:
                await self.send_close(code, reason)
                await self._skip_to_close()
            except ClientLeftError:
                return

    async def send_close(self, code: int, reason: str) -> None:
        await self.send_frame(CLOSE, struct.pack("!H", code) + reason.encode())

    async def _skip_to_close(self) -> None:
        while True:
            header = parse_header(self._buffer)
            if header is None:
                await self._fill()
                continue
            if header.opcode == CLOSE:
                return
            left = header.size + header.length
            while left > len(self._buffer):
                left -= len(self._buffer)
                self._buffer.clear()
                await self._fill()
            del self._buffer[:left]


def parse_header(data: bytearray) -> Header | None:
    """The header that the bytes begin with, when it is whole."""
    if len(data) < 2:
        return None
    first, second = data[0], data[1]
    length, size, is_minimal = second & 0x7F, 2, True
    if length >= 126:
        width, least = (2, 126) if length == 126 else (8, 0x10000)
        length, size = int.from_bytes(data[2 : 2 + width]), 2 + width
        is_minimal = length >= least
    is_masked = bool(second & 0x80)
    size += 4 * is_masked
    if len(data) < size:
        return None
    return Header(bool(first & 0x80), first & 0x70, first & 0x0F, is_masked, length, size, is_minimal)


def unmask(payload: bytes | bytearray, mask: bytes | bytearray) -> bytes:
    repeated = (bytes(mask) * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(len(payload))
