"""What the kit makes of a server's frames."""

from trio.testing import memory_stream_pair

from ric0_trio.conform.evidence import Evidence
from ric0_trio.conform.frames import Opcode, make_frame
from ric0_trio.conform.websocket import Ping, WebSocket

FRAMES = [
    make_frame(Opcode.TEXT, b"Zo\xc3", is_last=False, is_masked=False),
    make_frame(Opcode.PING, b"?", is_masked=False),
    make_frame(Opcode.CONTINUATION, b"\xab", is_last=False, is_masked=False),
    make_frame(Opcode.PONG, is_masked=False),
    make_frame(Opcode.CONTINUATION, is_masked=False),
    make_frame(Opcode.TEXT, b"whole", is_masked=False),
]


async def test_pings_and_pongs_may_come_between_the_fragments_of_a_message() -> None:
    near, far = memory_stream_pair()
    peer = WebSocket(near, Evidence(), 1, b"".join(FRAMES))
    assert await peer.next_event("a ping") == Ping(b"?")
    assert await peer.receive("a message") == "Zoë"
    assert await peer.receive("another") == "whole"
    await far.aclose()
