"""A listener in memory, which a test makes fail as sockets do."""

from collections.abc import Sequence
from typing import cast

import trio
from trio.testing import memory_stream_pair


class PeerSocket:
    """As much of a socket as tells whose it is."""

    def __init__(self, peer_name: object) -> None:
        self._peer_name = peer_name

    def close(self) -> None:
        """Nothing is to be closed in memory: whoever waits at the other end goes on waiting."""

    def getpeername(self) -> object:
        if isinstance(self._peer_name, OSError):
            raise self._peer_name
        return self._peer_name


class AcceptedStream(trio.abc.Stream):
    """The server's end of a connection that came from a `MemoryListener`."""

    def __init__(self, stream: trio.abc.Stream, peer_name: object) -> None:
        self.socket = PeerSocket(peer_name)
        self._stream = stream

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


class MemoryListener(trio.abc.Listener[AcceptedStream]):
    """Gives what it was told to give: connections, and errors."""

    def __init__(self) -> None:
        self._give, self._take = trio.open_memory_channel[AcceptedStream | OSError](1000)
        self.closed = False

    def connect(self, name: object = ("198.51.100.7", 50_000)) -> trio.abc.Stream:
        """A client's end of a new connection, not yet accepted, from a peer of that name."""
        ours, theirs = memory_stream_pair()
        self._give.send_nowait(AcceptedStream(theirs, name))
        return ours

    def fail(self, error: OSError) -> None:
        """Have an `accept` raise."""
        self._give.send_nowait(error)

    @property
    def waiting(self) -> int:
        """How many have not been accepted yet."""
        return self._take.statistics().current_buffer_used

    async def accept(self) -> AcceptedStream:
        given = await self._take.receive()
        if isinstance(given, OSError):
            raise given
        return given

    async def aclose(self) -> None:
        self.closed = True
        await trio.lowlevel.checkpoint()


def as_sockets(*listeners: MemoryListener) -> Sequence[trio.SocketListener]:
    """What `Server.serve` is annotated to take; it asks nothing else of a listener than `accept` and `aclose`."""
    return cast(Sequence[trio.SocketListener], listeners)
