"""Peers that are bad at WebSockets: what they send once it is open, and the Close that each is told."""

import struct

from ric0_trio.testing import CHALLENGE, Plain, pack
from tests.server.raw_client import BINARY, CLOSE, CONTINUATION, JSON, PING, PONG, TEXT, frame

KIB = 1024
CLEF = "\N{MUSICAL SYMBOL G CLEF}".encode()  # four bytes, one character

PINGED = frame(PING, b"!")


def encoded(plain: Plain) -> bytes:
    payload = pack(JSON, plain)
    assert isinstance(payload, str)
    return payload.encode()


def text(plain: Plain) -> bytes:
    return frame(TEXT, encoded(plain))


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason)


def announced(length: int) -> bytes:
    """The header of a frame of that length, and nothing of it."""
    return b"\x81\xff" + struct.pack("!Q", length) + bytes(4)


def in_pieces(payload: bytes, count: int, between: bytes = PINGED) -> bytes:
    """A message in `count` fragments, with a ping between each and the next."""
    size = len(payload) // count + 1
    pieces = [payload[begin : begin + size] for begin in range(0, len(payload), size)]
    opcodes = [TEXT] + [CONTINUATION] * (len(pieces) - 1)
    frames = [frame(opcode, piece, final=False) for opcode, piece in zip(opcodes, pieces, strict=True)]
    return between.join([*frames, frame(CONTINUATION)])


FRAGMENT = frame(TEXT, b"{", final=False)

CLOSED: dict[str, tuple[bytes, int]] = {
    # RFC 6455: the rules of frames. wsproto finds them; the Close frame is ours.
    "unmasked": (frame(TEXT, b"{}", mask=False), 1002),
    **{f"reserved bit {bit:#x}": (frame(TEXT, b"{}", flags=bit), 1002) for bit in (0x40, 0x20, 0x10)},
    **{f"reserved opcode {code:#x}": (frame(code), 1002) for code in (0x3, 0x7, 0xB, 0xF)},
    "continues nothing": (frame(CONTINUATION, b"{}"), 1002),
    "two messages in one another": (FRAGMENT + frame(TEXT, b"}"), 1002),
    "ping in fragments": (frame(PING, final=False), 1002),
    "ping over 125 bytes": (frame(PING, bytes(126)), 1002),
    "pong over 125 bytes": (frame(PONG, bytes(126)), 1002),
    "length in two bytes for one": (b"\x81\xfe\x00\x01" + bytes(4) + b"x", 1002),
    "length in eight bytes for one": (b"\x81\xff" + bytes(7) + b"\x01" + bytes(4) + b"x", 1002),
    "TLS in a WebSocket": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 1002),
    "a second HTTP request": (b"GET / HTTP/1.1\r\n\r\n", 1002),
    # UTF-8
    "not UTF-8": (frame(TEXT, b"\xff"), 1007),
    "half a character": (frame(TEXT, CLEF[:2]), 1007),
    "a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "not UTF-8 over two fragments": (frame(TEXT, CLEF[:2], final=False) + frame(CONTINUATION, b"x"), 1007),
    # Close frames
    "Close of one byte": (frame(CLOSE, b"\x03"), 1002),
    **{f"Close {code}": (closing(code), 1002) for code in (0, 999, 1005, 1006, 1015, 1016, 2999, 5000, 65535)},
    "Close over 125 bytes": (closing(1000, bytes(124)), 1002),
    "Close whose reason is not UTF-8": (closing(1000, b"\xff"), 1007),
    "Close without a code": (frame(CLOSE), 1005),
    **{f"a good Close {code}": (closing(code, b"bye"), code) for code in (1000, 1001, 1002, 1007, 1009, 3000, 4999)},
    "a good Close, and a ping behind": (closing(1000) + PINGED, 1000),
    "a good Close, and 100 KiB behind": (closing(1000) + frame(BINARY, bytes(100 * KIB)), 1000),
    # Sizes, in bytes
    "too big": (frame(TEXT, b" " * (64 * KIB + 1)), 1009),
    "too big, with a ping behind it": (frame(TEXT, b" " * (64 * KIB + 1)) + PINGED, 1009),
    "a ping, too big, and a ping": (PINGED + frame(TEXT, b" " * (64 * KIB + 1)) + PINGED, 1009),
    "too big in bytes, not in characters": (frame(TEXT, CLEF * (16 * KIB + 1)), 1009),
    "too big in two": (
        frame(TEXT, b" " * (40 * KIB), final=False) + frame(CONTINUATION, b" " * (40 * KIB)),
        1009,
    ),
    "10,000 empty fragments": (FRAGMENT + frame(CONTINUATION, final=False) * 10_000, 1009),
    "10,000 empty fragments, among pings": (FRAGMENT + (frame(CONTINUATION, final=False) + PINGED) * 10_000, 1008),
    "hundreds of pings": (PINGED * 500, 1008),
    "hundreds of pongs": (frame(PONG, b"nobody asked") * 500, 1008),
    "2 GiB announced": (announced(2**31), 1009),
    "4 EiB announced": (announced(2**62), 1009),
    "16 EiB announced": (announced(2**64 - 1), 1009),
    # What the session does not take
    "no JSON": (frame(TEXT, b"{"), 1007),
    "an empty message": (frame(TEXT), 1007),
    "nested without end": (frame(TEXT, b"[" * 10_000), 1007),
    "binary for JSON": (frame(BINARY, b"{}"), 1003),
    "no envelope, and a ping while we are closing": (frame(TEXT, b"[]") + PINGED * 50, 1007),
    "no envelope, and another while we are closing": (frame(TEXT, b"[]") * 50, 1007),
    "no envelope, and too much while we are closing": (frame(TEXT, b"[]") + announced(2**40), 1007),
}

CLOSED_BEFORE_AUTHENTICATION: dict[str, tuple[bytes, int]] = {
    "16 KiB": (frame(TEXT, b" " * (16 * KIB + 1)), 1009),
    "16 KiB in bytes, not in characters": (frame(TEXT, CLEF * (4 * KIB + 1)), 1009),
    "nine pings and pongs": (PINGED * 4 + frame(PONG) * 5, 1008),
    "a fourth challenge": (text(CHALLENGE) * 4, 1008),
    "nine messages": (text(CHALLENGE | {"data": {}}) * 9, 1008),
}

CLOSED_AFTER_AUTHENTICATION: dict[str, tuple[bytes, int]] = {
    "61 pings at once": (PINGED * 61, 1008),
    "a hundred messages at once": (text(CHALLENGE | {"type": "message"}) * 100, 1008),
}

SERVED: dict[str, bytes] = {
    "eight pings": PINGED * 8,
    "eight pongs": frame(PONG, b"nobody asked") * 8,
    "empty ping and pong": frame(PING) + frame(PONG),
    "ping of 125 bytes": frame(PING, bytes(125)),
    "a message in pieces, with pings between": in_pieces(encoded(CHALLENGE | {"data": {}}), 7),
    "a message in many pieces": in_pieces(encoded(CHALLENGE | {"data": {}}), 50, between=b""),
}
