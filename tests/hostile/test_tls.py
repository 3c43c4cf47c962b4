"""Peers that are bad at TLS, or make it work: what it takes in without passing it on is bounded in bytes."""

import random
from collections.abc import Callable, Iterator
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock
from wsproto.events import CloseConnection

from ric0_trio.protocol import CloseCode, Kick, State
from ric0_trio.testing import CONNECT
from ric0_trio.testing.store import FakeStore
from tests.hostile.aftermath import Times
from tests.hostile.floods import send_as_far_as_taken, send_until_cut
from tests.hostile.handmade_tls import (
    ALERT,
    CHANGE_CIPHER_SPEC,
    DATA,
    KEY_UPDATE,
    KEY_UPDATE_BOTH,
    HandmadeTls,
    open_handmade_tls,
)
from tests.hostile.site import Site, under_attack
from tests.server.raw_client import HEAD, TEXT, RawClient, frame
from tests.server.site import Tls

KIB = 1024
STAGES = [None, State.OPEN, State.CHALLENGED, State.CONNECTED]
SMALL_MESSAGES: dict[str, Any] = {
    "max_message_bytes_before_auth": 1024,
    "messages_burst": 1,
    "messages_per_s": 1.0,
    "max_message_bytes": 1024,
}
"""With which not so much has to be sent."""

NONSENSE: dict[str, bytes] = {
    "plain HTTP": HEAD,
    "an empty record": b"\x16\3\1\0\0",
    "a record too long": b"\x16\3\1\xff\xff" + bytes(0xFFFF),
    "an alert": b"\x15\3\3\0\2\2\x28",
    "SSL 2": b"\x80\x2e\1\0\2\0\x15\0\0\0\x10" + bytes(40),
    "data before a handshake": b"\x17\3\3\0\x20" + bytes(32),
    "a hello of 16 MiB": b"\x16\3\1\x40\0\1\xff\xff\xff\3\3" + bytes(0x4000 - 6),
    **{f"seed {seed}": random.Random(seed).randbytes(1 + 97 * seed) for seed in range(20)},  # noqa: S311
}


Flood = Callable[[HandmadeTls], Iterator[bytes]]


def key_updates(tls: HandmadeTls) -> Iterator[bytes]:
    while True:
        yield b"".join(tls.key_update(KEY_UPDATE) for _ in range(100))


def key_updates_both_ways(tls: HandmadeTls) -> Iterator[bytes]:
    while True:
        yield b"".join(tls.key_update(KEY_UPDATE_BOTH) for _ in range(100))


def empty_records(tls: HandmadeTls) -> Iterator[bytes]:
    while True:
        yield tls.record(DATA, b"")


def warnings(tls: HandmadeTls) -> Iterator[bytes]:
    while True:
        yield tls.record(ALERT, b"\1\x5a")


def changes_of_cipher(_: HandmadeTls) -> Iterator[bytes]:
    return repeat(bytes([CHANGE_CIPHER_SPEC]) + b"\3\3\0\1\1")


ENDED_BY_TLS: dict[str, Flood] = {
    "empty records": empty_records,
    "warnings": warnings,
    "changes of cipher": changes_of_cipher,
}
ENDED_BY_BYTES: dict[str, Flood] = {"key updates": key_updates, "key updates both ways": key_updates_both_ways}


async def handmade(site: Site, folder: Path, state: State | None) -> HandmadeTls:
    """A client that has reached `state`, or has not asked for a WebSocket yet."""
    tls = await open_handmade_tls(await site.socket(), folder / "keys.log")
    if state is not None:
        await RawClient(tls).reach(state)
    return tls


@pytest.mark.parametrize("data", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_in_place_of_a_hello(data: bytes, tls: Tls, loopback_clock: MockClock) -> None:
    async with under_attack(tls, refuses={"opening_timeout_s": Times.PERHAPS}, opening_timeout_s=0.3) as site:
        await send_as_far_as_taken(await site.socket(), data)


@pytest.mark.parametrize("state", STAGES)
@pytest.mark.parametrize("flood", ENDED_BY_TLS.values(), ids=ENDED_BY_TLS)
async def test_records_that_carry_nothing(
    flood: Flood, state: State | None, tls: Tls, tmp_path: Path, loopback_clock: MockClock
) -> None:
    async with under_attack(tls) as site:
        client = await handmade(site, tmp_path, state)
        await send_until_cut(client.below, flood(client))


@pytest.mark.parametrize("state", STAGES)
@pytest.mark.parametrize("flood", ENDED_BY_BYTES.values(), ids=ENDED_BY_BYTES)
async def test_key_updates(
    flood: Flood, state: State | None, tls: Tls, tmp_path: Path, loopback_clock: MockClock
) -> None:
    async with under_attack(tls, refuses={"bytes": 1}, **SMALL_MESSAGES) as site:
        client = await handmade(site, tmp_path, state)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(RawClient(client).gone)
            await send_until_cut(client.below, flood(client))


@pytest.mark.parametrize("state", [State.OPEN, State.CHALLENGED])
async def test_records_of_one_byte(state: State, tls: Tls, tmp_path: Path, loopback_clock: MockClock) -> None:
    """Hundreds of them come in one packet, and each is a read."""
    async with under_attack(tls, refuses={"reads": 1}) as site:
        client = await handmade(site, tmp_path, state)
        message = frame(TEXT, b" " * 16 * KIB)
        records = [client.record(DATA, message[at : at + 1]) for at in range(2000)]
        await send_as_far_as_taken(client.below, b"".join(records))
        await RawClient(client).gone()


async def test_a_user_who_reads_nothing_of_tls_can_be_put_out(
    tls: Tls, tmp_path: Path, loopback_clock: MockClock
) -> None:
    """The server has to answer before it reads on, and then has nothing more to say; the place is given back."""
    access = FakeStore()
    async with under_attack(
        tls, access=access, send_buffer_bytes=1, refuses={"write_timeout_s": Times.PERHAPS}
    ) as site:
        client = await open_handmade_tls(await site.socket(receive_buffer_bytes=1), tmp_path / "keys.log")
        await RawClient(client).reach(State.CONNECTED)
        user = list(access.applicants.values())[-1]
        assert user.connection_id in access.places
        with trio.move_on_after(1):
            await send_until_cut(client.below, key_updates_both_ways(client))
        user.evict(Kick(CloseCode.KICKED, "put out"))
        await site.connections_are(0)
        assert user.connection_id not in access.places


async def test_key_updates_of_a_user_are_no_traffic(tls: Tls, tmp_path: Path, loopback_clock: MockClock) -> None:
    """They carry no messages, and 20,000 of them keep the server as busy as thousands of messages."""
    async with under_attack(tls, refuses={"bytes": 1}) as site:
        client = await handmade(site, tmp_path, None)
        user = RawClient(client)
        await user.reach(State.CONNECTED)
        await send_as_far_as_taken(client.below, *islice(key_updates(client), 200))
        await send_as_far_as_taken(client, user.request(CONNECT))
        assert isinstance(await user.next_event(), CloseConnection), "the server took all of it"
