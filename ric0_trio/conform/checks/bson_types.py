"""Encodings: what is special to BSON."""

import math
import re
from datetime import UTC, datetime
from typing import Any

from ric0_trio.conform.checks.attempts import (
    challenge_data,
    close_each,
    refuse_challenges,
    take_challenges,
    take_values,
)
from ric0_trio.conform.encodings import Plain
from ric0_trio.conform.messages import NEVER_USED, make_request
from ric0_trio.conform.registry import check
from ric0_trio.conform.site import Site

_MARK = "conform-mark"


def _encode(site: Site, plain: Plain) -> bytes:
    payload = site.encoding.encode(plain)
    return payload if isinstance(payload, bytes) else payload.encode()


def _other_types() -> list[Any]:
    """A value of each type that BSON has and the protocol does not."""
    import bson

    others = [bson.ObjectId(), bson.Binary(b"x"), bson.Binary(bytes(16), 4), bson.Timestamp(1, 1), bson.Decimal128("1")]
    return [*others, bson.MinKey(), bson.MaxKey(), bson.Code("x"), bson.Code("x", {}), re.compile("x"), bson.Regex("x")]


@check("E5", encoding="bson")
async def takes_both_integers(site: Site) -> None:
    from bson.int64 import Int64

    await take_challenges(site, {"conversation": Int64(4)}, {"conversation": 6}, {"conversation": Int64(4294967294)})
    await take_values(site, "client_app.version.major", Int64(2), 2)


@check("E9")
async def needs_unknown_keys_well_formed(site: Site) -> None:
    good = make_request("challenge", challenge_data(), 0)
    if site.encoding.name == "json":
        await close_each(site, 1007, [{**good, NEVER_USED: "\ud800"}, {**good, NEVER_USED: ["\udc00"]}])
        return
    raw = _encode(site, {**good, NEVER_USED: [_MARK]})
    await close_each(site, 1007, [raw.replace(_MARK.encode(), b"\xff" * len(_MARK))])


@check("E23", encoding="bson")
async def takes_one_document(site: Site) -> None:
    await (await site.open()).challenge()
    raw = _encode(site, make_request("challenge", challenge_data(), 0))
    await close_each(site, 1007, [raw + b"\0", raw + raw, raw + b"more"])


@check("E24", encoding="bson")
async def refuses_other_types(site: Site) -> None:
    others = _other_types()
    await refuse_challenges(site, *({NEVER_USED: [other]} for other in others), {"data": {"challenge": others[1]}})
    message = {**make_request("x", {}, 0), "type": "message"}
    await close_each(site, 1007, [{**message, NEVER_USED: others[0]}])


@check("E25", encoding="bson")
async def refuses_infinite_doubles(site: Site) -> None:
    await refuse_challenges(site, *({NEVER_USED: number} for number in (math.nan, math.inf, -math.inf)))
    await take_challenges(site, {NEVER_USED: 2.5})


@check("E26", encoding="bson")
async def has_datetimes_for_time_alone(site: Site) -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    data = challenge_data()
    await refuse_challenges(
        site, {NEVER_USED: moment}, {"data": data | {NEVER_USED: [moment]}}, {"data": data | {"time": moment}}
    )


@check("E27", encoding="bson")
async def takes_deprecated_types(site: Site) -> None:
    request = make_request("challenge", challenge_data(), 0)
    raw = _encode(site, {**request, NEVER_USED: None})
    symbol = raw.replace(b"\x02name\0", b"\x0ename\0").replace(b"\x0aconform", b"\x06conform")
    peer = await site.open()
    await peer.send_payload(symbol, "a `challenge` whose name is a symbol, with an undefined value")
    peer.awaits("challenge", 0)
    await peer.expect_reply("success")


@check("E28", encoding="bson")
async def minds_no_keys_of_lists(site: Site) -> None:
    request = make_request("challenge", challenge_data(), 0)
    raw = _encode(site, {**request, NEVER_USED: ["a", "b"]}).replace(b"\x020\0", b"\x027\0")
    peer = await site.open()
    await peer.send_payload(raw, "a `challenge` with a list under an unknown key, whose keys are 7 and 1")
    peer.awaits("challenge", 0)
    await peer.expect_reply("success")


@check("E29", encoding="bson")
async def needs_utf8(site: Site) -> None:
    good = make_request("challenge", challenge_data(), 0)
    bad = b"\xc3\x28".ljust(len(_MARK), b"x")
    documents = [
        _encode(site, {**good, **more}) for more in ({_MARK: 1}, {NEVER_USED: _MARK}, {NEVER_USED: {_MARK: 1}})
    ]
    await close_each(site, 1007, [raw.replace(_MARK.encode(), bad) for raw in documents])
