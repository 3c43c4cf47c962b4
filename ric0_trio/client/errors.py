"""What can become of a connection, as exceptions: all are `ChatError`."""

from ric0_trio.protocol import NEVER_RETURN
from ric0_trio.transport.errors import ABNORMAL


class ChatError(Exception):
    """A connection could not be made, or did not last."""


class ServerUnreachableError(ChatError):
    """Nothing answers at the server's address, or not in time."""


class ServerIdentityError(ChatError):
    """The server cannot prove itself, or is not who it was. No proof was sent to it for a key that it has not."""


class ConnectRefusedError(ChatError):
    """The server did not let the user in."""

    def __init__(self, status: str, reason: str | None) -> None:
        super().__init__(f"connect was refused: {status}" + (f" ({reason})" if reason else ""))
        self.status = status
        """The status of the reply (docs/protocol.md, "Messages")."""
        self.reason = reason
        """What the server says of it; a stranger's text."""


class ChatTimeoutError(ChatError):
    """The server did not answer a request in time."""


class ConnectionClosedError(ChatError):
    """The connection is over, and not because this side wished it."""

    def __init__(self, code: int, reason: str, *, by_server: bool = True) -> None:
        what = "the connection broke" if code == ABNORMAL else f"the server closed the connection with {code}"
        full = f"{what}: {reason}" if reason else what
        super().__init__(full if by_server else reason)
        self.code = code
        """The WebSocket close code; 1006 when the connection broke."""
        self.reason = reason
        """Why: what the server says of it, a stranger's text, or what this side found wrong."""

    @property
    def may_return(self) -> bool:
        """Whether a program may reconnect by itself: never after 400x (docs/protocol.md, "Close codes")."""
        return self.code not in NEVER_RETURN


class UpgradeRefusedError(ConnectionClosedError):
    """The server speaks HTTP, but gives no WebSocket here."""

    def __init__(self, status: int, body: str) -> None:
        answer = f"the server answered HTTP {status}"
        super().__init__(ABNORMAL, f"{answer}: {body}" if body else answer, by_server=False)
        self.status = status
        """The HTTP status."""
