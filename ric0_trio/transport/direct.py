"""`DirectWebSocket`: a server's WebSocket without a task of its own.

trio-websocket has a task that reads, a channel to whoever takes the messages, and a lock for those who send. A server's
connection is one task, which answers what it reads: it needs none of these (docs/benchmarks.md).
"""

from contextlib import suppress
from functools import partial
from typing import Final

import trio
from wsproto.events import CloseConnection, Ping

from ric0_trio.protocol.effects import clip_close_reason
from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.transport.eager import EagerStream
from ric0_trio.transport.errors import ABNORMAL, PeerGoneError, PeerSilentError, PeerStalledError
from ric0_trio.transport.frame_reader import FrameReader
from ric0_trio.transport.frames import BINARY, CLOSE, MAX_SHORT_BYTES, NO_STATUS, PING, PONG, TEXT
from ric0_trio.transport.websocket import KeepAlive, Take

_MAX_LONG_BYTES: Final = 0xFFFF
_DRAIN_BYTES: Final = 16 * 1024
_ENDS: Final = (trio.BrokenResourceError, trio.ClosedResourceError)
"""What a stream raises when it has ended without a word."""


class DirectWebSocket:
    """A `ServerWebSocket`, from the 101 on; `close` ends it."""

    def __init__(
        self,
        stream: EagerStream,
        answer: bytes,
        early: bytes,
        *,
        max_message_bytes: int,
        control_frames: TokenBucket,
        keepalive: KeepAlive,
        write_timeout_s: float,
    ) -> None:
        """Begin on `stream`, with the `answer` to the peer's HTTP head; `early` came behind that already."""
        self._stream = stream
        self._answer = answer
        self._frames = FrameReader(max_message_bytes, control_frames)
        self._frames.feed(early)
        self._keepalive = keepalive
        self._write_timeout_s = write_timeout_s
        self._is_stuck = False
        self._close_sent = False
        self._has_ended = False
        self._heard_at = trio.current_time()
        self._pinged_at: float | None = None

    async def accept(self) -> None:
        answer, self._answer = self._answer, b""
        self._send(answer)
        await self.flush()

    @property
    def keepalive_due(self) -> float:
        if self._pinged_at is None:
            return self._heard_at + self._keepalive.interval_s
        return self._pinged_at + self._keepalive.timeout_s

    def allow(self, max_message_bytes: int, control_frames: TokenBucket) -> None:
        self._frames.allow(max_message_bytes, control_frames)

    async def listen(self, take: Take) -> None:
        while not self._give(take):
            try:
                if await self._stream.wait_for_data(partial(self._serve, take)):
                    return
                data = await self._stream.receive_some()
            except _ENDS:
                data = b""
            self._hear(data)

    def _serve(self, take: Take) -> bool | None:
        """Give what can be had without waiting to `take`."""
        try:
            data = self._stream.receive_now()
        except _ENDS:
            data = b""
        if data is not None:
            self._hear(data)
            if self._give(take):
                return True
        return None if self._stream.is_idle else False

    def _give(self, take: Take) -> bool:
        """Give what has come to `take`; say whether no more is to be read now."""
        while (received := self._frames.next(self._heard_at)) is not None:
            if isinstance(received, str | bytes):
                if not take(received):
                    return True
            elif isinstance(received, Ping):
                self._send(_frame(PONG, bytes(received.payload)))
                if not self._stream.is_flushed:
                    return True
            else:
                self._echo(received)
        return False

    def send(self, payload: str | bytes) -> None:
        if isinstance(payload, str):
            self._send(_frame(TEXT, payload.encode()))
        else:
            self._send(_frame(BINARY, payload))

    @property
    def is_flushed(self) -> bool:
        return self._stream.is_flushed

    async def flush(self) -> None:
        if self._stream.is_flushed:
            return
        self._is_stuck = True
        with trio.move_on_after(self._write_timeout_s):
            try:
                await self._stream.flush()
            except _ENDS:
                raise PeerGoneError(ABNORMAL, "") from None
            self._is_stuck = False
            return
        raise PeerStalledError

    def keep_alive(self) -> None:
        now = trio.current_time()
        if now < self.keepalive_due:
            return
        if self._pinged_at is not None:
            raise PeerSilentError
        self._pinged_at = now
        self._send(_frame(PING, b""))

    async def close(self, code: int, reason: str, timeout_s: float) -> None:
        """Send a Close frame if none was sent, wait for the peer's, and close the stream, by force at last.

        Takes `timeout_s` seconds at most, and raises nothing for what the peer does.
        """
        try:
            if self._close_sent and self._frames.close_seen and self._stream.is_flushed:
                self._stream.finish()  # both sides have said all: there is nothing to wait for
            else:
                with trio.move_on_after(timeout_s):
                    await self._say_goodbye(code, reason)
        except (PeerGoneError, *_ENDS):
            pass
        finally:
            await self._stream.abort()

    async def _say_goodbye(self, code: int, reason: str) -> None:
        if self._is_stuck:
            return  # nothing may follow
        await self.flush()
        if not self._close_sent:
            self._send_close(code, clip_close_reason(reason))
            await self.flush()
        await self._drain()
        await self._stream.aclose()

    def _hear(self, data: bytes | bytearray) -> None:
        if not data:
            self._has_ended = True
            raise PeerGoneError(ABNORMAL, "")
        self._heard_at, self._pinged_at = trio.current_time(), None
        self._frames.feed(data)

    def _echo(self, close: CloseConnection) -> None:
        reason = close.reason or ""
        with suppress(PeerGoneError):  # it may not wait for an answer
            self._send_close(close.code, reason)
        raise PeerGoneError(close.code, reason)

    def _send_close(self, code: int, reason: str) -> None:
        self._send(_frame(CLOSE, b"" if code == NO_STATUS else code.to_bytes(2) + reason.encode()))
        self._close_sent = True

    def _send(self, frame: bytes) -> None:
        try:
            self._stream.put(frame)
        except _ENDS:
            self._has_ended = True
            raise PeerGoneError(ABNORMAL, "") from None

    async def _drain(self) -> None:
        # A stream closed with unread data sends a reset, which can take our Close frame from the peer.
        while self._close_sent and not self._has_ended:
            self._frames.skip(trio.current_time())
            if self._frames.close_seen:
                return
            data = await self._stream.receive_some(_DRAIN_BYTES)
            self._has_ended = not data
            self._frames.feed(data)


def _frame(first: int, payload: bytes) -> bytes:
    """A whole frame of a server's: there is no mask (RFC 6455 section 5.2)."""
    size = len(payload)
    if size <= MAX_SHORT_BYTES:
        return bytes((first, size)) + payload
    if size <= _MAX_LONG_BYTES:
        return bytes((first, 126, size >> 8, size & 0xFF)) + payload
    return bytes((first, 127)) + size.to_bytes(8) + payload
