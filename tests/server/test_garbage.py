"""A connection that is over leaves nothing to the garbage collector, whose pauses every user would feel."""

import gc
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterator

import pytest
import trio
from trio.testing import MockClock

from ric0_trio.protocol import State
from ric0_trio.testing import CONNECT
from tests.server.raw_client import HEAD, TEXT, frame
from tests.server.site import Site, Tls, open_site


async def come_and_go(site: Site) -> None:
    await trio.aclose_forcefully(await site.socket())


async def half_a_hello(site: Site) -> None:
    async with await site.socket() as stream:
        await stream.send_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")


async def half_a_head(site: Site) -> None:
    client = await site.client()
    await client.send_raw(HEAD[:50])
    await trio.aclose_forcefully(client.stream)


async def no_upgrade(site: Site) -> None:
    client = await site.client()
    await client.send_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await client.gone()
    await trio.aclose_forcefully(client.stream)


async def a_whole_visit(site: Site) -> None:
    client = await site.client(State.DISCONNECTED)
    await client.close()
    assert await client.closing() == (1000, "")
    await trio.aclose_forcefully(client.stream)


async def a_reset(site: Site) -> None:
    await (await site.client(State.CONNECTED)).reset()


async def one_too_many(site: Site) -> None:
    """The one who was there gives way to the next."""
    first = await site.client(State.CHALLENGED)
    second = await site.client(State.CHALLENGED)
    assert (await first.closing())[0] == 1013
    for client in (first, second):
        await trio.aclose_forcefully(client.stream)


async def forged_proofs(site: Site) -> None:
    client = await site.client(State.CHALLENGED)
    proof = {**CONNECT["data"], "challenge": "AAAA"}
    await client.send_raw(client.request({**CONNECT, "data": proof}) * 8)
    await client.closing()
    await trio.aclose_forcefully(client.stream)


async def nonsense(site: Site) -> None:
    client = await site.client(State.CHALLENGED)
    await client.send_raw(frame(TEXT, b"[]"))
    await client.closing()
    await trio.aclose_forcefully(client.stream)


VISITS = (
    come_and_go,
    half_a_hello,
    half_a_head,
    no_upgrade,
    a_whole_visit,
    a_reset,
    nonsense,
    forged_proofs,
    one_too_many,
)


@pytest.fixture
def no_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("visit", VISITS)
async def test_nothing_is_in_a_cycle(
    visit: Callable[[Site], Awaitable[None]], over_tls: bool, tls: Tls, loopback_clock: MockClock
) -> None:
    if visit is a_reset and sys.version_info >= (3, 12):
        pytest.skip("from Python 3.12 on, the error of a socket that was reset is in a cycle with a frame of Trio's")
    async with open_site(tls if over_tls else None, unauthenticated_connections=1) as site:
        await visit(site)  # what is made once
        await site.check_empty(within_s=1)
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)
        await visit(site)
        await site.check_empty(within_s=1)
        gc.collect()
        gc.set_debug(0)
        left = [item for item in gc.garbage if is_of_the_server(item)]
    assert left == []


def is_of_the_server(item: object) -> bool:
    """The client's end of TLS leaves garbage as well, which is no matter here."""
    if isinstance(item, ssl.SSLObject):
        return item.server_side
    return type(item).__module__.startswith("ric0_trio")
