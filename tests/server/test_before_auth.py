"""Before authentication: what needs it gets no answer, close 1008, and is gone within a second."""

import pytest
import trio
from trio.testing import MockClock

from ric0_trio.protocol import Codec, State
from ric0_trio.testing import DISCONNECT, Plain, request
from tests.protocol.pair import CODECS, without
from tests.server.raw_client import RawClient
from tests.server.site import Site, open_site

pytestmark = pytest.mark.usefixtures("no_descriptor_leaks")

NEEDS_AUTHENTICATION: dict[str, Plain] = {
    "an unknown request": request("send", {"text": "hello"}),
    "an unknown request that is bad": request("send", {}, 1),
    "a message": without(request("presence", {}, type="message"), "conversation"),
    "a message that takes a request's name": without(request("challenge", {}, type="message"), "conversation"),
    "a reply": request("challenge", {}, type="reply", status="unknown_error"),
    "a reply to a question of ours": request("ask", {}, 1, type="reply", status="success"),
    "a request without a usable name": request("", {}),
    "a request of another spelling": request("Connect", {}),
}
BEFORE: dict[State, dict[str, Plain]] = {
    State.OPEN: NEEDS_AUTHENTICATION | {"disconnect": DISCONNECT},
    State.CHALLENGED: NEEDS_AUTHENTICATION | {"disconnect": DISCONNECT},
    State.DISCONNECTED: NEEDS_AUTHENTICATION,
}


async def is_put_out(site: Site, codec: Codec, state: State, plain: Plain) -> None:
    """The first thing that comes is a Close; then, with nothing from this side, the end of TCP."""
    client = RawClient(await site.stream(), codec)
    async with client.stream:
        await client.reach(state)
        await client.send_raw(client.request(plain))
        asked_at = trio.current_time()
        seen = await client.watch()
        assert [what for _, what in seen] == ["close 1008", "gone"]
        assert trio.current_time() - asked_at < 1


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@pytest.mark.parametrize("state", BEFORE, ids=lambda state: state.value)
async def test_no_answer_and_no_connection(state: State, codec: Codec, loopback_clock: MockClock) -> None:
    async with open_site() as site:
        async with trio.open_nursery() as nursery:
            for plain in BEFORE[state].values():
                nursery.start_soon(is_put_out, site, codec, state, plain)
        await site.check_empty(within_s=1)
        await site.check_answers()
        await site.check_empty(within_s=1)
    assert [entry["code"] for entry in site.logs if entry["event"] == "connection.ended"].count(1008) == len(
        BEFORE[state]
    )
