"""Peers that leave, at every stage and in every manner: nobody waits for them, and nothing of them stays."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from ric0_trio.protocol import State
from ric0_trio.testing import CHALLENGE, CONNECT, DISCONNECT
from tests.hostile.site import Site, under_attack
from tests.hostile.test_opening import client_hello, half_a_handshake, half_a_hello
from tests.server.hostile_heads import head
from tests.server.raw_client import HEAD, PING, TEXT, RawClient, frame
from tests.server.site import Tls

Stage = Callable[[Site], Awaitable[RawClient]]
Manner = Callable[[RawClient], Awaitable[None]]


def after(state: State | None, data: bytes = b"") -> Stage:
    """In a state, with `data` on its way to the server."""

    async def stage(site: Site) -> RawClient:
        client = await site.client(state)
        if data:
            await client.send_raw(data)
        return client

    return stage


def asking(state: State) -> Stage:
    """With requests under way, and their answers."""

    async def stage(site: Site) -> RawClient:
        client = await site.client(state)
        await client.send_raw(client.request(CHALLENGE) * 2 + client.request(CONNECT) + frame(PING) * 4)
        return client

    return stage


async def on_tcp(site: Site) -> RawClient:
    return RawClient(await site.socket())


async def after_a_hello(site: Site) -> RawClient:
    assert site.tls is not None
    client = await on_tcp(site)
    await client.send_raw(client_hello(site.tls.client))
    return client


async def refused(site: Site) -> RawClient:
    client = await site.client()
    await client.send_raw(head("/"))
    assert (await client.stream.receive_some()).startswith(b"HTTP/1.1 404 ")
    return client


async def connecting(site: Site) -> RawClient:
    client = await site.client(State.CHALLENGED)
    await client.send_raw(client.request(CONNECT))
    return client


async def disconnecting(site: Site) -> RawClient:
    client = await site.client(State.CONNECTED)
    await client.send_raw(client.request(DISCONNECT))
    return client


async def being_closed(site: Site) -> RawClient:
    """The server's Close frame is here, and it waits for the answer."""
    client = await site.client(State.OPEN)
    await client.send_raw(frame(TEXT, b"[]"))
    assert (await client.closing())[0] == 1007
    return client


async def closing(site: Site) -> RawClient:
    client = await site.client(State.CONNECTED)
    await client.close()
    return client


STAGES: dict[str, Stage] = {
    "TCP": on_tcp,
    "half a head": after(None, HEAD[:50]),
    "a head, and no 101 yet": after(None, HEAD),
    "a bad head": after(None, head("/")),
    "refused": refused,
    "101": after(State.OPEN),
    "half a frame's header": after(State.OPEN, b"\x81"),
    "half a frame": after(State.CHALLENGED, frame(TEXT, b" " * 1000)[:500]),
    "challenged": after(State.CHALLENGED),
    "connecting": connecting,
    "being answered": asking(State.CHALLENGED),
    "connected": after(State.CONNECTED),
    "half a message": after(State.CONNECTED, frame(TEXT, b" ", final=False)),
    "a user being answered": asking(State.CONNECTED),
    "disconnecting": disconnecting,
    "disconnected": after(State.DISCONNECTED),
    "about to be closed": after(State.OPEN, frame(TEXT, b"[]")),
    "being closed": being_closed,
    "closing": closing,
}
TLS_STAGES: dict[str, Stage] = {
    "half a hello": half_a_hello,
    "a hello": after_a_hello,
    "half a handshake": half_a_handshake,
    "a handshake": after(None),
}


async def reset(client: RawClient) -> None:
    await client.reset()


async def end(client: RawClient) -> None:
    await trio.aclose_forcefully(client.stream)


async def half(client: RawClient) -> None:
    """Say no more, and read on to the end."""
    stream = client.stream.transport_stream if isinstance(client.stream, trio.SSLStream) else client.stream
    assert isinstance(stream, trio.SocketStream)
    await stream.send_eof()
    await client.gone()


MANNERS: dict[str, Manner] = {"reset": reset, "end": end, "half": half}


@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS)
@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
async def test_leaving(stage: Stage, manner: Manner, loopback_clock: MockClock) -> None:
    async with under_attack() as site:
        await manner(await stage(site))


@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS)
@pytest.mark.parametrize("stage", (TLS_STAGES | STAGES).values(), ids=TLS_STAGES | STAGES)
async def test_leaving_over_tls(stage: Stage, manner: Manner, tls: Tls, loopback_clock: MockClock) -> None:
    async with under_attack(tls) as site:
        await manner(await stage(site))


async def test_a_crowd_that_leaves_at_once(tls: Tls, loopback_clock: MockClock) -> None:
    everyone = [(stage, manner) for stage in (TLS_STAGES | STAGES).values() for manner in MANNERS.values()]
    async with under_attack(tls, exempt_networks=("127.0.0.0/24",), overload_wait_s=60.0) as site:
        there = [(manner, await stage(site)) for stage, manner in everyone]
        async with trio.open_nursery() as nursery:
            for manner, client in there:
                nursery.start_soon(manner, client)
