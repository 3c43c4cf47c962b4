"""What the server wants of a WebSocket, whichever adapter it is: `direct.py`, or `plain.py` on trio-websocket."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ric0_trio.protocol.rate import TokenBucket

Take = Callable[[str | bytes], bool]
"""Takes a message, without waiting for anything, and says whether the next one may come."""


@dataclass(frozen=True)
class KeepAlive:
    """How long a peer may be silent before it is pinged, and then before it is held to be gone, in seconds."""

    interval_s: float
    timeout_s: float


class ServerWebSocket(Protocol):
    """An open WebSocket, for the one task that uses it.

    Each method raises `PeerGoneError` when the peer has left, is silent, or does not read; and `listen` raises
    `FrameError` when it broke the rules.
    """

    @property
    def keepalive_due(self) -> float:
        """When `keep_alive` is to be called, on Trio's clock; infinity, if the adapter sees to that itself."""

    def allow(self, max_message_bytes: int, control_frames: TokenBucket) -> None:
        """Change how large messages may be, and how many pings and pongs may come, from the next frame on."""

    async def accept(self) -> None:
        """Answer 101, if that is not done yet. It comes before all else."""

    async def listen(self, take: Take) -> None:
        """Give `take` each message as it comes, until it has enough, or there is something to flush first.

        It may be cancelled, and loses nothing then. `take` may be called in another task than this.
        """

    def send(self, payload: str | bytes) -> None:
        """Send a message, or as much of it as goes out at once."""

    @property
    def is_flushed(self) -> bool:
        """Whether all is out that was to be sent. If not, `flush` is to be called before anything else."""

    async def flush(self) -> None:
        """Wait until all is out, for as long as a message may take. Cancelled, it cuts a frame."""

    def keep_alive(self) -> None:
        """Ping a peer that has been silent for too long."""
