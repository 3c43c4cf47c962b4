"""Encodings: types and keys, the same in both."""

import json
from typing import Any

from ric0_trio.conform.checks.attempts import (
    challenge_data,
    close_each,
    refuse_connects,
    refuse_values,
    take_challenges,
    take_connects,
    take_values,
)
from ric0_trio.conform.checks.negotiation import EXTENSIONS, VERSIONS
from ric0_trio.conform.encodings import Plain
from ric0_trio.conform.evidence import show_value
from ric0_trio.conform.messages import NEVER_USED, change, make_request, now
from ric0_trio.conform.outcomes import FailedError
from ric0_trio.conform.registry import check
from ric0_trio.conform.site import Site

_NOT_JSON = ("", "{", "{}{}", '{"time": }', '{"a": 01}', "how are you?")
_NOT_BSON = (b"", b"\0", b"\x05\0\0\0", b"\x06\0\0\0\0", b"\xff\xff\xff\x7f\0", b"{}", bytes(5), b"\x05\0\0\0\1")
_DEEPEST = 32
_FAR_TOO_DEEP = 3000
_ASTRAL = "\U00010428"

_ENVELOPE_KEYS = {"time", "type", "name", "conversation", "status", "data"}
_VERSION_KEYS = {"type", "major", "minor", "patch", "vcs_id", "display"}
_APP_KEYS = {"name", "version", "capabilities", "extensions", "description"}
_INFO_KEYS = {"pubkey", "url", "name", "description"}


def _nest(depth: int) -> list[Any]:
    """Lists inside of each other, so many."""
    nested: list[Any] = []
    for _ in range(depth - 1):
        nested = [nested]
    return nested


@check("E1")
async def closes_at_what_is_not_well_formed(site: Site) -> None:
    request = make_request("challenge", challenge_data(), 0)
    text, whole = json.dumps(request), site.encoding.encode(request)
    if isinstance(whole, bytes):
        await close_each(site, 1007, [whole[:-1], text.encode(), *_NOT_BSON])
        return
    sloppy = (f"{text[:-1]},}}", text.replace('"', "'"), f"// a comment\n{text}", text.replace('"time"', "time"))
    more = (f"{text}{text}", f"{text} x", f"{text}\0", f'{text[:-1]}, "\t": 1}}')
    await close_each(site, 1007, [text[:-1], *sloppy, *more, *_NOT_JSON])


@check("E2")
async def counts_code_points(site: Site) -> None:
    await take_values(site, "user.name", _ASTRAL * 64)
    await refuse_values(site, "user.name", _ASTRAL * 65)
    peer = await site.connected()
    await peer.ask("disconnect", {"reason": "\U0001f600" * 513})
    await peer.expect_reply("invalid_message")
    await peer.ask("disconnect", {"reason": "\U0001f600" * 512})
    await peer.expect_reply("success")


@check("E3")
async def has_integers_without_fraction(site: Site) -> None:
    await refuse_values(site, "client_app.version.major", 2.5, -0.5)


@check("E4")
async def tells_integers_from_others(site: Site) -> None:
    for path in ("client_app.version.major", "client_app.version.patch"):
        await refuse_values(site, path, True, False, "2", [2])


@check("E6")
async def refuses_doubles_for_integers(site: Site) -> None:
    await refuse_values(site, "client_app.version.major", 2.0)
    await close_each(site, 1007, [make_request("challenge", challenge_data(), 2.0)])


@check("E7")
async def sends_integers(site: Site) -> None:
    peer = await site.challenged()
    offer = {"client_app.extensions": dict.fromkeys(EXTENSIONS, VERSIONS)}
    await peer.ask("connect", peer.connect_data(site.make_user(), offer), conversation=4294967294)
    reply = await peer.expect_reply("success")
    version = reply["data"]["server_app"]["version"]
    sent = {"conversation": reply["conversation"], **{key: version.get(key, 0) for key in ("major", "minor", "patch")}}
    for name, versions in reply["data"]["server_app"]["extensions"].items():
        sent |= {f"extensions.{name}": each for each in versions}
    for key, value in sent.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise FailedError(f"an integer for `{key}`", show_value(value))


@check("E8")
async def ignores_unknown_keys(site: Site) -> None:
    unknown = {NEVER_USED: {"a": [1, "b", None, 2.5, True]}}
    await take_challenges(site, unknown, {"data": challenge_data() | unknown})
    paths = ("", "client_app.", "client_app.version.", "user.", "user.pubkey.", "user.home_server.")
    await take_connects(site, *({f"{path}{NEVER_USED}": unknown} for path in paths))


@check("E10")
async def sends_known_keys_alone(site: Site) -> None:
    peer = await site.connected()
    await peer.ask("challenge", challenge_data())
    reply = await peer.expect_reply("success")
    _has_keys("the reply", reply, _ENVELOPE_KEYS)
    _has_keys("`data` of `challenge`", reply["data"], {"pubkey", "challenge_response"})
    _has_keys("`pubkey`", reply["data"]["pubkey"], {"key", "format"})
    peer = await site.challenged()
    data = await peer.connect(site.make_user())
    _has_keys("`data` of `connect`", data, {"server_app", "server_identity"})
    _has_keys("`server_app`", data["server_app"], _APP_KEYS)
    _has_keys("`server_app.version`", data["server_app"]["version"], _VERSION_KEYS)
    _has_keys("`server_identity`", data["server_identity"], _INFO_KEYS)


def _has_keys(what: str, plain: Plain, known: set[str]) -> None:
    if more := sorted(plain.keys() - known):
        raise FailedError(f"in {what} no other keys than {', '.join(sorted(known))}", show_value(more))


@check("E11")
async def takes_null_for_absent(site: Site) -> None:
    version = ("client_app.version.patch", "client_app.version.vcs_id", "client_app.version.display")
    token = ("join_token",) if site.target.join_token is None else ()
    for path in (*version, "client_app.description", "user.home_server_url", *token):
        await take_values(site, path, None)
    peer = await site.connected()
    await peer.ask("disconnect", {"reason": None})
    await peer.expect_reply("success")


@check("E12")
async def needs_more_than_null(site: Site) -> None:
    paths = (
        "client_app",
        "client_app.name",
        "client_app.version.major",
        "client_app.extensions",
        "client_app.capabilities",
    )
    for path in (*paths, "user", "user.name", "user.pubkey.key", "user.home_server", "challenge"):
        await refuse_values(site, path, None)


@check("E13")
async def has_no_null_in_lists(site: Site) -> None:
    changes = ({"client_app.capabilities": ["a", None]}, {"client_app.extensions": {NEVER_USED: [1, None]}})
    await refuse_connects(site, *changes)


@check("E14")
async def takes_the_last_of_duplicates(site: Site) -> None:
    peer = await site.open()
    for first, last, status in (("no time", now(), "success"), (now(), "no time", "invalid_message")):
        await peer.send_payload(_with_times(site, first, last), f"a `challenge` with `time` {first}, then {last}")
        peer.awaits("challenge", 0)
        await peer.expect_reply(status)


def _with_times(site: Site, first: str, last: str) -> str | bytes:
    """A challenge that has `time` twice."""
    payload = site.encoding.encode(make_request("challenge", challenge_data(), 0, time=last))
    if isinstance(payload, str):
        return f'{{"time": {json.dumps(first)}, {payload[1:]}'
    before = site.encoding.encode({"time": first})
    if not isinstance(before, bytes):
        raise TypeError("both are BSON")
    elements = before[4:-1] + payload[4:-1]
    return (len(elements) + 5).to_bytes(4, "little") + elements + b"\0"


@check("E15")
async def sends_no_duplicates(site: Site) -> None:
    peer = await site.challenged()
    payloads = [peer.payload]
    await peer.connect(site.make_user())
    payloads.append(peer.payload)
    for payload in payloads:
        if isinstance(payload, str):
            json.loads(payload, object_pairs_hook=_without_duplicates)
        elif len(site.encoding.encode(site.encoding.decode(payload))) != len(payload):
            raise FailedError("no duplicate keys", "a document that is shorter without them")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> Plain:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise FailedError("no duplicate keys", show_value(names))
    return dict(pairs)


@check("E16")
async def takes_deep_nesting(site: Site) -> None:
    inside = challenge_data() | {NEVER_USED: _nest(_DEEPEST - 2)}
    await take_challenges(site, {NEVER_USED: _nest(_DEEPEST - 1)}, {"data": inside})


@check("E17")
async def closes_at_too_deep_nesting(site: Site) -> None:
    good = make_request("challenge", challenge_data(), 0)
    await close_each(
        site, 1007, [{**good, NEVER_USED: _nest(_DEEPEST)}, change(good, {f"data.{NEVER_USED}": _nest(_DEEPEST)})]
    )
    if site.encoding.name == "json":
        text = json.dumps(good)
        deep = "[" * _FAR_TOO_DEEP + "]" * _FAR_TOO_DEEP
        await close_each(site, 1007, [f'{text[:-1]}, "{NEVER_USED}": {deep}}}', "[" * _FAR_TOO_DEEP])


@check("E18")
async def minds_no_order_of_keys(site: Site) -> None:
    peer = await site.challenged()
    site.needs_user()
    request = make_request("connect", _reverse(peer.connect_data(site.make_user())), 8)
    await peer.say(_reverse(request))
    peer.awaits("connect", 8)
    await peer.expect_reply("success")


def _reverse(plain: Any) -> Any:
    return {key: _reverse(plain[key]) for key in reversed(plain)} if isinstance(plain, dict) else plain
