"""`WebSocket`: whole messages in and out, every wait bounded, every ending told apart.

`accept_websocket` and `connect_websocket` run trio-websocket on a `GuardedStream` for as long as their block lasts.
The closing handshake comes after the block, with `GuardedStream.close`.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Final, Never

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream, wrap_server_stream

from ric0_trio.protocol.effects import CloseCode
from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.transport.frames import Excess
from ric0_trio.transport.guard import GuardedStream

ABNORMAL: Final = 1006
"""The code of an end without a Close frame (RFC 6455 section 7.1.5). It is never sent."""

_FOUND_BY_WSPROTO: Final = (CloseCode.PROTOCOL_ERROR, CloseCode.NOT_DECODABLE)


class PeerGoneError(Exception):
    """The peer closed the WebSocket, or is gone without a word (code 1006)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = int(code)  # wsproto has an enum of its own
        self.reason = reason


class PeerSilentError(PeerGoneError):
    """The peer did not answer a ping in time: it is held to be gone."""

    def __init__(self) -> None:
        super().__init__(ABNORMAL, "no answer to a ping")


class PeerStalledError(PeerGoneError):
    """The peer did not take a message in time: it is held to be gone."""

    def __init__(self) -> None:
        super().__init__(ABNORMAL, "the peer does not read what it is sent")


class FrameError(Exception):
    """The peer broke the rules of WebSocket frames; it is to be told with a Close frame of this code."""

    def __init__(self, code: CloseCode, reason: str, excess: Excess | None = None) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason
        self.excess = excess
        """What it sent too much of, if that is what it did."""


@dataclass(frozen=True)
class KeepAlive:
    """How long a peer may be silent before it is pinged, and then before it is held to be gone, in seconds."""

    interval_s: float
    timeout_s: float


class WebSocket:
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

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was agreed on."""
        return self._connection.subprotocol

    def allow(self, max_message_bytes: int, control_frames: TokenBucket) -> None:
        """Change how large messages may be, and how many pings and pongs may come, from the next frame on."""
        self._guard.allow(max_message_bytes, control_frames)

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

    async def send(self, payload: str | bytes) -> None:
        """Send a message. Raises `PeerGoneError` when the peer is gone, or takes too long to read."""
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
        if (excess := self._guard.problem) is not None:
            code = CloseCode.POLICY if excess is Excess.CONTROL_FRAMES else CloseCode.TOO_BIG
            raise FrameError(code, excess.value, excess) from None
        if ended is None:
            raise PeerGoneError(ABNORMAL, "") from None
        if ended.code in _FOUND_BY_WSPROTO and not self._guard.close_sent:  # trio-websocket tells the peer nothing
            raise FrameError(CloseCode(ended.code), ended.reason or "invalid frame") from None
        raise PeerGoneError(ended.code, ended.reason or "") from None


@contextmanager
def one_exception() -> Iterator[None]:
    """Unwrap the one exception that a nursery wrapped: what else it ran is of no interest to who uses the block."""
    try:
        yield
    except BaseExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        (exception,) = group.exceptions
        context = exception.__context__
        try:
            raise exception
        finally:
            exception.__context__ = context  # as it was, and not the group


@asynccontextmanager
async def accept_websocket(
    guard: GuardedStream,
    subprotocol: str | None,
    *,
    keepalive: KeepAlive,
    write_timeout_s: float,
) -> AsyncIterator[WebSocket]:
    """Answer 101 on a stream whose head is a good request, and run the WebSocket while the block lasts."""
    with one_exception():
        async with trio.open_nursery() as nursery:
            request = await wrap_server_stream(nursery, guard, max_message_size=guard.max_message_bytes)
            connection = await request.accept(subprotocol=subprotocol)
            yield WebSocket(connection, guard, nursery, keepalive, write_timeout_s)
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
) -> AsyncIterator[WebSocket]:
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
            yield WebSocket(connection, guard, nursery, keepalive, write_timeout_s)
            nursery.cancel_scope.cancel()
