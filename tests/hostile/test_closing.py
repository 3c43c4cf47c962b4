"""Closings that go wrong: what a peer does while the server closes, and while it closes itself."""

from collections.abc import Awaitable, Callable
from itertools import repeat

import pytest
from trio.testing import MockClock

from ric0_trio.protocol import State
from ric0_trio.testing import CHALLENGE, CONNECT
from tests.hostile.aftermath import FLOODED
from tests.hostile.floods import send_as_far_as_taken, send_until_cut
from tests.hostile.site import under_attack
from tests.server.hostile_frames import announced, closing, text
from tests.server.raw_client import CONTINUATION, PING, TEXT, RawClient, frame
from tests.server.site import Tls

STATES = [State.OPEN, State.CHALLENGED, State.CONNECTED, State.DISCONNECTED]
OFFENCE = frame(TEXT, b"[]")

Behaviour = Callable[[RawClient], Awaitable[None]]


async def stays(client: RawClient) -> None:
    """And says nothing."""


async def pings_on(client: RawClient) -> None:
    await send_until_cut(client.stream, repeat(frame(PING, b"still here") * 20))


async def talks_on(client: RawClient) -> None:
    await send_until_cut(client.stream, repeat(text(CHALLENGE) * 20))


async def sends_one_message_without_end(client: RawClient) -> None:
    await send_as_far_as_taken(client.stream, announced(2**62))
    await send_until_cut(client.stream, repeat(bytes(4096)))


async def sends_fragments_without_end(client: RawClient) -> None:
    await send_until_cut(client.stream, repeat(frame(CONTINUATION, final=False) * 100))


async def offends_again(client: RawClient) -> None:
    await send_until_cut(client.stream, repeat(frame(0xF, b"?" * 200, flags=0x70, mask=False)))


WHILE_CLOSING: dict[str, Behaviour] = {
    "stays": stays,
    "pings on": pings_on,
    "talks on": talks_on,
    "sends one message without end": sends_one_message_without_end,
    "sends fragments without end": sends_fragments_without_end,
    "offends again": offends_again,
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("behaviour", WHILE_CLOSING.values(), ids=WHILE_CLOSING)
async def test_who_does_not_close(behaviour: Behaviour, state: State) -> None:
    """It has read the server's Close frame, and does anything but answer it."""
    async with under_attack(refuses=FLOODED) as site:
        client = await site.client(state)
        await client.send_raw(OFFENCE)
        assert (await client.closing())[0] == 1007
        await behaviour(client)


@pytest.mark.parametrize("state", STATES)
async def test_who_does_not_close_over_tls(state: State, tls: Tls, loopback_clock: MockClock) -> None:
    async with under_attack(tls) as site:
        client = await site.client(state)
        await client.send_raw(OFFENCE)
        assert (await client.closing())[0] == 1007


@pytest.mark.parametrize("state", [State.CHALLENGED, State.CONNECTED])
async def test_who_closes_while_the_server_sends(state: State, loopback_clock: MockClock) -> None:
    """Requests, a Close frame and what must not come after it, in one read."""
    async with under_attack() as site:
        client = await site.client(state)
        asked = client.request(CHALLENGE) + client.request(CONNECT) + client.request(CHALLENGE)
        await client.send_raw(asked + closing(1000) + frame(PING) * 10 + client.request(CONNECT))
        assert (await client.closing())[0] in (1000, 1008)  # whichever is first: the answer, or what cannot be sent


@pytest.mark.parametrize("state", STATES)
async def test_who_closes_and_stays(state: State, loopback_clock: MockClock) -> None:
    async with under_attack() as site:
        client = await site.client(state)
        await client.send_raw(closing(1000))
        assert (await client.closing())[0] == 1000


@pytest.mark.parametrize("state", STATES)
async def test_a_ping_in_the_same_read_as_too_much(state: State, loopback_clock: MockClock) -> None:
    is_user = state is State.CONNECTED
    async with under_attack(refuses={"max_message_bytes" if is_user else "max_message_bytes_before_auth": 1}) as site:
        client = await site.client(state)
        await client.send_raw(announced(2**20) + frame(PING))
        assert (await client.closing())[0] == 1009
