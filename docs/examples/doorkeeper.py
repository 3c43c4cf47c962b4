"""The HTTP side of the examples that stand on `websockets`: it is the same under asyncio, in threads and on Trio."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import chatroom
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol


class Connection(Protocol):
    """What the three kinds of `ServerConnection` have in common."""

    @property
    def server(self) -> Any: ...

    def respond(self, status: int, text: str) -> Response: ...


def check(connection: Connection, request: Request) -> Response | None:
    """Refuse what is for another path, speaks no known subprotocol, or is too much."""
    headers = request.headers.get_all("Sec-WebSocket-Protocol")
    offered = [name.strip() for header in headers for name in header.split(",")]
    refusal = chatroom.refusal(request.path.partition("?")[0], offered, len(connection.server.connections))
    return None if refusal is None else connection.respond(*refusal)


def choose(connection: Connection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Name the subprotocol in the 101 answer."""
    chosen = chatroom.choose_subprotocol(offered)
    return None if chosen is None else Subprotocol(chosen)


OPTIONS: Final[dict[str, Any]] = {
    "process_request": check,
    "select_subprotocol": choose,
    "origins": [None],  # no web page may connect
    "compression": None,
    "open_timeout": chatroom.OPEN_TIMEOUT_S,
    "ping_interval": chatroom.PING_INTERVAL_S,
    "ping_timeout": chatroom.PING_TIMEOUT_S,
    "close_timeout": chatroom.CLOSE_TIMEOUT_S,
    "max_size": chatroom.LIMITS.max_message_bytes,
    "max_queue": 1,  # frames that are read ahead
}
