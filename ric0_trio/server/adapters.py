"""What carries a WebSocket: `direct`, which is the connection's own task, or `plain`, which is trio-websocket.

Both begin the conversation on it, and close it as that says.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from ric0_trio.protocol import Close, CloseCode, Codec
from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.server.conversation import Conversation
from ric0_trio.server.limits import ServerLimits
from ric0_trio.server.settings import Adapter
from ric0_trio.server.upgrade import Upgrade
from ric0_trio.transport.direct import DirectWebSocket
from ric0_trio.transport.eager import EagerStream
from ric0_trio.transport.guard import GuardedStream
from ric0_trio.transport.plain import accept_websocket
from ric0_trio.transport.websocket import KeepAlive, ServerWebSocket

_GOING_AWAY: Final = Close(CloseCode.GOING_AWAY, "the server is going away")
_INTERNAL_ERROR: Final = Close(CloseCode.INTERNAL_ERROR, "internal error")

Begin = Callable[[ServerWebSocket, Codec], Conversation]


async def serve_directly(
    stream: EagerStream, upgrade: Upgrade, early: bytes, limits: ServerLimits, begin: Begin
) -> None:
    """Converse on a `DirectWebSocket`. `early` came behind the HTTP head already."""
    websocket = DirectWebSocket(
        stream,
        upgrade.acceptance(),
        early,
        max_message_bytes=limits.max_message_bytes,
        control_frames=_control_frames_of_a_stranger(limits),
        keepalive=_keepalive(limits),
        write_timeout_s=limits.write_timeout_s,
    )
    talk = begin(websocket, upgrade.codec)
    close = _INTERNAL_ERROR
    try:
        close = await talk.run()
    except trio.Cancelled:
        close = _GOING_AWAY
        raise
    finally:
        await websocket.close(close.code, close.reason, talk.close_timeout_s)


async def serve_plainly(
    stream: EagerStream, upgrade: Upgrade, early: bytes, limits: ServerLimits, begin: Begin
) -> None:
    """Converse on trio-websocket, behind a `GuardedStream`."""

    async def take_head() -> tuple[bytes, bytes]:
        return upgrade.head(), early

    guard = GuardedStream(
        stream,
        take_head,
        is_client=False,
        max_message_bytes=limits.max_message_bytes,
        control_frames=_control_frames_of_a_stranger(limits),
    )
    close, timeout_s = _INTERNAL_ERROR, limits.close_timeout_before_auth_s
    try:
        async with accept_websocket(
            guard, upgrade.subprotocol, keepalive=_keepalive(limits), write_timeout_s=limits.write_timeout_s
        ) as websocket:
            talk = begin(websocket, upgrade.codec)
            close = await talk.run()
            timeout_s = talk.close_timeout_s
    finally:
        await guard.close(close.code, close.reason, timeout_s)


ADAPTERS: Final[dict[Adapter, Callable[[EagerStream, Upgrade, bytes, ServerLimits, Begin], Awaitable[None]]]] = {
    "direct": serve_directly,
    "plain": serve_plainly,
}


def _control_frames_of_a_stranger(limits: ServerLimits) -> TokenBucket:
    return TokenBucket(limits.control_frames_before_auth, 0, trio.current_time())


def _keepalive(limits: ServerLimits) -> KeepAlive:
    return KeepAlive(limits.ping_interval_s, limits.ping_timeout_s)
