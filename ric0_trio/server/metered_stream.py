"""What one client sends, below TLS: counted in bytes and reads, and taken in turns if it is a stranger or heavy."""

from typing import Final

import trio

from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.server.limits import ServerLimits
from ric0_trio.server.turns import Turnstile

_TURN_BYTES: Final = 4 * 1024
_TLS_BYTES: Final = 32 * 1024  # what a handshake takes, several times over
_SLACK: Final = 1.25  # frames, TLS records and keepalive come on top of messages

STRANGERS_READS: Final = 256
"""How often a stranger is read from. All that it may send fits into some 110 packets, but for one that sends drops."""
USERS_READS: Final = 200
"""How often a connected user is read from in a burst, before it takes turns with the strangers."""
USERS_READS_PER_S: Final = 100
USERS_BYTES: Final = 256 * 1024
"""How much a connected user may send in a burst, before it takes turns with the strangers."""
USERS_BYTES_PER_S: Final = 64 * 1024


class MeteredStream(trio.abc.Stream):
    """A stream that ends when its peer has sent more than all that it may send can come to.

    Each read costs far more than it costs the peer to send it one byte. And what TLS takes in without passing it on,
    renewals of its keys say, is bounded here alone.
    """

    def __init__(self, stream: trio.abc.Stream, limits: ServerLimits, turns: Turnstile) -> None:
        self._stream = stream
        self._limits = limits
        self._turns = turns
        self.is_exhausted = False
        """Whether the peer has sent too much."""
        self.trust(False)

    def trust(self, is_user: bool) -> None:
        """From here on the peer is a connected user, or is a stranger again."""
        limits, now = self._limits, trio.current_time()
        self._takes_turns = self._is_stranger = not is_user
        if is_user:
            message = _SLACK * limits.max_message_bytes
            burst, per_s = limits.messages_burst * message, limits.messages_per_s * message
            self._bytes = TokenBucket(_TLS_BYTES + burst, per_s, now)
            self._reads = TokenBucket(USERS_READS, USERS_READS_PER_S, now)
        else:
            messages = _SLACK * limits.messages_before_auth * limits.max_message_bytes_before_auth
            self._bytes = TokenBucket(_TLS_BYTES + limits.max_head_bytes + messages, 0, now)
            self._reads = TokenBucket(STRANGERS_READS, 0, now)
        self._light_bytes = TokenBucket(USERS_BYTES, USERS_BYTES_PER_S, now)

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._takes_turns:
            max_bytes = min(max_bytes or _TURN_BYTES, _TURN_BYTES)
        data = await self._stream.receive_some(max_bytes)
        now = trio.current_time()
        is_often = not self._reads.take(now)
        if data and ((is_often and self._is_stranger) or not self._bytes.take(now, len(data))):
            self.is_exhausted = True
            return b""
        self._takes_turns = self._is_stranger or is_often or not self._light_bytes.take(now, len(data))
        if self._takes_turns:
            await self._turns.take_turn()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()
