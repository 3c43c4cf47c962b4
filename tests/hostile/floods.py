"""How attackers send: without end, or as far as it is taken."""

from collections.abc import Iterable
from contextlib import suppress

import trio

from tests.hostile.people import PATIENCE_S


async def send_as_far_as_taken(stream: trio.abc.SendStream, *pieces: bytes) -> None:
    """The server need not read it to its end."""
    with suppress(trio.BrokenResourceError):
        for piece in pieces:
            await stream.send_all(piece)


async def send_until_cut(stream: trio.abc.SendStream, pieces: Iterable[bytes]) -> None:
    """Send and send, until the server has cut the connection."""
    with trio.fail_after(PATIENCE_S), suppress(trio.BrokenResourceError):
        for piece in pieces:
            await stream.send_all(piece)
        raise AssertionError("the server took all of it")
