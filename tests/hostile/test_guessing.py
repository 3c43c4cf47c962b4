"""Peers that try what might work: challenges, forged proofs, guessed tokens, and one connection again and again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from ric0_trio.access.store import AccessStore
from ric0_trio.protocol import State
from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    USER_KEY,
    Plain,
    base64_of,
    connect_data,
    ed25519_key,
    request,
)
from tests.access.files import editing
from tests.access.stage import INVITE, open_store
from tests.hostile.aftermath import Times
from tests.hostile.people import PATIENCE_S
from tests.hostile.site import ATTACKER, Site, retry_after_s, under_attack
from tests.server.raw_client import RawClient
from tests.server.site import Tls

FORGED = request("connect", connect_data(challenge=base64_of(bytes(64))), 2)
GUESSED = request("connect", connect_data(ed25519_key(9), join_token="a guess"), 2)  # noqa: S106 - it is none
TRIES = 7
"""What one connection has: its eight messages, but for the challenge."""
FAILURES = 10
"""How many there may be of an address."""


Newcomer = Callable[[], Awaitable[RawClient]]


def from_one_address(site: Site) -> Newcomer:
    return partial(site.client, State.CHALLENGED)


async def fail(newcomer: Newcomer, plain: Plain, times: int = FAILURES) -> RawClient:
    """Fail so often, on as many connections as it takes, and give the last."""
    while True:
        client = await newcomer()
        for _ in range(min(times, TRIES)):
            assert (await client.ask(plain))["status"] in ("invalid_challenge", "invalid_join_token")
        times -= TRIES
        if times <= 0:
            return client


async def check_barred(site: Site, last: RawClient) -> None:
    """The address is, at once and for long; others are not."""
    assert (await last.closing())[0] == 1013
    for _ in range(3):
        assert 1 <= retry_after_s(await site.knock()) <= 300
    await site.check_answers()


@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "over TLS"])
async def test_forged_proofs(is_secure: bool, tls: Tls, loopback_clock: MockClock) -> None:
    """A user who is on already, at that address, may stay."""
    refuses = {"failures_per_address": 4}
    async with under_attack(tls if is_secure else None, refuses=refuses) as site, site.visitors():
        user = await site.client(State.CONNECTED, ATTACKER)
        await check_barred(site, await fail(from_one_address(site), FORGED))
        assert (await user.ask(CONNECT))["status"] == "already_connected"


async def test_forged_proofs_on_connections_that_are_open_already(loopback_clock: MockClock) -> None:
    async with under_attack(refuses={"failures_per_address": 6}) as site, site.visitors():
        others = await site.clients(5, State.CHALLENGED)
        last = await fail(from_one_address(site), FORGED)
        assert (await last.closing())[0] == 1013
        for client in others:
            assert (await client.ask(FORGED))["status"] == "invalid_challenge"
            assert (await client.closing())[0] == 1013


@asynccontextmanager
async def invite_only(folder: Path) -> AsyncIterator[AccessStore]:
    """Everyone but the attacker is a member."""
    path = folder / "access.sqlite3"
    with editing(path) as editor:
        editor.add_member(USER_KEY.public.fingerprint)
    async with open_store(path, INVITE) as access:
        yield access


async def test_guessed_tokens(tmp_path: Path) -> None:
    refuses = {"failures_per_address": 4}
    async with (
        invite_only(tmp_path) as access,
        under_attack(access=access, refuses=refuses) as site,
        site.visitors(),
    ):
        await check_barred(site, await fail(from_one_address(site), GUESSED))


async def test_forged_proofs_and_guessed_tokens_together(tmp_path: Path) -> None:
    refuses = {"failures_per_address": 4}
    async with (
        invite_only(tmp_path) as access,
        under_attack(access=access, refuses=refuses) as site,
        site.visitors(),
    ):
        await fail(from_one_address(site), FORGED, FAILURES // 2)
        await check_barred(site, await fail(from_one_address(site), GUESSED, FAILURES // 2))


async def test_the_bar_is_lifted() -> None:
    async with under_attack(refuses={"failures_per_address": Times.SOME}, failure_bar_s=0.2) as site, site.visitors():
        last = await fail(from_one_address(site), FORGED)
        assert (await last.closing())[0] == 1013
        with trio.fail_after(PATIENCE_S):
            while not (await site.knock()).startswith(b"HTTP/1.1 101 "):
                pass


async def test_challenges(loopback_clock: MockClock) -> None:
    """Three signatures a connection, and no more however often the user comes and goes."""
    async with under_attack(refuses={"challenges": 2}) as site:
        stranger = await site.client(State.CHALLENGED)
        assert (await stranger.ask(CHALLENGE))["status"] == "success"
        user = await site.client(State.DISCONNECTED)
        assert (await user.ask(CHALLENGE))["status"] == "success"
        assert (await user.ask(CONNECT))["status"] == "success"
        for client in (stranger, user):
            assert (await client.ask(CHALLENGE))["status"] == "success"
            await client.send_raw(client.request(CHALLENGE))
            assert (await client.closing())[0] == 1008


async def test_connecting_again_and_again(loopback_clock: MockClock) -> None:
    """On one connection: each time counts as a new one."""
    refuses = {"new_connections_per_address_per_min": 1}
    async with under_attack(refuses=refuses, new_connections_per_address_per_min=10) as site:
        client = await site.client(State.CONNECTED)
        for _ in range(9):
            assert (await client.ask(DISCONNECT))["status"] == "success"
            assert (await client.ask(CONNECT))["status"] == "success"
        assert (await client.ask(DISCONNECT))["status"] == "success"
        assert (await client.closing())[0] == 1013
