"""`GuardedStream`: what stands between a network stream and trio-websocket.

trio-websocket 0.12.2 trusts its peer: it buffers without bound before the upgrade, counts characters for bytes, sends
no Close frame after a protocol error, and its `aclose` can hang or raise (docs/architecture.md lists each). So the
HTTP head goes through here, frames are metered before they reach it, and the closing handshake is done here, when
trio-websocket is no longer running. Its own closing of the stream is only noted.
"""

import math
from collections.abc import Awaitable, Callable

import trio
from wsproto.frame_protocol import FrameProtocol

from ric0_trio.protocol.effects import CloseCode, clip_close_reason
from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.transport.frames import Excess, FrameMeter

_DRAIN_BYTES = 16 * 1024
_PIECE_BYTES = 4 * 1024
_CLOSE_OPCODE = 0x8


class GuardedStream(trio.abc.Stream):
    """A stream whose first chunk is an HTTP head, and whose rest are WebSocket frames, metered."""

    def __init__(
        self,
        stream: trio.abc.Stream,
        take_head: Callable[[], Awaitable[tuple[bytes, bytes]]],
        *,
        is_client: bool,
        max_message_bytes: int,
        control_frames: TokenBucket,
    ) -> None:
        """Guard `stream`. `take_head` gives the peer's HTTP head, and what came behind it already."""
        self._stream = stream
        self._take_head: Callable[[], Awaitable[tuple[bytes, bytes]]] | None = take_head
        self._is_client = is_client
        self._meter = FrameMeter(max_message_bytes, control_frames)
        self._early = self._held = b""
        self._head_received = False
        self._head_sent = trio.Event()
        self._sending = False
        self._close_sent = False
        self._abandoned = False
        self._ended = False
        self.broken = False
        """Whether something could not be sent: the peer is gone."""
        self.last_heard = -math.inf
        """When the peer last sent anything, on Trio's clock."""

    @property
    def problem(self) -> Excess | None:
        """What the peer sent too much of. trio-websocket sees an end of the stream there."""
        return self._meter.problem

    @property
    def close_sent(self) -> bool:
        """Whether a Close frame of this side went out whole."""
        return self._close_sent

    @property
    def _upgraded(self) -> bool:
        """Whether both heads are through, and frames may be sent."""
        return self._head_received and self._head_sent.is_set()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Give the head first, alone; then frames, once our own head is sent and as far as the meter lets them."""
        if self._take_head is not None:
            take_head, self._take_head = self._take_head, None
            head, self._early = await take_head()
            self._head_received = True
            return head
        await self._head_sent.wait()
        if self.problem is not None or self._abandoned or self.broken:
            return b""
        return await self._receive_frames(max_bytes)

    @property
    def max_message_bytes(self) -> int:
        """The largest message that is let in now."""
        return self._meter.max_message_bytes

    def allow(self, max_message_bytes: int, control_frames: TokenBucket) -> None:
        """Change what is let in, from the next frame on."""
        self._meter.max_message_bytes = max_message_bytes
        self._meter.control_frames = control_frames

    async def _receive_frames(self, max_bytes: int | None) -> bytes:
        """Receive what came, or a good piece of a payload: wsproto keeps an object for each piece that it is given."""
        is_rest = self._meter.is_inside_a_payload
        while True:
            data, self._early = self._early, b""
            if not data:
                data = bytes(await self._stream.receive_some(max_bytes))
            self.last_heard = trio.current_time()
            self._ended = not data
            self._held += data[: self._meter.feed(data, self.last_heard)]
            is_piece = is_rest and self._meter.is_inside_a_payload and len(self._held) < _PIECE_BYTES
            if self._ended or self.problem is not None or not is_piece:
                break
        held, self._held = self._held, b""
        return held

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, and remember if that was cut short: then nothing may follow.

        What cannot be sent is dropped, and the stream ends for the reader: trio-websocket would begin to close in the
        task that sends, and its reader then fails on the next ping.
        """
        await trio.lowlevel.checkpoint_if_cancelled()  # a send that never begins cuts nothing short
        if self._sending:
            return
        is_close = self._upgraded and data[0] & 0x0F == _CLOSE_OPCODE
        self._sending = True
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.broken = True
        else:
            self._sending = False
            self._close_sent = self._close_sent or is_close
        self._head_sent.set()

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Note that trio-websocket is done with the stream. `close` is what closes it."""
        self._abandoned = True
        await trio.lowlevel.checkpoint()

    async def close(self, code: CloseCode, reason: str, timeout_s: float) -> None:
        """End the WebSocket: a Close frame if none was sent, wait for the peer's, and close the stream by force.

        Takes `timeout_s` seconds at most. Nothing else may use the stream any more. Never raises for what the
        peer does.
        """
        try:
            with trio.move_on_after(timeout_s):
                if self._upgraded and not self._close_sent and not self._sending:
                    frame = FrameProtocol(self._is_client, []).close(code, clip_close_reason(reason))
                    await self.send_all(bytes(frame))
                await self._drain()
                if not self._sending:
                    await self._stream.aclose()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            await trio.aclose_forcefully(self._stream)

    async def _drain(self) -> None:
        # A stream closed with unread data sends a reset, which can take our Close frame from the peer.
        while self._close_sent and not self._meter.close_seen and not self._ended:
            await self._receive_frames(_DRAIN_BYTES)
