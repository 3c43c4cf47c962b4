"""HTTP heads, read with a bound before anything parses them."""

import trio

_END = b"\r\n\r\n"
_CHUNK_BYTES = 4 * 1024


class HeadTooBigError(Exception):
    """The peer sent more than it may without ending its HTTP head."""


async def read_head(stream: trio.abc.ReceiveStream, max_bytes: int) -> tuple[bytes, bytes]:
    """Read up to the blank line that ends an HTTP head; return the head and what came behind it.

    The caller bounds the time. Raises `HeadTooBigError` past `max_bytes`, and `trio.BrokenResourceError` when the
    peer leaves before the end.
    """
    received = bytearray()
    while (end := received.find(_END)) < 0:
        if len(received) >= max_bytes:
            raise HeadTooBigError
        chunk = await stream.receive_some(_CHUNK_BYTES)
        if not chunk:
            raise trio.BrokenResourceError("the peer left before the end of its HTTP head")
        received += chunk
    end += len(_END)
    if end > max_bytes:
        raise HeadTooBigError
    return bytes(received[:end]), bytes(received[end:])
