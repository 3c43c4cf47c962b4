"""Behind a proxy: who may speak there, and whose address counts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock, memory_stream_pair

from ric0_trio.access.store import OpenAccess
from ric0_trio.protocol import State
from ric0_trio.server import Server, ServerLimits, Settings
from ric0_trio.testing import SERVER_KEY, server_profile
from tests.server.hostile_heads import head
from tests.server.raw_client import RawClient
from tests.server.site import Tls

PROXY, CLIENT = "10.0.0.1", "192.0.2.7"


def make(**limits: Any) -> Server:
    proxies = ["10.0.0.0/8", "unix"]
    settings = Settings(server_profile(), None, ServerLimits(**limits), trusted_proxies=proxies)
    return Server(settings, SERVER_KEY, OpenAccess())


@asynccontextmanager
async def visiting(server: Server, peer: str, *, is_proxied: bool = True) -> AsyncIterator[RawClient]:
    ours, theirs = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: server.serve_stream(theirs, peer, is_proxied=is_proxied))
        yield RawClient(ours)
        await trio.aclose_forcefully(ours)


async def status_of(server: Server, peer: str, forwarded_for: str | None, *, is_proxied: bool = True) -> int:
    """What a request is answered, after which its sender leaves."""
    async with visiting(server, peer, is_proxied=is_proxied) as client:
        await client.send_raw(head(X_Forwarded_For=forwarded_for))
        answer = bytes(await client.stream.receive_some())
        return int(answer.split()[1])


async def test_the_address_that_a_proxy_names_is_counted_and_logged(autojump_clock: MockClock) -> None:
    server = make(new_connections_per_address_per_min=2)
    with capture_logs() as logs:
        assert [await status_of(server, PROXY, CLIENT) for _ in range(3)] == [101, 101, 503]
        assert await status_of(server, PROXY, "192.0.2.8") == 101
        assert await status_of(server, "unix", CLIENT) == 503
    assert server.refusals == {"new_connections_per_address_per_min": 2}
    assert {entry["peer"] for entry in logs if "peer" in entry} == {CLIENT, "192.0.2.8"}


@pytest.mark.parametrize("is_proxied", [True, False])
async def test_what_a_stranger_says_of_itself_does_not_count(is_proxied: bool, autojump_clock: MockClock) -> None:
    server = make(new_connections_per_address_per_min=2)
    found = [await status_of(server, "198.51.100.1", f"192.0.2.{n}", is_proxied=is_proxied) for n in range(3)]
    assert found == ([403, 403, 503] if is_proxied else [101, 101, 503])


async def test_a_proxy_that_names_no_address_is_told(autojump_clock: MockClock) -> None:
    assert await status_of(make(), PROXY, "192.0.2.7, unknown") == 400


async def test_a_proxy_that_names_nobody_counts_as_itself(autojump_clock: MockClock) -> None:
    server = make(new_connections_per_address_per_min=2)
    assert [await status_of(server, PROXY, None) for _ in range(3)] == [101, 101, 503]
    assert await status_of(server, PROXY, CLIENT) == 101


async def test_a_client_who_is_refused_for_its_address_is_refused_whatever_it_asks(autojump_clock: MockClock) -> None:
    server = make(new_connections_per_address_per_min=1)
    assert await status_of(server, PROXY, CLIENT) == 101
    async with visiting(server, PROXY) as client:
        await client.send_raw(head("/nowhere", X_Forwarded_For=CLIENT, X_Any="\xff"))
        assert (await client.stream.receive_some()).startswith(b"HTTP/1.1 503 ")


async def test_many_may_come_through_one_proxy(autojump_clock: MockClock) -> None:
    """Before their heads are there, too: the bounds of one address are not the proxy's."""
    server = make(unauthenticated_per_address=2, connections_per_address=2, new_connections_per_address_per_min=2)
    async with trio.open_nursery() as nursery:
        clients = []
        for _ in range(20):
            ours, theirs = memory_stream_pair()
            nursery.start_soon(lambda stream: server.serve_stream(stream, PROXY, is_proxied=True), theirs)
            clients.append(RawClient(ours))
        for number, client in enumerate(clients):
            await client.send_raw(head(X_Forwarded_For=f"192.0.2.{number}"))
            assert (await client.stream.receive_some()).startswith(b"HTTP/1.1 101 ")
        nursery.cancel_scope.cancel()
    assert server.refusals == {}


async def test_plain_text_for_the_proxy_and_tls_for_the_others(tls: Tls, autojump_clock: MockClock) -> None:
    server = Server(Settings(server_profile(), tls.server, trusted_proxies=[PROXY]), SERVER_KEY, OpenAccess())
    async with visiting(server, PROXY) as client:
        await client.reach(State.CONNECTED)
    async with visiting(server, CLIENT, is_proxied=False) as client:
        secure = trio.SSLStream(client.stream, tls.client, server_hostname="localhost")
        await RawClient(secure).reach(State.CONNECTED)


def test_what_is_no_network_is_an_error() -> None:
    with pytest.raises(ValueError, match="nginx"):
        Server(Settings(server_profile(), None, trusted_proxies=["nginx"]), SERVER_KEY, OpenAccess())
    with pytest.raises(ValueError, match="nowhere"):
        make(exempt_networks=("nowhere",))
