"""Peers that do nothing: that do not read, do not answer, or are no longer there."""

from pathlib import Path
from typing import Any

import pytest
from trio.testing import MockClock

from ric0_trio.protocol import State
from ric0_trio.server import Adapter
from ric0_trio.testing import CHALLENGE, CONNECT
from tests.hostile.floods import send_as_far_as_taken, send_until_cut
from tests.hostile.handmade_tls import open_handmade_tls
from tests.hostile.site import Site, under_attack
from tests.hostile.test_tls import key_updates_both_ways
from tests.server.hostile_frames import text
from tests.server.raw_client import PING, RawClient, frame
from tests.server.site import Tls

STRANGERS = [State.OPEN, State.CHALLENGED, State.DISCONNECTED]
IMPATIENT: dict[str, Any] = {"ping_interval_s": 0.2, "ping_timeout_s": 0.5}
SMALL_BUFFER: dict[str, Any] = {"send_buffer_bytes": 1}
"""As little as the kernel lets a socket have: so it is soon full. The other end has the same."""
UNHURRIED: dict[str, Any] = {"messages_per_s": 10_000, "messages_burst": 10_000, "control_frames_per_min": 10_000}


async def deaf_user(site: Site) -> RawClient:
    client = RawClient(await site.socket(receive_buffer_bytes=1))
    await client.reach(State.CONNECTED)
    return client


@pytest.mark.parametrize("state", STRANGERS)
async def test_who_says_nothing(state: State, loopback_clock: MockClock) -> None:
    async with under_attack(refuses={"auth_timeout_s": 1}, auth_timeout_s=0.3) as site:
        client = await site.client(state)
        assert (await client.closing())[0] == 1008


@pytest.mark.parametrize("state", [State.OPEN, State.CHALLENGED])
async def test_who_talks_and_does_not_connect(state: State, loopback_clock: MockClock) -> None:
    """Pings, and half a message, extend nothing."""
    async with under_attack(refuses={"auth_timeout_s": 1}, auth_timeout_s=0.3) as site:
        client = await site.client(state)
        await client.send_raw(frame(PING) * 5 + text(CHALLENGE)[:-5])
        assert (await client.closing())[0] == 1008


async def test_who_has_vanished(loopback_clock: MockClock) -> None:
    """TCP does not tell; that a ping is not answered does."""
    async with under_attack(refuses={"ping_timeout_s": 1}, **IMPATIENT) as site:
        await site.client(State.CONNECTED)


async def test_who_has_vanished_over_tls(tls: Tls, loopback_clock: MockClock) -> None:
    async with under_attack(tls, refuses={"ping_timeout_s": 1}, **IMPATIENT) as site:
        await site.client(State.CONNECTED)


async def test_who_has_vanished_in_the_middle_of_a_message(loopback_clock: MockClock) -> None:
    async with under_attack(refuses={"ping_timeout_s": 1}, **IMPATIENT) as site:
        client = await site.client(State.CONNECTED)
        await client.send_raw(text(CONNECT)[:-5])


async def test_who_does_not_read_replies(loopback_clock: MockClock) -> None:
    async with under_attack(refuses={"write_timeout_s": 1}, write_timeout_s=0.3, **SMALL_BUFFER, **UNHURRIED) as site:
        client = await deaf_user(site)
        await send_as_far_as_taken(client.stream, text(CONNECT) * 1000)


async def test_who_does_not_read_pongs(adapter: Adapter, loopback_clock: MockClock) -> None:
    """trio-websocket waits to answer, and reads nothing meanwhile; so the keepalive finds nobody there."""
    limit = {"direct": "write_timeout_s", "plain": "ping_timeout_s"}[adapter]
    async with under_attack(refuses={limit: 1}, **IMPATIENT, **SMALL_BUFFER, **UNHURRIED) as site:
        client = await deaf_user(site)
        await send_as_far_as_taken(client.stream, frame(PING, bytes(125)) * 1000)


UNREAD_TLS: dict[str, tuple[State | None, str]] = {
    "a handshake": (None, "opening_timeout_s"),
    "challenged": (State.CHALLENGED, "auth_timeout_s"),
    "connected": (State.CONNECTED, "ping_timeout_s"),
}


@pytest.mark.parametrize(("state", "limit"), UNREAD_TLS.values(), ids=UNREAD_TLS)
async def test_who_does_not_read_what_tls_answers(
    state: State | None, limit: str, adapter: Adapter, tls: Tls, tmp_path: Path, loopback_clock: MockClock
) -> None:
    """Each key update wants one back."""
    if adapter == "direct" and state is not None:
        limit = "write_timeout_s"
    limits: dict[str, Any] = {"opening_timeout_s": 0.5, "auth_timeout_s": 0.5, **IMPATIENT, **SMALL_BUFFER}
    async with under_attack(tls, refuses={limit: 1}, **limits) as site:
        client = await open_handmade_tls(await site.socket(receive_buffer_bytes=1), tmp_path / "keys.log")
        if state is not None:
            await RawClient(client).reach(state)
        await send_until_cut(client.below, key_updates_both_ways(client))
