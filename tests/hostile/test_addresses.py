"""Whom a connection is counted for: not by what it says of itself, nor by an address that it can change at will."""

from functools import partial
from itertools import count
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from ric0_trio.protocol import State
from ric0_trio.testing import CONNECT
from tests.hostile.site import ATTACKER, OPENED, PROXY, ask, retry_after_s, under_attack
from tests.hostile.test_guessing import FORGED, fail
from tests.server.hostile_heads import head
from tests.server.raw_client import RawClient

SECOND_PROXY, VICTIM = "127.0.9.4", "127.0.4.1"
CLIENT, OTHER = "198.51.100.7", "203.0.113.7"
FEW: dict[str, Any] = {"new_connections_per_address_per_min": 5}
TOO_MANY_NEW = {"new_connections_per_address_per_min": 3}


def forwarded(for_whom: str) -> bytes:
    return head(X_Forwarded_For=for_whom)


# What strangers say of themselves


async def test_a_stranger_who_says_to_be_forwarded(loopback_clock: MockClock) -> None:
    """Each time for someone else; it is counted where it comes from."""
    async with under_attack(refuses=TOO_MANY_NEW, **FEW) as site, site.visitors():
        answers = [await site.knock(head=forwarded(f"203.0.113.{number}")) for number in range(8)]
        assert [answer.startswith(OPENED) for answer in answers] == [True] * 5 + [False] * 3


async def test_a_stranger_who_fails_in_the_name_of_another(loopback_clock: MockClock) -> None:
    async with under_attack(refuses={"failures_per_address": 2}) as site, site.visitors():
        last = await fail(partial(site.forwarded, State.CHALLENGED, VICTIM, ATTACKER, proxied=False), FORGED)
        assert (await last.closing())[0] == 1013
        retry_after_s(await site.knock())
        await site.check_answers(VICTIM)


@pytest.mark.parametrize("request_head", [head(), forwarded(PROXY), forwarded("127.0.0.1")], ids=len)
async def test_a_stranger_where_a_proxy_should_be(request_head: bytes, loopback_clock: MockClock) -> None:
    """Nobody but a proxy speaks in plain text."""
    async with under_attack(refuses={"trusted_proxies": 1}, trusted_proxies=[PROXY]) as site:
        answer = await site.knock(head=request_head, proxied=True)
        assert answer.startswith(b"HTTP/1.1 403 ")


async def test_a_stranger_who_says_nothing_where_a_proxy_should_be(loopback_clock: MockClock) -> None:
    refuses = {"opening_timeout_s": 1}
    async with under_attack(refuses=refuses, trusted_proxies=[PROXY], opening_timeout_s=0.3) as site:
        await site.socket(proxied=True)


# What proxies say of strangers


@pytest.mark.parametrize("chain", ["{}", "{}:4711", "9.9.9.9, {}", "nonsense, {}", f"{{}}, {SECOND_PROXY}"])
async def test_a_storm_through_a_proxy(chain: str, loopback_clock: MockClock) -> None:
    """What the client puts before its address is nobody's; it is counted, and others who come that way are not."""
    proxies = [PROXY, SECOND_PROXY]
    async with under_attack(refuses=TOO_MANY_NEW, trusted_proxies=proxies, **FEW) as site, site.visitors():
        answers = [await site.knock(PROXY, forwarded(chain.format(CLIENT)), proxied=True) for _ in range(8)]
        assert [answer.startswith(OPENED) for answer in answers] == [True] * 5 + [False] * 3
        assert retry_after_s(answers[-1]) <= 60 / 5
        assert (await site.knock(PROXY, forwarded(OTHER), proxied=True)).startswith(OPENED)


async def test_forged_proofs_through_a_proxy(loopback_clock: MockClock) -> None:
    refuses, numbers = {"failures_per_address": 2}, count()
    async with under_attack(refuses=refuses, trusted_proxies=[PROXY]) as site, site.visitors():
        last = await fail(lambda: site.forwarded(State.CHALLENGED, f"203.0.113.{next(numbers)}, {CLIENT}"), FORGED)
        assert (await last.closing())[0] == 1013
        assert 1 <= retry_after_s(await site.knock(PROXY, forwarded(CLIENT), proxied=True)) <= 300
        other = await site.forwarded(State.CONNECTED, OTHER)
        assert (await other.ask(CONNECT))["status"] == "already_connected"


async def test_strangers_through_a_proxy(loopback_clock: MockClock) -> None:
    """Sixteen of each client, however many clients there are."""
    refuses = {"unauthenticated_per_address": 1}
    async with under_attack(refuses=refuses, trusted_proxies=[PROXY]) as site, site.visitors():
        others = [await site.forwarded(State.OPEN, f"203.0.113.{number}") for number in range(20)]
        oldest, *_ = [await site.forwarded(State.OPEN, CLIENT) for _ in range(17)]
        assert (await oldest.closing())[0] == 1013
        await site.connections_are(len(others) + 16)


@pytest.mark.parametrize("text", ["unknown", "999.1.1.1", f"{CLIENT}, nobody", "1.2.3.4.5", "::1::", "," + "x," * 99])
async def test_a_proxy_that_talks_nonsense(text: str, loopback_clock: MockClock) -> None:
    async with under_attack(refuses={"forwarded_for": 1}, trusted_proxies=[PROXY]) as site:
        assert (await site.knock(PROXY, forwarded(text), proxied=True)).startswith(b"HTTP/1.1 400 ")


async def test_a_proxy_that_does_not_say(loopback_clock: MockClock) -> None:
    """Then it is the client itself."""
    warned = ["proxy.names_nobody"]
    async with (
        under_attack(refuses=TOO_MANY_NEW, complains=warned, trusted_proxies=[PROXY], **FEW) as site,
        site.visitors(),
    ):
        answers = [await site.knock(PROXY, proxied=True) for _ in range(8)]
        assert [answer.startswith(OPENED) for answer in answers] == [True] * 5 + [False] * 3


async def test_one_client_does_not_make_its_proxy_give_up(loopback_clock: MockClock) -> None:
    """Each refusal is told: a proxy that is cut off takes the server to be down, for everyone."""
    limits: dict[str, Any] = {"new_connections_per_address_per_min": 2}
    refuses = {"new_connections_per_address_per_min": 28}
    async with under_attack(refuses=refuses, trusted_proxies=[PROXY], **limits) as site, site.visitors():
        answers = [await site.knock(PROXY, forwarded(CLIENT), proxied=True) for _ in range(30)]
        assert [answer.startswith(b"HTTP/1.1 503 ") for answer in answers] == [False] * 2 + [True] * 28


# Addresses that cost nothing


ONE: dict[str, list[str]] = {
    "a /64 of IPv6": [f"2001:db8:0:7:{number:x}::{number:x}" for number in range(8)],
    "IPv4, and the same in IPv6": [CLIENT, f"::ffff:{CLIENT}"] * 4,
    "an address and its zones": [f"fe80::1%{number}" for number in range(8)],
    "a unix socket": ["unix"] * 8,
}


@pytest.mark.parametrize("peers", ONE.values(), ids=ONE)
async def test_changing_the_address(peers: list[str], loopback_clock: MockClock) -> None:
    async with under_attack(refuses=TOO_MANY_NEW, **FEW) as site, trio.open_nursery() as nursery, site.visitors():
        answers = [await ask(site.lend(nursery, peer)) for peer in peers]
        assert [answer.startswith(OPENED) for answer in answers] == [True] * 5 + [False] * 3
        assert (await ask(site.lend(nursery, "2001:db8:0:8::1"))).startswith(OPENED)


async def test_failing_from_address_to_address(loopback_clock: MockClock) -> None:
    """In a /64 of IPv6."""
    refuses, numbers = {"failures_per_address": 2}, count(1)
    async with under_attack(refuses=refuses) as site, trio.open_nursery() as nursery, site.visitors():

        async def newcomer() -> RawClient:
            client = RawClient(site.lend(nursery, f"2001:db8::{next(numbers):x}:1"))
            await client.reach(State.CHALLENGED)
            return client

        last = await fail(newcomer, FORGED)
        assert (await last.closing())[0] == 1013
        retry_after_s(await ask(site.lend(nursery, "2001:db8::ffff")))


async def test_who_is_exempt(loopback_clock: MockClock) -> None:
    async with under_attack(exempt_networks=("127.0.0.0/24",), **FEW) as site, site.visitors():
        for _ in range(30):
            assert (await site.knock("127.0.0.7")).startswith(OPENED)


# Pages


ORIGINS: dict[str, tuple[list[str], bool]] = {
    "none": ([], True),
    "ours": (["https://chat.example"], True),
    "ours, in capitals": (["HTTPS://Chat.Example"], True),
    "another": (["https://evil.example"], False),
    "one that begins like ours": (["https://chat.example.evil.example"], False),
    "one that ends like ours": (["https://evil-chat.example"], False),
    "ours without TLS": (["http://chat.example"], False),
    "ours at another port": (["https://chat.example:8443"], False),
    "a page of no origin": (["null"], False),
    "nothing": ([""], False),
    "ours and another": (["https://chat.example", "https://evil.example"], False),
    "ours and another in one": (["https://chat.example, https://evil.example"], False),
}


@pytest.mark.parametrize(("origins", "is_allowed"), ORIGINS.values(), ids=ORIGINS)
async def test_a_browser_that_another_page_sends(
    origins: list[str], is_allowed: bool, loopback_clock: MockClock
) -> None:
    lines = "".join(f"Origin: {origin}\r\n" for origin in origins)
    request_head = head()[:-2] + lines.encode() + b"\r\n"
    refuses = {} if is_allowed else {"allowed_origins": 1}
    async with under_attack(refuses=refuses, allowed_origins=["https://chat.example"]) as site, site.visitors():
        answer = await site.knock(head=request_head)
        assert answer.startswith(OPENED if is_allowed else b"HTTP/1.1 403 ")
