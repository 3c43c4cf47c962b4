"""Encodings: what is special to JSON."""

from ric0_trio.conform.checks.attempts import challenge_data, close_each, take_challenges
from ric0_trio.conform.messages import NEVER_USED, make_request
from ric0_trio.conform.outcomes import FailedError
from ric0_trio.conform.registry import check
from ric0_trio.conform.site import Site
from ric0_trio.conform.websocket import Closed


def _with_value(site: Site, value: str) -> str:
    """A challenge that has an unknown key with this text for its value."""
    text = site.encoding.encode(make_request("challenge", challenge_data(), 0))
    return f'{str(text)[:-1]}, "{NEVER_USED}": {value}}}'


@check("E19", encoding="json")
async def refuses_byte_order_marks(site: Site) -> None:
    await close_each(site, 1007, [f"\ufeff{site.encoding.encode(make_request('challenge', challenge_data(), 0))!s}"])


@check("E20", encoding="json")
async def knows_no_nan(site: Site) -> None:
    await close_each(site, 1007, [_with_value(site, word) for word in ("NaN", "Infinity", "-Infinity")])


@check("E21", encoding="json")
async def refuses_lone_surrogates(site: Site) -> None:
    await take_challenges(site, {NEVER_USED: "\U0001f600"})
    values = (r'"\ud800"', r'"\udc00"', r'"\ude00\ud83d"', r'["a\ud800b"]', r'{"\ud800": 1}')
    await close_each(site, 1007, [_with_value(site, value) for value in values])


@check("E22", encoding="json")
async def refuses_huge_numbers(site: Site) -> None:
    for number in ("1e999", "-1e999"):
        peer = await site.open()
        await peer.send_payload(_with_value(site, number))
        came = await peer.receive("a refusal, or the reply")
        if not isinstance(came, Closed) and '"success"' in str(came):
            raise FailedError(f"a refusal of {number[:10]}", "success")
