"""Bytes that come in pieces, whose sizes the input says."""

from collections.abc import Iterator
from itertools import cycle

import trio

MOST_PIECE_BYTES = 256


def split(data: bytes) -> tuple[bytes, list[bytes]]:
    """Take the sizes, which are the bytes of the first line (each plus one, over and over), from what they cut."""
    sizes, _, whole = data.partition(b"\n")
    return whole, list(_cut(whole, sizes))


def _cut(whole: bytes, sizes: bytes) -> Iterator[bytes]:
    steps = cycle(size + 1 for size in sizes or [MOST_PIECE_BYTES - 1])
    position = 0
    while position < len(whole):
        step = next(steps)
        yield whole[position : position + step]
        position += step


class PieceStream(trio.abc.ReceiveStream):
    """Gives the pieces, one at a time, and then its end. It never waits."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = list(reversed(pieces))
        self.given = b""
        """What was received."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.pop()
        if max_bytes is not None and len(piece) > max_bytes:
            self._pieces.append(piece[max_bytes:])
            piece = piece[:max_bytes]
        self.given += piece
        return piece

    async def aclose(self) -> None:
        self._pieces.clear()
