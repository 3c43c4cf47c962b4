"""Bytes: frames made before they are needed, and replies that are looked at without being parsed."""

import re
from enum import IntEnum
from typing import Final

from ric0_trio.client.address import Address
from ric0_trio.protocol import Status
from ric0_trio.transport.errors import ABNORMAL

CLOSE: Final = bytes([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8])
"""A Close frame with 1000."""

UPGRADED: Final = b"HTTP/1.1 101 "
HEAD_END: Final = b"\r\n\r\n"
MAX_HEAD_BYTES: Final = 16 * 1024

CUT_OFF: Final = f"closed_{ABNORMAL}"
"""The connection ended without a Close frame."""

_WHOLE: Final = (0x81, 0x82)
_JSON_STATUS: Final = re.compile(rb'"status"\s*:\s*"([^"]{1,64})"')
_BSON_STATUS: Final = re.compile(rb"\x02status\x00....([^\x00]{1,64})\x00", re.DOTALL)


class Opcode(IntEnum):
    """What a frame is."""

    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class FailedError(Exception):
    """An operation failed; `kind` is the name under which it is counted."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def upgrade_request(address: Address, encoding: str) -> bytes:
    """The HTTP request that opens a WebSocket. Its key is always the same."""
    return (
        f"GET {address.path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Sec-WebSocket-Protocol: {encoding}\r\n\r\n"
    ).encode()


def frame(payload: str | bytes) -> bytes:
    """A whole message. Its mask is zero, so that nothing has to be masked."""
    opcode, raw = (0x81, payload.encode()) if isinstance(payload, str) else (0x82, payload)
    return bytes([opcode]) + _masked_size(len(raw)) + raw


def pong(ping: bytes) -> bytes:
    """The answer to a ping with this payload, of at most 125 bytes."""
    return bytes([0x80 | Opcode.PONG]) + _masked_size(len(ping)) + ping


def _masked_size(size: int) -> bytes:
    mask = bytes(4)
    if size < 126:
        return bytes([0x80 | size]) + mask
    return b"\xfe" + size.to_bytes(2) + mask


def is_whole_message(data: bytes) -> bool:
    """Whether this is one message, in one frame, and no more: as a server's replies mostly come."""
    size = len(data)
    if size < 6 or data[0] not in _WHOLE:
        return False
    said = data[1]
    return size == said + 2 if said < 126 else said == 126 and size == (data[2] << 8 | data[3]) + 4


def split_frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    """The first frame of a server: its opcode, its payload, and what follows. None when it is not whole yet.

    Raises `FailedError` for one that is masked or in fragments: no server needs either for a reply.
    """
    if len(data) < 2:
        return None
    first, size, start = data[0], data[1], 2
    if size == 126:
        size, start = int.from_bytes(data[2:4]), 4
    elif size > 126 or not first & 0x80:
        raise FailedError("bad_frame")
    end = start + size
    return None if len(data) < end else (first & 0x0F, data[start:end], data[end:])


def close_kind(payload: bytes) -> str:
    """How a Close frame of the server's is counted."""
    return f"closed_{int.from_bytes(payload[:2]) if len(payload) >= 2 else 1005}"


def head_kind(head: bytes) -> str:
    """How an answer to the upgrade that is not 101 is counted."""
    status = head[9:12]
    return f"http_{status.decode()}" if head.startswith(b"HTTP/1.") and status.isdigit() else "no_http"


class Statuses:
    """How the status of a reply is found in its bytes, in one encoding."""

    def __init__(self, encoding: str) -> None:
        self._is_bson = encoding == "bson"
        self._pattern = _BSON_STATUS if self._is_bson else _JSON_STATUS
        self.success: Final = self.needle(Status.SUCCESS)
        self.already_connected: Final = self.needle(Status.ALREADY_CONNECTED)

    def needle(self, status: str) -> bytes:
        """What a reply with that status has in it, spelled as most servers do."""
        if self._is_bson:
            return b"\x02status\x00" + (len(status) + 1).to_bytes(4, "little") + status.encode() + b"\x00"
        return f'"status":"{status}"'.encode()

    def is_met(self, needle: bytes, reply: bytes) -> bool:
        """Whether a reply has the status of `needle`, however it is spelled; False for what is no reply at all.

        Raises `FailedError` for another status.
        """
        found = self._pattern.search(reply)
        if found is None:
            return False
        status = found[1].decode("ascii", "replace")
        if self.needle(status) != needle:
            raise FailedError(f"status_{status}")
        return True
