"""The HTTP side of the ASGI example, and the bounds that uvicorn keeps for it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import chatroom
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Tell = Callable[[Event], Awaitable[None]]

_HEADERS: Final = [(b"content-type", b"text/plain; charset=utf-8"), (b"allow", b"GET"), (b"upgrade", b"websocket")]


def check(scope: Event, connections: int) -> tuple[int, str] | None:
    """Give the HTTP status and the text for a request that is not welcome; None for one that is."""
    refusal = chatroom.refusal(scope["path"], scope.get("subprotocols", []), connections)
    if refusal is None and scope["type"] == "http":
        return (426, "only WebSockets are served here\n") if scope["method"] == "GET" else (405, "expected GET\n")
    if refusal is None and b"origin" in dict(scope["headers"]):
        return 403, "no web page may connect here\n"
    return refusal


def payload_of(event: Event) -> str | bytes:
    """The message that `websocket.receive` brings: one of its keys is None, or not there."""
    text = event.get("text")
    return bytes(event["bytes"]) if text is None else str(text)


async def refuse(scope: Event, send: Tell, status: int, text: str) -> None:
    """Answer with plain HTTP: for a WebSocket, that is ASGI's extension `websocket.http.response`."""
    kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
    await send({"type": f"{kind}.start", "status": status, "headers": _HEADERS})
    await send({"type": f"{kind}.body", "body": text.encode()})


class Impatient(WebSocketsSansIOProtocol):
    """ASGI has no word for a forced close: who is still there when the application is done with them is cut off."""

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """Begin to count when the application returns."""
        super().on_task_complete(task)
        self.loop.call_later(chatroom.CLOSE_TIMEOUT_S, self.transport.abort)


OPTIONS: Final[dict[str, Any]] = {
    "ws": Impatient,
    "ws_per_message_deflate": False,
    "ws_ping_interval": chatroom.PING_INTERVAL_S,
    "ws_ping_timeout": chatroom.PING_TIMEOUT_S,
    "ws_max_size": chatroom.LIMITS.max_message_bytes,
    "http": "h11",
    "h11_max_incomplete_event_size": 8192,
    "lifespan": "off",
    "log_level": "warning",
}
