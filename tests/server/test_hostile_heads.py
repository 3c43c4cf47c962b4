"""Whatever comes in place of an upgrade is answered, and is over within a second."""

import pytest
import trio
from trio.testing import MockClock

from tests.server.hostile_heads import ANSWERED
from tests.server.site import open_site

pytestmark = pytest.mark.usefixtures("no_descriptor_leaks")


@pytest.mark.parametrize(("request_head", "status", "piece"), ANSWERED.values(), ids=ANSWERED)
async def test_answer(request_head: bytes, status: int, piece: bytes, loopback_clock: MockClock) -> None:
    async with open_site() as site:
        client = await site.client()
        async with client.stream:
            try:
                await client.send_raw(request_head)
            except trio.BrokenResourceError:
                assert status == 431  # it is not read to its end
            answer = bytes(await client.stream.receive_some())
            assert answer.startswith(b"HTTP/1.1 %d " % status)
            assert piece in answer
            assert b"Sec-WebSocket-Extensions" not in answer
            assert (b"Connection: close" in answer) == (status != 101)
        await site.check_empty(within_s=1)
        await site.check_answers()
        await site.check_empty(within_s=1)


@pytest.mark.parametrize("case", ["another path", "no key", "binary", "a head without end"])
async def test_who_does_not_leave_is_put_out(case: str, loopback_clock: MockClock) -> None:
    request_head, status, _ = ANSWERED[case]
    async with open_site() as site:
        client = await site.client()
        async with client.stream:
            await client.send_raw(request_head[:8192])
            assert (await client.stream.receive_some()).startswith(b"HTTP/1.1 %d " % status)
            await site.check_empty(within_s=1)
        await site.check_answers()
