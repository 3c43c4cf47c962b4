"""What is refused has a name, which is counted, and told without flooding the log."""

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from ric0_trio.server.refusals import Refusals


async def test_the_first_is_told_at_once_and_a_flood_now_and_then(autojump_clock: MockClock) -> None:
    with capture_logs() as logs:
        refusals = Refusals()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(refusals.report)
            for second in range(25):
                for number in range(100):
                    refusals.note("challenges", f"192.0.2.{number}")
                if second == 3:
                    refusals.note("max_head_bytes", "192.0.2.200")
                await trio.sleep(1)
            nursery.cancel_scope.cancel()
        refusals.tell()
    assert refusals.counts == {"challenges": 2500, "max_head_bytes": 1}
    told = [(entry["limit"], entry["times"], entry["last_peer"]) for entry in logs]
    assert {entry["event"] for entry in logs} == {"limit.reached"}
    assert told[:2] == [("challenges", 1, "192.0.2.0"), ("max_head_bytes", 1, "192.0.2.200")]
    assert sum(times for limit, times, _ in told if limit == "challenges") == 2500
    assert len(told) <= 6
