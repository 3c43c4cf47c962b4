"""The bytes of a client are counted below everything that could take them in without end."""

import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair

from ric0_trio.server import ServerLimits
from ric0_trio.server.metered_stream import (
    BYTES_OF_A_READ,
    LIGHT_BYTES,
    MeteredStream,
    MeteredTls,
)
from ric0_trio.transport.eager import EagerAdapter
from ric0_trio.transport.turns import Turnstile
from tests.server.site import Tls

LIMITS = ServerLimits(
    messages_before_auth=2,
    max_message_bytes_before_auth=10_000,
    max_message_bytes=20_000,
    messages_burst=3,
    messages_per_s=2,
)
OF_A_STRANGER = 32 * 1024 + 8 * 1024 + 2 * 12_500
READS = 64 + OF_A_STRANGER // 1024
OF_A_USER = 32 * 1024 + 3 * 25_000


def make() -> tuple[trio.abc.Stream, MeteredStream]:
    peer, ours = memory_stream_pair()
    return peer, MeteredStream(EagerAdapter(ours), LIMITS, Turnstile())


async def take_all(stream: MeteredStream) -> int:
    """How many bytes it lets in before it ends."""
    count = 0
    while data := await stream.receive_some():
        count += len(data)
    return count


@pytest.mark.parametrize(("is_user", "most"), [(False, OF_A_STRANGER), (True, OF_A_USER)])
async def test_it_ends_where_there_is_too_much(is_user: bool, most: int, autojump_clock: MockClock) -> None:
    peer, stream = make()
    stream.trust(is_user)
    await peer.send_all(bytes(most))
    await peer.aclose()
    assert await take_all(stream) == most
    assert stream.exhausted is None
    peer, stream = make()
    stream.trust(is_user)
    await peer.send_all(bytes(most + 1))
    assert await take_all(stream) <= most
    assert stream.exhausted == "bytes"


async def test_a_user_earns_more_in_time_and_a_stranger_does_not(autojump_clock: MockClock) -> None:
    peer, stream = make()
    for is_user in (True, False):
        stream.trust(is_user)
        await peer.send_all(bytes(OF_A_USER if is_user else OF_A_STRANGER))
        left = OF_A_USER if is_user else OF_A_STRANGER
        while left:
            left -= len(await stream.receive_some())
        await trio.sleep(1)
        await peer.send_all(bytes(4096))
        assert len(await stream.receive_some()) == (4096 if is_user else 0)


async def test_a_stranger_is_read_from_a_little_at_a_time(autojump_clock: MockClock) -> None:
    peer, stream = make()
    await peer.send_all(bytes(60_000))
    assert len(await stream.receive_some()) == len(await stream.receive_some(50_000)) == 4096
    assert len(await stream.receive_some(5)) == 5
    stream.trust(True)
    assert len(await stream.receive_some()) > 4096


async def test_a_stranger_who_sends_drop_by_drop_is_cut_off(autojump_clock: MockClock) -> None:
    peer, stream = make()
    for number in range(READS + 1):
        await peer.send_all(b"x")
        assert await stream.receive_some() == (b"x" if number < READS else b"")
    assert stream.exhausted == "reads"


async def test_a_user_who_sends_much_takes_turns_and_is_read_from_in_small_pieces(autojump_clock: MockClock) -> None:
    ours, theirs = memory_stream_pair()
    turns = CountedTurns()
    stream = MeteredStream(EagerAdapter(theirs), ServerLimits(messages_burst=40, messages_per_s=20), turns)
    stream.trust(True)
    await ours.send_all(bytes(40 * LIGHT_BYTES))
    assert len(await stream.receive_some(40 * LIGHT_BYTES)) == 40 * LIGHT_BYTES
    assert turns.taken == 0
    await ours.send_all(bytes(100_000))
    assert len(await stream.receive_some(50_000)) == 50_000
    assert len(await stream.receive_some(50_000)) == 4096
    assert turns.taken == 2
    await trio.sleep(1)
    assert len(await stream.receive_some(50_000)) == 4096  # it is light again from the next read on
    assert len(await stream.receive_some(50_000)) == 100_000 - 50_000 - 2 * 4096
    assert turns.taken == 2


async def test_a_user_who_sends_drop_by_drop_takes_turns(autojump_clock: MockClock) -> None:
    ours, theirs = memory_stream_pair()
    turns = CountedTurns()
    stream = MeteredStream(EagerAdapter(theirs), LIMITS, turns)
    stream.trust(True)
    light_reads = LIMITS.messages_burst * LIGHT_BYTES // BYTES_OF_A_READ
    for number in range(light_reads + 10):
        await ours.send_all(b"x")
        assert await stream.receive_some() == b"x"
        assert turns.taken == max(0, number + 1 - light_reads)


class CountedTurns(Turnstile):
    taken = 0

    async def take_turn(self) -> None:
        self.taken += 1
        await super().take_turn()


async def test_each_record_of_a_packet_is_a_read(tls: Tls, autojump_clock: MockClock) -> None:
    """A packet of 4 KiB can hold 170 records of TLS, which come without a read below."""
    peer, ours = memory_stream_pair()
    turns = CountedTurns()
    stream = MeteredStream(EagerAdapter(ours), ServerLimits(), turns)
    secure = MeteredTls(stream, tls.server)
    client = trio.SSLStream(peer, tls.client, server_hostname="localhost")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.do_handshake)
        await secure.do_handshake()
    before = turns.taken
    for _ in range(400):
        await client.send_all(b"x")
    received = 0
    while data := await secure.receive_some():
        received += len(data)
    assert stream.exhausted == "reads"
    assert received <= turns.taken - before + 1 < 300


async def test_what_was_read_is_not_lost_when_the_turn_is_given_up(autojump_clock: MockClock) -> None:
    ours, theirs = memory_stream_pair()
    stream = MeteredStream(EagerAdapter(theirs), LIMITS, NoTurns())
    await ours.send_all(b"precious")
    with trio.move_on_after(0.01):
        await stream.receive_some()
    assert await stream.receive_some() == b"precious"


class NoTurns(Turnstile):
    async def take_turn(self) -> None:
        await trio.sleep_forever()


async def test_to_connect_again_does_not_fill_a_users_budgets(autojump_clock: MockClock) -> None:
    ours, theirs = memory_stream_pair()
    turns = CountedTurns()
    stream = MeteredStream(EagerAdapter(theirs), ServerLimits(), turns)
    for _ in range(3):
        stream.trust(True)
        await ours.send_all(bytes(60_000))
        assert len(await stream.receive_some(60_000)) in (60_000, 4096)
        stream.trust(False)
    assert turns.taken == 1  # the third time it was too much


async def test_after_what_was_sent_in_part_nothing_follows(autojump_clock: MockClock) -> None:
    peer, ours = lockstep_stream_pair()
    stream = MeteredStream(EagerAdapter(ours), LIMITS, Turnstile())
    stream.put(b"abcdef")
    async with trio.open_nursery() as nursery:

        async def give_up_in_the_middle() -> None:
            with trio.move_on_after(1):
                await stream.flush()

        nursery.start_soon(give_up_in_the_middle)
        assert await peer.receive_some(3) == b"abc"
    assert not stream.is_flushed
    with pytest.raises(trio.BrokenResourceError):
        await stream.flush()
