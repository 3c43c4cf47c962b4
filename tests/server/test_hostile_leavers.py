"""Peers that leave, at every stage and in every manner: nobody waits for them, and nothing of them stays."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from ric0_trio.protocol import State
from ric0_trio.testing import CHALLENGE, CONNECT
from tests.server.raw_client import HEAD, PING, TEXT, RawClient, frame
from tests.server.site import PATIENCE_S, Site, Tls, open_site

pytestmark = pytest.mark.usefixtures("no_descriptor_leaks")

CLIENT_HELLO = bytes.fromhex("16030100a0010000 9c0303") + bytes(range(40))  # a quarter of one

Stage = Callable[[Site], Awaitable[RawClient]]


def after_sending(data: bytes, state: State | None = None) -> Stage:
    async def stage(site: Site) -> RawClient:
        client = await site.client(state)
        await client.send_raw(data)
        return client

    return stage


async def connected_only(site: Site) -> RawClient:
    return RawClient(await site.socket())


async def in_the_hello(site: Site) -> RawClient:
    client = await connected_only(site)
    await client.send_raw(CLIENT_HELLO)
    return client


async def after_the_tls_handshake(site: Site) -> RawClient:
    return await site.client()


async def told_why(site: Site) -> RawClient:
    """Its Close frame is here, and the server waits for the answer."""
    client = await site.client(State.OPEN)
    await client.send_raw(frame(TEXT, b"[]"))
    assert (await client.closing())[0] == 1007
    return client


async def refused(site: Site) -> RawClient:
    client = await site.client()
    await client.send_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await client.stream.receive_some()).startswith(b"HTTP/1.1 404 ")
    return client


def with_requests_under_way(state: State) -> Stage:
    async def stage(site: Site) -> RawClient:
        client = await site.client(state)
        await client.send_raw(client.request(CHALLENGE) * 2 + client.request(CONNECT) + frame(PING) * 4)
        return client

    return stage


async def leave_by_reset(client: RawClient) -> None:
    await client.reset()


async def leave_by_end(client: RawClient) -> None:
    await trio.aclose_forcefully(client.stream)


async def leave_by_half(client: RawClient) -> None:
    """Says no more, and reads on to the end."""
    if isinstance(client.stream, trio.SSLStream):
        await client.stream.transport_stream.send_eof()
    elif isinstance(client.stream, trio.SocketStream):
        await client.stream.send_eof()
    await client.gone()
    await trio.aclose_forcefully(client.stream)


STAGES: dict[str, Stage] = {
    "connected": connected_only,
    "in the head": after_sending(HEAD[:50]),
    "after the head": after_sending(HEAD),
    "after a bad head": after_sending(HEAD.replace(b"13", b"14")),
    "refused": refused,
    "after the 101": after_sending(b"", State.OPEN),
    "in a frame's header": after_sending(b"\x81", State.OPEN),
    "in a frame": after_sending(frame(TEXT, b" " * 1000)[:500], State.CHALLENGED),
    "in a frame, connected": after_sending(frame(TEXT, b" " * 1000)[:500], State.CONNECTED),
    "in a message": after_sending(frame(TEXT, b" ", final=False), State.CONNECTED),
    "with requests under way": with_requests_under_way(State.CHALLENGED),
    "with requests under way, connected": with_requests_under_way(State.CONNECTED),
    "while we are closing": after_sending(frame(TEXT, b"[]"), State.OPEN),
    "while we wait for its Close": told_why,
}
TLS_STAGES: dict[str, Stage] = {
    "in the hello": in_the_hello,
    "after the TLS handshake": after_the_tls_handshake,
}
MANNERS = {"reset": leave_by_reset, "end": leave_by_end, "half": leave_by_half}

Manner = Callable[[RawClient], Awaitable[None]]


@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS)
@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
async def test_leaving(stage: Stage, manner: Manner, loopback_clock: MockClock) -> None:
    async with open_site() as site:
        await manner(await stage(site))
        await site.check_empty(within_s=1)
        await site.check_answers()
        await site.check_empty(within_s=1)


@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS)
@pytest.mark.parametrize("stage", (STAGES | TLS_STAGES).values(), ids=STAGES | TLS_STAGES)
async def test_leaving_over_tls(stage: Stage, manner: Manner, tls: Tls, loopback_clock: MockClock) -> None:
    async with open_site(tls) as site:
        await manner(await stage(site))
        await site.check_empty(within_s=1)
        await site.check_answers()
        await site.check_empty(within_s=1)


async def test_a_crowd_that_leaves_at_once(loopback_clock: MockClock) -> None:
    async with open_site() as site:
        async with trio.open_nursery() as nursery:
            for stage in STAGES.values():
                for manner in MANNERS.values():
                    nursery.start_soon(stay_and_leave, site, stage, manner)
        await site.check_empty(within_s=PATIENCE_S)
        await site.check_answers()
        await site.check_empty(within_s=1)


async def stay_and_leave(site: Site, stage: Stage, manner: Manner) -> None:
    await manner(await stage(site))
