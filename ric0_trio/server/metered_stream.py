"""What one client sends, below TLS: counted in bytes and in reads, and taken in turns while it is a stranger."""

from typing import Final

import trio

from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.server.limits import ServerLimits
from ric0_trio.server.turns import Turnstile

_STRANGERS_READ_BYTES: Final = 4 * 1024
_TLS_BYTES: Final = 32 * 1024  # what a handshake takes, several times over
_SLACK: Final = 1.25  # frames, TLS records and keepalive come on top of messages

STRANGERS_READS: Final = 512
"""How often a stranger is read from. All that it may send fits into some 150 packets, but for one that sends drops."""
USERS_READS: Final = 200
"""How often a connected user is read from in a burst, before it takes turns with the strangers."""
USERS_READS_PER_S: Final = 100


class MeteredStream(trio.abc.Stream):
    """A stream that ends when its peer has sent more than all that it may send can come to.

    Each read costs far more than it costs the peer to send it one byte. And what TLS takes in without passing it on,
    renewals of its keys say, is bounded here alone.
    """

    def __init__(self, stream: trio.abc.Stream, limits: ServerLimits, turns: Turnstile) -> None:
        self._stream = stream
        self._limits = limits
        self._turns = turns
        self._is_stranger = True
        self._bytes = self._strangers_bytes()
        self._reads = TokenBucket(STRANGERS_READS, 0, trio.current_time())
        self.is_exhausted = False
        """Whether the peer has sent too much."""

    def trust(self, is_user: bool) -> None:
        """From here on the peer is a connected user, or is a stranger again."""
        self._is_stranger = not is_user
        self._bytes = self._users_bytes() if is_user else self._strangers_bytes()
        reads, per_s = (USERS_READS, USERS_READS_PER_S) if is_user else (STRANGERS_READS, 0)
        self._reads = TokenBucket(reads, per_s, trio.current_time())

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._is_stranger:
            max_bytes = min(max_bytes or _STRANGERS_READ_BYTES, _STRANGERS_READ_BYTES)
        data = await self._stream.receive_some(max_bytes)
        now = trio.current_time()
        is_within_reads = self._reads.take(now)
        if data and not (self._bytes.take(now, len(data)) and (is_within_reads or not self._is_stranger)):
            self.is_exhausted = True
            return b""
        if self._is_stranger or not is_within_reads:
            await self._turns.take_turn()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _strangers_bytes(self) -> TokenBucket:
        limits = self._limits
        messages = limits.messages_before_auth * limits.max_message_bytes_before_auth
        return TokenBucket(_TLS_BYTES + limits.max_head_bytes + _SLACK * messages, 0, trio.current_time())

    def _users_bytes(self) -> TokenBucket:
        limits, message = self._limits, _SLACK * self._limits.max_message_bytes
        burst, per_s = limits.messages_burst * message, limits.messages_per_s * message
        return TokenBucket(_TLS_BYTES + burst, per_s, trio.current_time())
