"""The guarded stream: one head, then frames when ours is out; an end that always comes, and never raises."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import (
    MockClock,
    lockstep_stream_pair,
    memory_stream_pair,
    wait_all_tasks_blocked,
)

from ric0_trio.protocol import CloseCode
from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.transport.frames import Excess
from ric0_trio.transport.guard import GuardedStream
from tests.server.raw_client import CLOSE, CONTINUATION, PING, TEXT, frame, server_close_frame

HEAD, ANSWER = b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 101 \r\n\r\n"
HELLO = frame(TEXT, b"hello")

StreamPair = tuple[trio.abc.Stream, trio.abc.Stream]


def guarded(
    early: bytes = b"", pair: Callable[[], StreamPair] = memory_stream_pair, cap: int = 100
) -> tuple[trio.abc.Stream, GuardedStream]:
    """A peer's end, and a server's guard of the other."""
    peer, ours = pair()

    async def take_head() -> tuple[bytes, bytes]:
        return HEAD, early

    return peer, GuardedStream(
        ours, take_head, is_client=False, max_message_bytes=cap, control_frames=TokenBucket(100, 0, 0)
    )


async def upgraded(early: bytes = b"") -> tuple[trio.abc.Stream, GuardedStream]:
    peer, guard = guarded(early)
    assert await guard.receive_some() == HEAD
    await guard.send_all(ANSWER)
    assert await peer.receive_some() == ANSWER
    return peer, guard


async def rest_of(stream: trio.abc.Stream) -> bytes:
    return b"".join([bytes(data) async for data in stream])


async def test_frames_wait_until_our_head_is_out(autojump_clock: MockClock) -> None:
    peer, guard = guarded(early=HELLO)
    assert await guard.receive_some() == HEAD
    with trio.move_on_after(60) as waiting:
        await guard.receive_some()
    assert waiting.cancelled_caught
    await guard.send_all(ANSWER)
    assert await guard.receive_some() == HELLO
    await peer.send_all(HELLO)
    assert await guard.receive_some() == HELLO
    assert guard.last_heard == 60


async def test_what_is_too_much_ends_the_stream() -> None:
    peer, guard = await upgraded(early=HELLO + frame(TEXT, bytes(101)))
    assert await guard.receive_some() == HELLO
    assert guard.problem is Excess.BYTES
    assert await guard.receive_some() == b""
    await peer.send_all(HELLO)  # the stream itself is open


async def test_a_payload_in_tiny_pieces_is_joined() -> None:
    """wsproto keeps an object for each piece, which would cost us twenty times what it costs their sender."""
    peer, guard = guarded(cap=64 * 1024)
    await guard.receive_some()
    await guard.send_all(ANSWER)
    whole = frame(TEXT, bytes(64 * 1024))
    await peer.send_all(whole)
    await peer.aclose()
    pieces = [bytes(piece) async for piece in TwoBytesAtATime(guard)]
    assert b"".join(pieces) == whole
    assert len(pieces) <= 7 + 64 // 4  # the header comes as it comes


class TwoBytesAtATime(trio.abc.ReceiveStream):
    def __init__(self, guard: GuardedStream) -> None:
        self._guard = guard

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        return await self._guard.receive_some(2)

    async def aclose(self) -> None:
        await self._guard.aclose()


async def test_an_end_that_is_noted_ends_the_stream_for_its_reader() -> None:
    peer, guard = await upgraded(early=HELLO)
    await guard.aclose()
    assert await guard.receive_some() == b""
    await peer.send_all(HELLO)  # the stream itself is open


async def test_what_cannot_be_sent_ends_the_stream_and_does_not_raise() -> None:
    peer, guard = guarded(early=HELLO)
    assert await guard.receive_some() == HEAD
    await trio.aclose_forcefully(peer)
    await guard.send_all(ANSWER)
    assert guard.broken
    assert await guard.receive_some() == b""
    await guard.close(CloseCode.NORMAL, "", 1)


async def test_readiness_is_the_streams_own() -> None:
    _, guard = await upgraded()
    await guard.wait_send_all_might_not_block()


# How it ends: what the peer does, the Close frame that it gets, and how long that takes at most.

CLOSE_FRAME = server_close_frame(CloseCode.POLICY, "why")


async def peer_idles(peer: trio.abc.Stream) -> None:
    pass


async def peer_closes(peer: trio.abc.Stream) -> None:
    await peer.send_all(frame(CLOSE))


async def peer_talks_and_closes(peer: trio.abc.Stream) -> None:
    await peer.send_all(HELLO + frame(TEXT, bytes(1000)) + frame(PING))
    await trio.sleep(1)
    await peer.send_all(frame(CLOSE))


async def peer_talks_for_ever(peer: trio.abc.Stream) -> None:
    try:
        while True:
            await trio.sleep(0.3)
            await peer.send_all(frame(CONTINUATION, b"x"))
    except trio.BrokenResourceError:
        pass


async def peer_ends(peer: trio.abc.Stream) -> None:
    assert isinstance(peer, trio.StapledStream)
    await peer.send_eof()


Behaviour = Callable[[trio.abc.Stream], Awaitable[None]]
ENDINGS: dict[str, tuple[Behaviour, float]] = {
    "idles": (peer_idles, 2.0),
    "closes": (peer_closes, 0.0),
    "talks and closes": (peer_talks_and_closes, 1.0),
    "talks for ever": (peer_talks_for_ever, 2.0),
    "ends": (peer_ends, 0.0),
}


@pytest.mark.parametrize(("behave", "takes_s"), ENDINGS.values(), ids=ENDINGS)
async def test_close_tells_why_and_waits_no_longer_than_it_may(
    behave: Behaviour, takes_s: float, autojump_clock: MockClock
) -> None:
    peer, guard = await upgraded()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(behave, peer)
        await guard.close(CloseCode.POLICY, "why", 2)
        assert trio.current_time() == takes_s
        assert await rest_of(peer) == CLOSE_FRAME
    assert guard.close_sent


async def test_a_reason_is_cut_to_what_fits() -> None:
    peer, guard = await upgraded()
    await peer_closes(peer)
    await guard.close(CloseCode.POLICY, "é" * 200, 1)
    assert await rest_of(peer) == server_close_frame(CloseCode.POLICY, "é" * 61)


async def test_close_without_an_upgrade_sends_nothing(autojump_clock: MockClock) -> None:
    peer, guard = guarded()
    await guard.close(CloseCode.POLICY, "why", 2)
    assert await rest_of(peer) == b""
    assert trio.current_time() == 0


async def test_a_second_close_frame_is_not_sent() -> None:
    peer, guard = await upgraded()
    await guard.send_all(server_close_frame(CloseCode.NORMAL))
    await peer_closes(peer)
    await guard.close(CloseCode.POLICY, "why", 2)
    assert await rest_of(peer) == server_close_frame(CloseCode.NORMAL)


async def test_nothing_follows_what_was_cut_short(autojump_clock: MockClock) -> None:
    peer, guard = guarded(pair=lockstep_stream_pair)
    await guard.receive_some()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(guard.send_all, ANSWER)
        assert await peer.receive_some(len(ANSWER)) == ANSWER
    with trio.move_on_after(1):
        await guard.send_all(HELLO)
    await guard.send_all(frame(PING))
    await guard.close(CloseCode.POLICY, "why", 2)
    assert trio.current_time() == 1
    assert await rest_of(peer) == HELLO


async def test_a_send_that_never_began_cuts_nothing_short() -> None:
    peer, guard = await upgraded()
    with trio.CancelScope() as cancelled:
        cancelled.cancel()
        await guard.send_all(HELLO)
    await peer_closes(peer)
    await guard.close(CloseCode.POLICY, "why", 2)
    assert await rest_of(peer) == CLOSE_FRAME


@pytest.mark.parametrize("gone", ["before", "while it waits"])
async def test_close_of_a_broken_stream_does_not_raise(gone: str, autojump_clock: MockClock) -> None:
    peer, guard = await upgraded()
    async with trio.open_nursery() as nursery:
        if gone == "before":
            await trio.aclose_forcefully(peer)
        nursery.start_soon(guard.close, CloseCode.POLICY, "why", 2)
        await wait_all_tasks_blocked()
        await trio.aclose_forcefully(peer)
    assert trio.current_time() == 0


async def test_close_of_a_stream_that_was_closed_does_not_raise() -> None:
    peer, ours = memory_stream_pair()

    async def take_head() -> tuple[bytes, bytes]:
        return HEAD, b""

    guard = GuardedStream(ours, take_head, is_client=False, max_message_bytes=100, control_frames=TokenBucket(9, 0, 0))
    await guard.receive_some()
    await guard.send_all(ANSWER)
    await ours.aclose()
    await guard.close(CloseCode.POLICY, "why", 2)
    assert await rest_of(peer) == ANSWER


async def test_close_that_is_cancelled_closes_by_force(autojump_clock: MockClock) -> None:
    peer, guard = await upgraded()
    with trio.move_on_after(1):
        await guard.close(CloseCode.POLICY, "why", 5)
    assert trio.current_time() == 1
    assert await rest_of(peer) == CLOSE_FRAME
