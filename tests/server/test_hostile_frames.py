"""Whatever comes after the upgrade: its sender is told why with a Close frame, and is gone; others are served."""

from contextlib import suppress

import pytest
import trio
from trio.testing import MockClock

from ric0_trio.protocol import State
from ric0_trio.testing import CHALLENGE
from tests.server.hostile_frames import CLOSED, CLOSED_AFTER_AUTHENTICATION, CLOSED_BEFORE_AUTHENTICATION, SERVED
from tests.server.raw_client import CLOSE, HEAD, PING, TEXT, RawClient, frame
from tests.server.site import PATIENCE_S, Site, open_site

pytestmark = pytest.mark.usefixtures("no_descriptor_leaks")

CLOSINGS = {
    f"{name} [{state.value}]": (state, data, code)
    for state, cases in {
        State.OPEN: CLOSED | CLOSED_BEFORE_AUTHENTICATION,
        State.CONNECTED: CLOSED | CLOSED_AFTER_AUTHENTICATION,
    }.items()
    for name, (data, code) in cases.items()
}


async def send_what_is_taken(client: RawClient, data: bytes) -> None:
    """The server need not read it to its end."""
    with suppress(trio.BrokenResourceError):
        await client.send_raw(data)


async def is_told(site: Site, state: State, data: bytes, code: int) -> None:
    client = await site.client(state)
    async with client.stream, trio.open_nursery() as nursery:
        nursery.start_soon(send_what_is_taken, client, data)
        assert (await client.closing())[0] == code
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(("state", "data", "code"), CLOSINGS.values(), ids=CLOSINGS)
async def test_a_close_frame_says_why(state: State, data: bytes, code: int, loopback_clock: MockClock) -> None:
    async with open_site() as site:
        await is_told(site, state, data, code)
        await site.check_empty(within_s=1)
        await site.check_answers()
        await site.check_empty(within_s=1)


async def test_all_of_them_at_once_and_none_of_them_leaves(loopback_clock: MockClock) -> None:
    """After a close before authentication the TCP connection is gone within a second, whatever the peer does."""
    async with open_site() as site:
        clients = []
        for data, _ in CLOSED.values():
            clients.append(client := await site.client(State.OPEN))
            with trio.move_on_after(0.05):
                await send_what_is_taken(client, data)
        await site.check_empty(within_s=1)
        for client in clients:
            await trio.aclose_forcefully(client.stream)
        await site.check_answers()


@pytest.mark.parametrize("state", [State.OPEN, State.CONNECTED])
@pytest.mark.parametrize("data", SERVED.values(), ids=SERVED)
async def test_what_is_no_offence_is_served(data: bytes, state: State, loopback_clock: MockClock) -> None:
    async with open_site() as site:
        client = await site.client(state)
        async with client.stream, trio.open_nursery() as nursery:
            nursery.start_soon(client.send_raw, data + client.request(CHALLENGE))
            while (status := (await client.receive())["status"]) == "invalid_message":
                pass
            assert status == "success"
        await site.check_empty(within_s=1)


async def test_frames_behind_the_head_are_kept_for_after_the_101(loopback_clock: MockClock) -> None:
    async with open_site() as site:
        client = await site.client()
        async with client.stream:
            await client.send_raw(HEAD + frame(PING, b"early"))
            received = bytearray()
            while not received.endswith(b"\x8a\x05early"):
                received += await client.stream.receive_some()
            assert received.startswith(b"HTTP/1.1 101 ")
        await site.check_empty(within_s=1)


@pytest.mark.parametrize("early", [frame(TEXT, b" " * 1_000_000), frame(TEXT, b"[]") * 100_000], ids=["one", "many"])
async def test_a_flood_behind_the_head_is_bounded(early: bytes, loopback_clock: MockClock) -> None:
    async with open_site() as site:
        client = await site.client()
        async with client.stream, trio.open_nursery() as nursery:
            nursery.start_soon(send_what_is_taken, client, HEAD + early)
            answer = await client.gone()
            assert answer.startswith(b"HTTP/1.1 101 ")
            assert answer.split(b"\r\n\r\n")[1][0] == 0x80 | CLOSE
        await site.check_empty(within_s=1)
        await site.check_answers()


async def test_a_peer_that_never_reads_what_it_makes_us_send(loopback_clock: MockClock) -> None:
    """Pings fill our send buffer; trio-websocket's reader waits to pong, and the keepalive finds nobody there."""
    async with open_site(ping_interval_s=0.2, ping_timeout_s=0.2, close_timeout_s=0.2) as site:
        client = await site.client(State.CONNECTED)
        async with client.stream:
            await send_what_is_taken(client, frame(PING, bytes(125)) * 100_000)
            await site.check_empty(within_s=PATIENCE_S)
        await site.check_answers()
