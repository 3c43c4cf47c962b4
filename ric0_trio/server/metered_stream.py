"""What one client sends: counted in bytes and reads, and taken in turns if it is a stranger or heavy."""

import ssl
from collections.abc import Callable
from typing import Final

import trio

from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.server.limits import ServerLimits
from ric0_trio.transport.eager import EagerStream
from ric0_trio.transport.eager_tls import EagerTls
from ric0_trio.transport.readiness import Serve
from ric0_trio.transport.turns import Turnstile

_TURN_BYTES: Final = 4 * 1024
_TLS_BYTES: Final = 32 * 1024  # what a handshake takes, several times over
_SLACK: Final = 1.25  # frames, TLS records and keepalive come on top of messages
_READS: Final = 64  # for the handshakes; and one for each KiB, where packets have 1.4 of them

LIGHT_BYTES: Final = 4 * 1024
"""How much a connected user may send for each message that they may send, before they take turns with the strangers."""
BYTES_OF_A_READ: Final = 800
"""Each read counts as so many bytes at least: they may come in five pieces each."""
USERS_TLS_BYTES: Final = 128 * 1024
"""How much a connected user may have TLS take in, in a burst, that nothing comes out of."""
USERS_TLS_BYTES_PER_S: Final = 16 * 1024


class MeteredStream(EagerStream):
    """A stream that ends when its peer has sent more than all that it may send can come to.

    Each read costs far more than it costs the peer to send it one byte. And what TLS takes in without passing it on,
    renewals of its keys say, is bounded here alone.
    """

    def __init__(self, stream: EagerStream, limits: ServerLimits, turns: Turnstile) -> None:
        self._stream = stream
        self._limits = limits
        self._turns = turns
        self._kept: bytes | bytearray = b""
        self._is_user = False
        self._takes_turns = True
        self.reads = 0
        """How often something was read."""
        self.bytes_in = self.bytes_out = 0
        """What went over the network, TLS included."""
        self.exhausted: str | None = None
        """What the peer has sent too much of, if it has: `bytes` or `reads`."""
        now = trio.current_time()
        message = _SLACK * limits.max_message_bytes
        # A user's budgets are for the life of the connection: to connect again does not fill them.
        self._users_bytes = TokenBucket(
            _TLS_BYTES + limits.messages_burst * message, limits.messages_per_s * message, now
        )
        self._users_tls_bytes: TokenBucket | None = None
        burst, per_s = limits.messages_burst, limits.messages_per_s
        self._users_light_bytes = TokenBucket(LIGHT_BYTES * burst, LIGHT_BYTES * per_s, now)
        self._begin_as_stranger()

    def trust(self, is_user: bool) -> None:
        """From here on the peer is a connected user, or is a stranger again."""
        self._is_user, self._takes_turns = is_user, not is_user
        if not is_user:
            self._begin_as_stranger()

    def _begin_as_stranger(self) -> None:
        limits = self._limits
        messages = limits.messages_before_auth * limits.max_message_bytes_before_auth
        self._strangers_bytes = _TLS_BYTES + limits.max_head_bytes + int(_SLACK * messages)
        self._strangers_reads = _READS + self._strangers_bytes // 1024

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._kept:
            data, self._kept = self._kept, b""
            return data
        data = await self._stream.receive_some(self._at_once(max_bytes))
        if not self.may_read(len(data)):
            return b""
        try:
            await self.take_turn()
        except trio.Cancelled:
            self._kept = data  # what closes the connection may still want it
            raise
        return data

    def receive_now(self, max_bytes: int | None = None) -> bytes | bytearray | None:
        data = self._stream.receive_now(self._at_once(max_bytes))
        return data if data is None or self.may_read(len(data)) else b""

    async def wait_for_data(self, serve: Serve, takes_turns: Callable[[], bool] | None = None) -> bool:
        """Who takes turns is known here."""
        return not self._kept and await self._stream.wait_for_data(serve, takes_turns or self._has_to_queue)

    def _has_to_queue(self) -> bool:
        return self._takes_turns

    def _at_once(self, max_bytes: int | None) -> int | None:
        """How much is read at a time."""
        return min(max_bytes or _TURN_BYTES, _TURN_BYTES) if self._takes_turns else max_bytes

    def may_read(self, count: int) -> bool:
        """Count a read of so many bytes, and say whether the peer was to send it."""
        self.reads += 1
        self.bytes_in += count
        if self._is_user:
            now = trio.current_time()
            self._takes_turns = not self._users_light_bytes.take(now, max(count, BYTES_OF_A_READ))
            tls_bytes = self._users_tls_bytes
            if not self._users_bytes.take(now, count) or (tls_bytes is not None and not tls_bytes.take(now, count)):
                self.exhausted = "bytes"
        else:
            self._strangers_reads -= 1
            self._strangers_bytes -= count
            if self._strangers_bytes < 0:
                self.exhausted = "bytes"
            elif self._strangers_reads < 0:
                self.exhausted = "reads"
        return self.exhausted is None

    def watch_tls(self) -> None:
        """From here on, what comes out of TLS is told with `pass_on`."""
        self._users_tls_bytes = TokenBucket(USERS_TLS_BYTES, USERS_TLS_BYTES_PER_S, trio.current_time())

    def pass_on(self, count: int) -> None:
        """So many bytes have come out of TLS: they are no concern of its own."""
        if self._users_tls_bytes is not None:
            self._users_tls_bytes.give_back(count)

    async def take_turn(self) -> None:
        """Wait for a turn, if the peer is one that takes turns."""
        if self._takes_turns and not self._turns.take_free_turn():
            await self._turns.take_turn()

    def put(self, data: bytes | bytearray) -> None:
        self.bytes_out += len(data)
        self._stream.put(data)

    @property
    def is_idle(self) -> bool:
        return self._stream.is_idle and not self._kept

    @property
    def is_flushed(self) -> bool:
        return self._stream.is_flushed

    async def flush(self) -> None:
        await self._stream.flush()

    def finish(self) -> None:
        self._stream.finish()

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def abort(self) -> None:
        await self._stream.abort()


class MeteredTls(EagerTls):
    """TLS over a `MeteredStream`: a packet can hold hundreds of records, and each is a read like any other."""

    def __init__(self, meter: MeteredStream, context: ssl.SSLContext) -> None:
        super().__init__(meter, context)
        self._meter = meter
        self._kept: bytes | bytearray = b""

    async def do_handshake(self) -> None:
        await super().do_handshake()
        self._meter.watch_tls()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._kept:
            data, self._kept = self._kept, b""
            return data
        reads = self._meter.reads
        data = await super().receive_some(max_bytes)
        self._meter.pass_on(len(data))
        if data and self._meter.reads == reads:
            if not self._meter.may_read(0):
                return b""
            try:
                await self._meter.take_turn()
            except trio.Cancelled:
                self._kept = data
                raise
        return data

    def receive_now(self, max_bytes: int | None = None) -> bytes | bytearray | None:
        data = super().receive_now(max_bytes)  # with each there was a read of the network
        if data is not None:
            self._meter.pass_on(len(data))
        return data

    @property
    def is_idle(self) -> bool:
        return super().is_idle and not self._kept
