"""A WebSocket in one task: what the peer said last is what it is remembered for."""

import pytest
import trio

from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.transport.direct import DirectWebSocket
from ric0_trio.transport.errors import PeerGoneError
from ric0_trio.transport.websocket import KeepAlive
from tests.server.raw_client import CLOSE, TEXT, frame
from tests.transport.test_eager import socket_pair


def make() -> tuple[trio.SocketStream, DirectWebSocket]:
    """A peer's end, and the server's WebSocket at the other."""
    peer, ours = socket_pair()
    websocket = DirectWebSocket(
        ours,
        b"HTTP/1.1 101 \r\n\r\n",
        frame(TEXT, b"early"),
        max_message_bytes=100,
        control_frames=TokenBucket(8, 0, 0),
        keepalive=KeepAlive(25, 10),
        write_timeout_s=5,
    )
    return peer, websocket


async def listen_for_one(websocket: DirectWebSocket) -> str | bytes:
    """The next message."""
    heard: list[str | bytes] = []

    def take(payload: str | bytes) -> bool:
        heard.append(payload)
        return False

    await websocket.listen(take)
    return heard[0]


async def test_what_came_with_the_head_comes_first() -> None:
    peer, websocket = make()
    await websocket.accept()
    assert await listen_for_one(websocket) == "early"
    websocket.send("late")
    assert websocket.is_flushed
    assert await peer.receive_some() == b"HTTP/1.1 101 \r\n\r\n\x81\x04late"
    await peer.aclose()
    await websocket.close(1000, "", 1)


async def test_a_peer_that_closes_and_does_not_wait_has_closed() -> None:
    peer, websocket = make()
    await listen_for_one(websocket)
    await peer.send_all(frame(CLOSE, b"\x03\xe8bye"))
    await peer.aclose()
    with pytest.raises(PeerGoneError) as gone:
        await listen_for_one(websocket)
    assert (gone.value.code, gone.value.reason) == (1000, "bye")
    await websocket.close(1000, "", 1)
