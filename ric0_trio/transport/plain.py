"""`PlainWebSocket`: trio-websocket, with every wait bounded and every ending told apart.

`accept_websocket` and `connect_websocket` run trio-websocket on a `GuardedStream` for as long as their block lasts.
The closing handshake comes after the block, with `GuardedStream.close`.
"""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, Never

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream, wrap_server_stream

from ric0_trio.protocol.effects import CloseCode
from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.transport.errors import ABNORMAL, FrameError, PeerGoneError, PeerSilentError, PeerStalledError
from ric0_trio.transport.guard import GuardedStream
from ric0_trio.transport.one_exception import one_exception
from ric0_trio.transport.websocket import KeepAlive, Take

_FOUND_BY_WSPROTO: Final = (CloseCode.PROTOCOL_ERROR, CloseCode.NOT_DECODABLE)


class PlainWebSocket:
    """An open WebSocket. One task receives; one task sends, or several in turn."""

    def __init__(
        self,
        connection: WebSocketConnection,
        guard: GuardedStream,
        nursery: trio.Nursery,
        keepalive: KeepAlive,
        write_timeout_s: float,
    ) -> None:
        self._connection = connection
        self._guard = guard
        self._nursery = nursery
        self._keepalive = keepalive
        self._write_timeout_s = write_timeout_s
        self._pinging = False
        self._opened_at = trio.current_time()
        self._unsent: str | bytes | None = None

    @property
    def keepalive_due(self) -> float:
        return math.inf

    def keep_alive(self) -> None:
        """`receive` sees to that."""

    async def accept(self) -> None:
        """`accept_websocket` has done it."""

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was agreed on."""
        return self._connection.subprotocol

    def allow(self, max_message_bytes: int, control_frames: TokenBucket) -> None:
        """Change how large messages may be, and how many pings and pongs may come, from the next frame on."""
        self._guard.allow(max_message_bytes, control_frames)

    async def listen(self, take: Take) -> None:
        while take(await self.receive()):
            pass

    async def receive(self) -> str | bytes:
        """Wait for a message, however long, but for no peer that does not answer a ping.

        Raises `PeerGoneError` when the peer has left or is silent, `FrameError` when it broke the rules.
        """
        while True:
            heard = self._last_heard()
            with trio.move_on_at(heard + self._keepalive.interval_s):
                return await self._get_message()
            if self._last_heard() > heard:
                continue
            self._ping_once()
            with trio.move_on_after(self._keepalive.timeout_s):
                return await self._get_message()
            if self._last_heard() <= heard:
                raise PeerSilentError

    def send(self, payload: str | bytes) -> None:
        self._unsent = payload  # trio-websocket cannot send without waiting

    @property
    def is_flushed(self) -> bool:
        return self._unsent is None

    async def flush(self) -> None:
        """Raises `PeerGoneError` when the peer is gone, or takes too long to read."""
        if self._unsent is None:
            return
        payload, self._unsent = self._unsent, None
        with trio.move_on_after(self._write_timeout_s):
            try:
                await self._connection.send_message(payload)
            except ConnectionClosed:
                self._raise_ending()
            if self._guard.broken:
                raise PeerGoneError(ABNORMAL, "")
            return
        raise PeerStalledError

    def _last_heard(self) -> float:
        return max(self._guard.last_heard, self._opened_at)

    def _ping_once(self) -> None:
        if not self._pinging:
            self._pinging = True
            self._nursery.start_soon(self._ping)

    async def _ping(self) -> None:
        with suppress(ConnectionClosed):
            await self._connection.ping()
        self._pinging = False

    async def _get_message(self) -> str | bytes:
        try:
            return await self._connection.get_message()
        except ConnectionClosed:
            self._raise_ending()

    def _raise_ending(self) -> Never:
        ended = self._connection.closed
        if self._guard.problem is not None:
            raise FrameError.of(self._guard.problem) from None
        if ended is None:
            raise PeerGoneError(ABNORMAL, "") from None
        if ended.code in _FOUND_BY_WSPROTO and not self._guard.close_sent:  # trio-websocket tells the peer nothing
            raise FrameError(CloseCode(ended.code), ended.reason or "invalid frame") from None
        raise PeerGoneError(ended.code, ended.reason or "") from None


@asynccontextmanager
async def accept_websocket(
    guard: GuardedStream,
    subprotocol: str | None,
    *,
    keepalive: KeepAlive,
    write_timeout_s: float,
) -> AsyncIterator[PlainWebSocket]:
    """Answer 101 on a stream whose head is a good request, and run the WebSocket while the block lasts."""
    with one_exception():
        async with trio.open_nursery() as nursery:
            with trio.move_on_after(write_timeout_s) as accepting:
                request = await wrap_server_stream(nursery, guard, max_message_size=guard.max_message_bytes)
                connection = await request.accept(subprotocol=subprotocol)
            if accepting.cancelled_caught:
                nursery.cancel_scope.cancel()
                raise PeerStalledError
            yield PlainWebSocket(connection, guard, nursery, keepalive, write_timeout_s)
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def connect_websocket(
    guard: GuardedStream,
    host: str,
    path: str,
    subprotocols: Sequence[str],
    *,
    keepalive: KeepAlive,
    write_timeout_s: float,
) -> AsyncIterator[PlainWebSocket]:
    """Ask for a WebSocket, and run it while the block lasts. The caller bounds the time of the handshake."""
    with one_exception():
        async with trio.open_nursery() as nursery:
            connection = await wrap_client_stream(  # any stream serves; the annotation there is too narrow
                nursery,
                guard,  # type: ignore[arg-type]
                host,
                path,
                subprotocols=subprotocols,
                max_message_size=guard.max_message_bytes,
            )
            yield PlainWebSocket(connection, guard, nursery, keepalive, write_timeout_s)
            nursery.cancel_scope.cancel()
