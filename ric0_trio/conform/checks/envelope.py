"""Envelope: its keys, conversations, and bad requests."""

import json

import trio

from ric0_trio.conform.checks.attempts import (
    challenge_data,
    close_each,
    refuse_challenges,
    take_challenges,
)
from ric0_trio.conform.encodings import Plain
from ric0_trio.conform.evidence import show_value
from ric0_trio.conform.messages import NEVER_USED, OMIT, make_request, now
from ric0_trio.conform.outcomes import FailedError
from ric0_trio.conform.registry import check
from ric0_trio.conform.site import Site
from ric0_trio.conform.websocket import Ping

_MAX_ID = 4294967295
_MAX_EVEN_ID = 4294967294
_LONGEST_NAME = "n" * 64
_QUIET_S = 3.0


async def _reply(site: Site) -> Plain:
    peer = await site.open()
    await peer.ask("challenge", challenge_data())
    return await peer.expect_reply("success")


def _needs_type(reply: Plain, key: str, kind: type) -> None:
    value = reply.get(key)
    is_other_int = kind is int and isinstance(value, int) and not isinstance(value, bool)  # BSON has one of 64 bits
    if type(value) is not kind and not is_other_int:
        raise FailedError(f"a reply whose `{key}` is of the type {kind.__name__}", show_value(reply.get(key)))


@check("V1")
async def has_a_time(site: Site) -> None:
    _needs_type(await _reply(site), "time", str)
    await refuse_challenges(site, {"time": OMIT}, {"time": None}, {"time": 1767323045}, {"time": ""})


@check("V2")
async def has_a_type(site: Site) -> None:
    _needs_type(await _reply(site), "type", str)
    good = make_request("challenge", challenge_data(), 0)
    without = {key: value for key, value in good.items() if key != "type"}
    await close_each(site, 1007, [without, *({**good, "type": kind} for kind in ("event", "Request", 1, None))])


@check("V3")
async def has_a_name(site: Site) -> None:
    _needs_type(await _reply(site), "name", str)
    peer = await site.connected()
    for name in ("n", _LONGEST_NAME, "\U0001f600" * 64):
        await peer.ask(name, {})
        await peer.expect_reply("invalid_message")
        await peer.ask(name, {}, type="message")
    for nameless in (OMIT, "", f"{_LONGEST_NAME}n", 1):
        peer = await site.connected()
        await peer.ask("x", {}, type="message", name=nameless)
        await peer.expect_close(1007)


@check("V4")
async def has_data(site: Site) -> None:
    _needs_type(await _reply(site), "data", dict)
    peer = await site.connected()
    for data, status in ((None, "invalid_message"), ({}, "success")):
        await peer.ask("disconnect", data)
        _needs_type(await peer.expect_reply(status), "data", dict)
    await refuse_challenges(site, {"data": OMIT}, {"data": None}, {"data": []}, {"data": ""}, {"data": 1})


@check("V5")
async def has_a_conversation(site: Site) -> None:
    _needs_type(await _reply(site), "conversation", int)
    await take_challenges(site, {"conversation": 0}, {"conversation": 2147483648}, {"conversation": _MAX_EVEN_ID})
    await refuse_challenges(site, {"conversation": 1}, {"conversation": _MAX_ID})


@check("V6")
async def has_a_status(site: Site) -> None:
    _needs_type(await _reply(site), "status", str)
    for status in (OMIT, None, "", "s" * 65, 1):
        peer = await site.connected()
        await peer.ask("challenge", {}, type="reply", status=status)
        await peer.expect_close(1007)


@check("V7")
async def passes_over_keys_not_called_for(site: Site) -> None:
    peer = await site.connected()
    await peer.ask("x", {}, type="message", conversation="none", status=[])
    await peer.ask("challenge", challenge_data(), status={"success": False})
    await peer.expect_reply("success")


@check("V8")
async def keeps_no_record_of_conversations(site: Site) -> None:
    await take_challenges(site, {"conversation": 6}, {"conversation": 6}, {"conversation": 2})


@check("V9")
async def repeats_name_and_conversation(site: Site) -> None:
    await take_challenges(site, {"conversation": 2147483648})
    peer = await site.connected()
    for name, conversation in (("a", 0), ("challenge", _MAX_EVEN_ID), (NEVER_USED, 2147483648), ("ä \n", 65536)):
        await peer.ask(name, {}, conversation=conversation)
        await peer.expect_reply("invalid_message")


@check("V10")
async def answers_in_order(site: Site) -> None:
    peer = await site.open()
    for conversation in (8, 4):
        await peer.ask("challenge", challenge_data(), conversation=conversation)
    for conversation in (8, 4):
        await peer.expect_reply("success", conversation=conversation)
    await peer.expect_no_more()
    peer = await site.connected()
    asked = [("challenge", 88), (NEVER_USED, 4), ("connect", 90), ("challenge", 2), ("disconnect", 1000)]
    statuses = ["success", "invalid_message", "already_connected", "invalid_message", "success"]
    data = [challenge_data(), {}, peer.connect_data(site.make_user()), {}, {}]
    for (name, conversation), its_data in zip(asked, data, strict=True):
        await peer.ask(name, its_data, conversation=conversation)
    for (name, conversation), status in zip(asked, statuses, strict=True):
        await peer.expect_reply(status, name=name, conversation=conversation)


@check("V11", waits_s=_QUIET_S)
async def sends_replies_alone(site: Site) -> None:
    peer = await site.connected()
    with trio.move_on_after(_QUIET_S):
        while isinstance(came := await peer.next_event("nothing", _QUIET_S + 1), Ping):
            continue
        raise FailedError("nothing unasked from the server", peer.tell(came))


@check("V12")
async def can_use_conversation_ids(site: Site) -> None:
    await refuse_challenges(site, *({"conversation": number, "time": OMIT} for number in (0, 1, 2, _MAX_ID)))
    ids = (-1, -2, _MAX_ID + 1, "2", None, True, 2.5, [2])
    good = make_request("challenge", challenge_data(), OMIT)
    await close_each(site, 1007, [good, *({**good, "conversation": number} for number in ids)])


@check("V13")
async def answers_bad_requests(site: Site) -> None:
    await refuse_challenges(site, {"conversation": 3}, {"time": "yesterday"}, {"data": {}}, {"data": {"challenge": 1}})
    peer = await site.challenged()
    await peer.ask("connect", {"user": "me"})
    await peer.expect_reply("invalid_message")


@check("V14")
async def repeats_names_of_bad_requests(site: Site) -> None:
    await refuse_challenges(site, {"conversation": 7})
    peer = await site.connected()
    for name in (_LONGEST_NAME, "challenge", "ü"):
        await peer.ask(name, {}, time=OMIT)
        await peer.expect_reply("invalid_message")


@check("V15")
async def has_no_name_to_repeat(site: Site) -> None:
    peer = await site.connected()
    for name in (OMIT, None, "", f"{_LONGEST_NAME}n", 5, ["challenge"]):
        conversation = await peer.ask("x", {}, name=name)
        await peer.expect_reply("invalid_message", name="", conversation=conversation)
    peer = await site.challenged()
    await peer.ask("x", {}, name=OMIT)
    await peer.expect_no_more()


@check("V16")
async def closes_at_what_is_no_envelope(site: Site) -> None:
    message = {"time": now(), "type": "message", "name": "x", "data": {}}
    reply = {**message, "type": "reply", "conversation": 0, "status": "success"}
    bad: list[str | bytes | Plain] = [
        {},
        {"type": "request"},
        {**message, "time": "now"},
        {**message, "data": []},
        {**reply, "conversation": -2},
    ]
    good = json.dumps(make_request("challenge", challenge_data(), 0))
    texts = ["[]", '"request"', "1", "null", f"[{good}]", json.dumps(good)] if site.encoding.name == "json" else []
    await close_each(site, 1007, [*bad, *texts])
