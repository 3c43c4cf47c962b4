"""HTTP heads, read with a bound before anything parses them."""

import trio

MAX_HEAD_BYTES = 8 * 1024

_END = b"\r\n\r\n"
_CHUNK_BYTES = 4 * 1024


class HeadTooBigError(Exception):
    """The peer sent more than 8 KiB without ending its HTTP head."""


async def read_head(stream: trio.abc.ReceiveStream) -> tuple[bytes, bytes]:
    """Read up to the blank line that ends an HTTP head; return the head and what came behind it.

    The caller bounds the time. Raises `HeadTooBigError` past 8 KiB, and `trio.BrokenResourceError` when the peer
    leaves before the end.
    """
    received = bytearray()
    while (end := received.find(_END)) < 0:
        if len(received) >= MAX_HEAD_BYTES:
            raise HeadTooBigError
        chunk = await stream.receive_some(_CHUNK_BYTES)
        if not chunk:
            raise trio.BrokenResourceError("the peer left before the end of its HTTP head")
        received += chunk
    end += len(_END)
    if end > MAX_HEAD_BYTES:
        raise HeadTooBigError
    return bytes(received[:end]), bytes(received[end:])
