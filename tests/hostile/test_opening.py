"""Peers that do not come to the point: neither TLS nor the HTTP head is waited for longer than `opening_timeout_s`."""

import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import trio
from trio.testing import MockClock

from tests.hostile.site import Site, under_attack
from tests.server.raw_client import HEAD, RawClient
from tests.server.site import Tls

OPENING_TIMEOUT_S = 0.3
DRIP_S = 0.01

Attack = Callable[[Site], Awaitable[RawClient]]


def client_hello(context: ssl.SSLContext) -> bytes:
    """A good one, whole."""
    hello = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return hello.read()


async def drip(client: RawClient, data: bytes) -> None:
    """A byte at a time, for as long as it is taken."""
    with suppress(trio.BrokenResourceError):
        for position in range(len(data)):
            await client.send_raw(data[position : position + 1])
            await trio.sleep(DRIP_S)


async def on_tcp(site: Site) -> RawClient:
    return RawClient(await site.socket())


async def nothing_at_all(site: Site) -> RawClient:
    return await on_tcp(site)


async def no_head(site: Site) -> RawClient:
    return await site.client()


async def half_a_head(site: Site) -> RawClient:
    client = await site.client()
    await client.send_raw(HEAD[:-1])
    return client


async def a_head_byte_by_byte(site: Site) -> RawClient:
    client = await site.client()
    await drip(client, HEAD)
    return client


async def half_a_hello(site: Site) -> RawClient:
    assert site.tls is not None
    client = await on_tcp(site)
    await client.send_raw(client_hello(site.tls.client)[:100])
    return client


async def a_hello_byte_by_byte(site: Site) -> RawClient:
    assert site.tls is not None
    client = await on_tcp(site)
    await drip(client, client_hello(site.tls.client))
    return client


async def half_a_handshake(site: Site) -> RawClient:
    """The server's half is here, and ours is not sent."""
    assert site.tls is not None
    client = await on_tcp(site)
    await client.send_raw(client_hello(site.tls.client))
    assert await client.stream.receive_some()
    return client


PLAIN: dict[str, Attack] = {
    "nothing at all": nothing_at_all,
    "half a head": half_a_head,
    "a head byte by byte": a_head_byte_by_byte,
}
OVER_TLS: dict[str, Attack] = PLAIN | {
    "no head": no_head,
    "half a hello": half_a_hello,
    "a hello byte by byte": a_hello_byte_by_byte,
    "half a handshake": half_a_handshake,
}


@pytest.mark.parametrize("attack", PLAIN.values(), ids=PLAIN)
async def test_dawdling(attack: Attack, loopback_clock: MockClock) -> None:
    async with under_attack(refuses={"opening_timeout_s": 1}, opening_timeout_s=OPENING_TIMEOUT_S) as site:
        assert await (await attack(site)).gone() == b""


@pytest.mark.parametrize("attack", OVER_TLS.values(), ids=OVER_TLS)
async def test_dawdling_over_tls(attack: Attack, tls: Tls, loopback_clock: MockClock) -> None:
    async with under_attack(tls, refuses={"opening_timeout_s": 1}, opening_timeout_s=OPENING_TIMEOUT_S) as site:
        await (await attack(site)).gone()
