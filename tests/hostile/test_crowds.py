"""Crowds: of one address and of many, of those who come, who stay, and who come back. Those who are in stay in."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from ric0_trio.protocol import State
from ric0_trio.testing import CHALLENGE, CONNECT
from tests.hostile.aftermath import Times
from tests.hostile.people import PATIENCE_S
from tests.hostile.site import ATTACKER, OPENED, retry_after_s, under_attack, until
from tests.server.hostile_frames import text
from tests.server.raw_client import RawClient
from tests.server.site import Tls

STRANGERS = [None, State.OPEN, State.CHALLENGED, State.DISCONNECTED]
MANY = 10_000
OTHER = "127.0.4.1"
PER_ADDRESS, IN_ALL = 16, 256


def addresses(number: int) -> list[str]:
    return [f"127.0.{5 + each // 250}.{1 + each % 250}" for each in range(number)]


async def check_gave_way(client: RawClient, state: State | None) -> None:
    """It is told so, if it has a WebSocket."""
    with trio.fail_after(PATIENCE_S):
        if state is None:
            assert await client.gone() == b""
        else:
            assert (await client.closing())[0] == 1013


@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "over TLS"])
async def test_a_storm_of_one_address(is_secure: bool, tls: Tls, loopback_clock: MockClock) -> None:
    """Connecting and leaving, as fast as it goes: 60 are served, and those that the time since then has earned.

    Of the others, a few are told when to come back.
    """
    refuses = {"new_connections_per_address_per_min": Times.SOME}
    async with under_attack(tls if is_secure else None, refuses=refuses) as site:
        began = trio.current_time()
        answers = []
        for _ in range(80):
            async with site.visitors():
                answers.append(await site.knock())
        served = [answer for answer in answers if answer.startswith(OPENED)]
        assert 60 <= len(served) <= 61 + trio.current_time() - began
        told = [answer for answer in answers if answer and answer not in served]
        assert told
        assert {retry_after_s(answer) for answer in told} == {1}
        await site.check_answers()


async def test_a_storm_of_many_addresses(loopback_clock: MockClock) -> None:
    async with under_attack(overload_wait_s=PATIENCE_S) as site, trio.open_nursery() as nursery:

        async def come_and_go(address: str) -> None:
            for state in (State.OPEN, State.CHALLENGED, State.CONNECTED, State.DISCONNECTED):
                await (await site.client(state, address)).reset()

        for address in addresses(50):
            nursery.start_soon(come_and_go, address)
        await site.check_answers()


async def test_hoarding(loopback_clock: MockClock) -> None:
    refuses = {"connections_per_address": 3}
    async with under_attack(refuses=refuses, new_connections_per_address_per_min=MANY) as site, site.visitors():
        hoard = await site.clients(64, State.CONNECTED)
        for _ in range(3):
            assert retry_after_s(await site.knock()) == 10
        await site.check_answers()
        await hoard[0].reset()
        await until(lambda: site.server.connections == 64)
        await site.check_answers(ATTACKER)


@pytest.mark.parametrize("state", STRANGERS)
async def test_strangers_of_one_address(state: State | None, loopback_clock: MockClock) -> None:
    """There are sixteen. The next is served, and the oldest gives way."""
    async with under_attack(refuses={"unauthenticated_per_address": 1}) as site, site.visitors():
        oldest, *_ = await site.clients(PER_ADDRESS, state)
        await site.client(State.CHALLENGED)
        await check_gave_way(oldest, state)
        await site.connections_are(PER_ADDRESS)


@pytest.mark.parametrize("state", [None, State.OPEN])
async def test_strangers_in_all(state: State | None, loopback_clock: MockClock) -> None:
    """There are 256. The next is served, and the oldest of the address that has most gives way."""
    refuses = {"unauthenticated_connections": 1}
    async with under_attack(refuses=refuses) as site, site.visitors():
        for address in addresses((IN_ALL - PER_ADDRESS) // (PER_ADDRESS - 1)):
            await site.clients(PER_ADDRESS - 1, state, address)
        oldest, *_ = await site.clients(PER_ADDRESS, state)
        await site.connections_are(IN_ALL)
        await site.client(State.CHALLENGED, OTHER)
        await check_gave_way(oldest, state)
        await site.connections_are(IN_ALL)


async def test_strangers_of_many_addresses(loopback_clock: MockClock) -> None:
    """One of each, and all are silent: one of them gives way to whoever comes."""
    async with under_attack(refuses={"unauthenticated_connections": 51}) as site, site.visitors():
        *flood, newcomer = addresses(IN_ALL + 51)
        for address in flood:
            await site.socket(address)
        assert (await site.knock(newcomer)).startswith(OPENED)
        await site.connections_are(IN_ALL)


async def test_a_full_server(loopback_clock: MockClock) -> None:
    """Of a hundred who come at once a few are told so; the others are cut off."""
    limits: dict[str, Any] = {"max_connections": 20, "close_timeout_before_auth_s": PATIENCE_S}
    async with under_attack(refuses={"max_connections": 100}, **limits) as site, site.visitors():
        users = await site.clients(19, State.CONNECTED)
        answers: list[bytes] = []

        async def knock(address: str) -> None:
            answers.append(await site.knock(address))

        async with trio.open_nursery() as nursery:
            for address in addresses(100):
                nursery.start_soon(knock, address)
        assert [retry_after_s(answer) for answer in answers if answer] == [5] * (1 + 20 // 10)
        assert (await users[0].ask(CONNECT))["status"] == "already_connected"


async def test_overload() -> None:
    """Strangers keep the server busy, and newcomers are told to come later."""
    limits: dict[str, Any] = {"overload_wait_s": 1e-6, "exempt_networks": (ATTACKER,)}
    async with under_attack(refuses={"overload_wait_s": Times.SOME}, **limits) as site, site.visitors():
        strangers = await site.clients(50, State.OPEN)
        answers: list[bytes] = []

        async def knock() -> None:
            answers.append(await site.knock())

        while "overload_wait_s" not in site.refused:
            async with trio.open_nursery() as nursery:
                for client in strangers:
                    nursery.start_soon(client.send_raw, text(CHALLENGE | {"data": {}}))
                nursery.start_soon(knock)
        assert retry_after_s(answers[-1]) == 5
