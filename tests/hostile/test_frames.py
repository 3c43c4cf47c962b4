"""Whatever comes after the upgrade: its sender is told why with a Close frame, and put out."""

from dataclasses import dataclass
from itertools import chain, repeat

import pytest
import trio
from trio.testing import MockClock

from ric0_trio.protocol import State
from ric0_trio.testing import CHALLENGE
from tests.hostile.aftermath import FLOODED, Refusals, Times
from tests.hostile.floods import send_as_far_as_taken, send_until_cut
from tests.hostile.people import PATIENCE_S
from tests.hostile.site import ATTACKER, Site, under_attack
from tests.server.hostile_frames import (
    CLOSED,
    CLOSED_AFTER_AUTHENTICATION,
    CLOSED_BEFORE_AUTHENTICATION,
    SERVED,
    announced,
    text,
)
from tests.server.raw_client import BINARY, CLOSE, CONTINUATION, HEAD, PING, PONG, TEXT, frame
from tests.server.site import Tls

BEFORE, AFTER = State.CHALLENGED, State.CONNECTED
SIZE = {BEFORE: "max_message_bytes_before_auth", AFTER: "max_message_bytes"}
CONTROL_FRAMES = {BEFORE: "control_frames_before_auth", AFTER: "control_frames_per_min"}
FRAGMENTS = {BEFORE: "fragments", AFTER: "fragments"}
MESSAGES = {BEFORE: "messages_before_auth", AFTER: "messages_per_s"}

COUNTED: dict[str, dict[State, str]] = {
    **dict.fromkeys(
        [
            "too big",
            "too big, with a ping behind it",
            "a ping, too big, and a ping",
            "too big in bytes, not in characters",
            "too big in two",
            "2 GiB announced",
            "4 EiB announced",
            "16 EiB announced",
            "16 KiB",
            "16 KiB in bytes, not in characters",
            "a good Close, and 100 KiB behind",
        ],
        SIZE,
    ),
    **dict.fromkeys(
        [
            "10,000 empty fragments, among pings",
            "hundreds of pings",
            "hundreds of pongs",
            "nine pings and pongs",
            "61 pings at once",
        ],
        CONTROL_FRAMES,
    ),
    "10,000 empty fragments": FRAGMENTS,
    "a fourth challenge": {BEFORE: "challenges"},
    "nine messages": MESSAGES,
    "a hundred messages at once": MESSAGES,
}
"""Which limit is counted; none, for what is not here."""


@dataclass(frozen=True)
class Case:
    name: str
    state: State
    data: bytes
    code: int

    @property
    def refuses(self) -> Refusals:
        limit = COUNTED.get(self.name, {}).get(self.state)
        if limit is None:
            return {}
        return {limit: Times.PERHAPS if self.code == 1000 else 1}


CASES = {
    f"{name} [{state.value}]": Case(name, state, data, code)
    for state, cases in {
        BEFORE: CLOSED | CLOSED_BEFORE_AUTHENTICATION,
        AFTER: CLOSED | CLOSED_AFTER_AUTHENTICATION,
    }.items()
    for name, (data, code) in cases.items()
}


async def is_told(site: Site, case: Case) -> None:
    client = await site.client(case.state)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_as_far_as_taken, client.stream, case.data)
        assert (await client.closing())[0] == case.code, case.name
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_bad_frames(case: Case, loopback_clock: MockClock) -> None:
    async with under_attack(refuses=case.refuses) as site, site.visitors():
        await is_told(site, case)


@pytest.mark.parametrize("state", [BEFORE, AFTER])
async def test_bad_frames_over_tls_of_a_crowd_that_stays(state: State, tls: Tls, loopback_clock: MockClock) -> None:
    cases = [case for case in CASES.values() if case.state is state]
    refuses = dict.fromkeys((limit for case in cases for limit in case.refuses), Times.SOME)
    async with (
        under_attack(tls, refuses=refuses, exempt_networks=(ATTACKER,), overload_wait_s=PATIENCE_S) as site,
        trio.open_nursery() as nursery,
    ):
        for case in cases:
            nursery.start_soon(is_told, site, case)


FLOODS: dict[str, tuple[bytes, bytes, dict[State, str]]] = {
    "pings": (b"", frame(PING, bytes(125)), CONTROL_FRAMES),
    "pongs": (b"", frame(PONG), CONTROL_FRAMES),
    "empty fragments": (frame(TEXT, final=False), frame(CONTINUATION, final=False), FRAGMENTS),
    "fragments": (frame(TEXT, b"{", final=False), frame(CONTINUATION, b" ", final=False), FRAGMENTS),
    "one message": (announced(2**40), bytes(1024), SIZE),
    "messages": (b"", text(CHALLENGE | {"data": {}}), MESSAGES),
}
"""How each begins, how it goes on, and what bounds it."""


@pytest.mark.parametrize("state", [BEFORE, AFTER])
@pytest.mark.parametrize(("first", "more", "limit"), FLOODS.values(), ids=FLOODS)
async def test_floods_without_end(first: bytes, more: bytes, limit: dict[State, str], state: State) -> None:
    async with under_attack(refuses={limit[state]: 1, **FLOODED}) as site:
        client = await site.client(state)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.gone)
            await send_until_cut(client.stream, chain([first], repeat(more)))


@pytest.mark.parametrize("state", [State.OPEN, State.CHALLENGED])
async def test_drop_by_drop(state: State, loopback_clock: MockClock) -> None:
    """A message of 16 KiB, a byte at a time: each costs a read, and reads are counted as well."""
    async with under_attack(refuses={"reads": 1}) as site:
        client = await site.client(state)
        message = frame(TEXT, b" " * 16 * 1024)
        await send_until_cut(client.stream, (message[at : at + 1] for at in range(len(message))))


@pytest.mark.parametrize("early", [frame(TEXT, b" " * 1_000_000), frame(BINARY, b"[]") * 100_000], ids=["one", "many"])
async def test_a_flood_behind_the_head(early: bytes, loopback_clock: MockClock) -> None:
    """It is not kept until the 101 is out: the kernel keeps it."""
    refuses = {SIZE[BEFORE]: Times.PERHAPS, **FLOODED}
    async with under_attack(refuses=refuses) as site, trio.open_nursery() as nursery:
        client = await site.client()
        nursery.start_soon(send_as_far_as_taken, client.stream, HEAD + early)
        answer = await client.gone()
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert answer.split(b"\r\n\r\n")[1][0] == 0x80 | CLOSE


@pytest.mark.parametrize("state", [BEFORE, AFTER])
@pytest.mark.parametrize("data", SERVED.values(), ids=SERVED)
async def test_what_is_no_offence(data: bytes, state: State, loopback_clock: MockClock) -> None:
    async with under_attack() as site, site.visitors(), trio.open_nursery() as nursery:
        client = await site.client(state)
        nursery.start_soon(client.send_raw, data + client.request(CHALLENGE))
        while (status := (await client.receive())["status"]) == "invalid_message":
            pass
        assert status == "success"
