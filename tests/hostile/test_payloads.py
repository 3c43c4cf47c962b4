"""Messages that are bombs, or lies: they are answered or closed with a reason, and nobody waits for it."""

from collections.abc import Callable, Collection

import pytest
from wsproto.events import BytesMessage, CloseConnection, TextMessage

from ric0_trio.protocol import CloseCode, Codec, State, Status
from ric0_trio.testing import Plain, pack, unpack
from tests.hostile.payloads import BSON, JSON, REQUESTS, Outcome, Outcomes
from tests.hostile.site import under_attack
from tests.protocol.pair import CODECS
from tests.server.raw_client import RawClient

SIZES = {State.OPEN: 16 * 1024, State.CONNECTED: 64 * 1024}


async def outcome_of(client: RawClient) -> Outcome:
    match await client.next_event():
        case CloseConnection(code=code):
            return CloseCode(code)
        case TextMessage(data=data):
            return Status(unpack(client.codec, data)["status"])
        case BytesMessage(data=data):
            return Status(unpack(client.codec, bytes(data))["status"])
    raise AssertionError


async def check(codec: Codec, cases: Collection[tuple[State, str | bytes, Outcome]]) -> None:
    async with under_attack() as site, site.visitors():
        for state, payload, outcome in cases:
            client = RawClient(await site.socket(), codec)
            await client.reach(state)
            await client.send(payload)
            assert await outcome_of(client) == outcome, state


@pytest.mark.parametrize(("build", "outcomes"), JSON.values(), ids=JSON)
async def test_json(build: Callable[[int], str], outcomes: Outcomes) -> None:
    """As large as it may be, before authentication and after."""
    each = outcomes if isinstance(outcomes, dict) else dict.fromkeys(SIZES, outcomes)
    await check(CODECS["json"], [(state, build(size), each[state]) for state, size in SIZES.items()])


@pytest.mark.parametrize(("payload", "outcome"), BSON.values(), ids=BSON)
async def test_bson(payload: bytes, outcome: Outcome) -> None:
    pytest.importorskip("bson", reason="the extra bson is not installed")
    await check(CODECS["bson"], [(state, payload, outcome) for state in SIZES])


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@pytest.mark.parametrize(("plain", "outcome"), REQUESTS.values(), ids=REQUESTS)
async def test_requests(plain: Plain, outcome: Outcome, codec: Codec) -> None:
    await check(codec, [(State.CHALLENGED, pack(codec, plain), outcome)])
