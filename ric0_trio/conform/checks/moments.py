"""Envelope: the `time` of a request, and the server's own."""

import re
from datetime import UTC, datetime

from ric0_trio.conform.checks.attempts import challenge_data, refuse_challenges, take_challenges
from ric0_trio.conform.evidence import show_value
from ric0_trio.conform.frames import make_message
from ric0_trio.conform.messages import make_request
from ric0_trio.conform.outcomes import FailedError
from ric0_trio.conform.registry import check
from ric0_trio.conform.site import Site

_AT_ONCE = 20
_SERVER_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


async def _takes(site: Site, *times: str | datetime) -> None:
    await take_challenges(site, *({"time": time} for time in times))


@check("V17")
async def takes_rfc_3339(site: Site) -> None:
    shifted = ("2026-01-02T04:04:05+01:00", "2026-01-01T20:04:05-07:30", "2026-01-02T03:04:05+00:00")
    letters = ("2026-01-02T03:04:05.5Z", "2026-01-02t03:04:05z", "2024-02-29T23:59:59.999999Z")
    await _takes(site, *letters, *shifted, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-02T03:04:05Z")


@check("V18")
async def refuses_other_times(site: Site) -> None:
    no_offset = ("2026-01-02T03:04:05", "2026-01-02T03:04:05.5", "2026-01-02")
    other_forms = ("2026-01-02 03:04:05Z", "2026-01-02T03:04Z", "2026-01-02T03:04:05+0100", "20260102T030405Z", "now")
    no_dates = ("2026-02-30T03:04:05Z", "2026-13-01T03:04:05Z", "2026-01-02T25:04:05Z", "0000-01-01T00:00:00Z")
    others = ("2026-01-02T03:04:05.Z", "2026-01-02T03:04:05,5Z", "\u0662026-01-02T03:04:05Z", " 2026-01-02T03:04:05Z")
    await refuse_challenges(site, *({"time": time} for time in (*no_offset, *other_forms, *no_dates, *others)))


@check("V19")
async def takes_many_digits(site: Site) -> None:
    await _takes(site, *(f"2026-01-02T03:04:05.{'9' * digits}Z" for digits in (1, 7, 9, 32)))


@check("V20")
async def takes_leap_seconds(site: Site) -> None:
    await _takes(site, "2016-12-31T23:59:60Z", "2016-12-31T23:59:60.25Z")


@check("V21", encoding="bson")
async def takes_datetimes(site: Site) -> None:
    from bson.datetime_ms import DatetimeMS

    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    await _takes(site, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), first, last)
    beyond = (int(DatetimeMS(first)) - 1, int(DatetimeMS(last)) + 1, 2**63 - 1)
    await refuse_challenges(site, *({"time": DatetimeMS(milliseconds)} for milliseconds in beyond))


@check("V22")
async def writes_utc_with_six_digits(site: Site) -> None:
    peer = await site.open()
    for _ in range(3):
        await peer.ask("challenge", challenge_data())
        time = (await peer.expect_reply("success")).get("time")
        if not isinstance(time, str) or not _SERVER_TIME.fullmatch(time):
            raise FailedError("a `time` such as 2026-01-02T03:04:05.000006Z", show_value(time, 100))


@check("V23")
async def has_time_go_on(site: Site) -> None:
    peer = await site.connected()
    requests = [make_request("x", {}, 1000 + 2 * number) for number in range(_AT_ONCE)]
    data = b"".join(make_message(site.encoding.encode(request)) for request in requests)
    await peer.send_raw(data, f"{_AT_ONCE} requests at once, as a coarse clock shows the same time for all")
    before = ""
    for request in requests:
        reply = await peer.expect_reply("invalid_message", name="x", conversation=request["conversation"])
        time = str(reply.get("time"))
        if time <= before:
            raise FailedError(f"a `time` after {before}", time)
        before = time


@check("V24")
async def minds_no_wrong_clock(site: Site) -> None:
    peer = await site.open()
    for time in ("1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"):
        await peer.ask("challenge", challenge_data(), time=time)
        await peer.expect_reply("success")
