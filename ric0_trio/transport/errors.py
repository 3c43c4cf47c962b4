"""How a WebSocket ends for the one who uses it: what its `receive` and `flush` raise."""

from typing import Final

from ric0_trio.protocol.effects import CloseCode
from ric0_trio.transport.frames import Excess

ABNORMAL: Final = 1006
"""The code of an end without a Close frame (RFC 6455 section 7.1.5). It is never sent."""


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

    @classmethod
    def of(cls, excess: Excess) -> "FrameError":
        """What to say to a peer that sent too much."""
        code = CloseCode.POLICY if excess is Excess.CONTROL_FRAMES else CloseCode.TOO_BIG
        return cls(code, excess.value, excess)
