"""Messages: the statuses, and what a refusal says besides."""

from typing import Any

from ric0_trio.conform.encodings import Plain
from ric0_trio.conform.evidence import show_value
from ric0_trio.conform.messages import NEVER_USED
from ric0_trio.conform.outcomes import FailedError
from ric0_trio.conform.people import UNKNOWN_KEY, to_base64
from ric0_trio.conform.registry import Variants, check
from ric0_trio.conform.site import Site

_MAX_REASON_CHARS = 512


@check("M1", Variants.KEYS)
async def succeeds(site: Site) -> None:
    site.skip_if_refused(site.variant.user_format)
    peer = await site.open()
    await peer.challenge()
    await peer.connect(site.make_user())
    await peer.disconnect()


@check("M2")
async def says_that_requests_are_bad(site: Site) -> None:
    peer = await site.open()
    await peer.ask("challenge", {})
    await peer.expect_reply("invalid_message")
    await peer.challenge()
    await peer.ask("connect", {})
    await peer.expect_reply("invalid_message")
    peer = await site.connected()
    for name, data in ((NEVER_USED, {}), ("disconnect", {"reason": 1})):
        await peer.ask(name, data)
        await peer.expect_reply("invalid_message")


@check("M3")
async def says_that_challenges_are_wrong(site: Site) -> None:
    peer = await site.challenged()
    data = peer.connect_data(site.make_user(), {"challenge": to_base64(bytes(64))})
    await peer.ask("connect", data)
    await peer.expect_reply("invalid_challenge")
    peer = await site.open()
    await peer.ask("challenge", {"challenge": "?"})
    await peer.expect_reply("invalid_challenge")
    await peer.ask("connect", data)
    await peer.expect_reply("invalid_challenge")


@check("M4", Variants.KEYS)
async def says_that_a_user_is_connected(site: Site) -> None:
    user = site.make_user()
    peer = await site.connected(user)
    await peer.connect(user, "already_connected")
    await peer.connect(site.make_user(), "already_connected")


@check("M5")
async def says_that_nobody_is_connected(site: Site) -> None:
    peer = await site.disconnected()
    await peer.disconnect("not_connected")
    await peer.disconnect("not_connected")


@check("M6")
async def says_that_a_user_is_not_wanted(site: Site) -> None:
    peer = await site.challenged()
    await peer.connect(site.make_user(), "disallowed_user", changes={"user.pubkey": UNKNOWN_KEY})


async def _refusals(site: Site) -> list[Plain]:
    """Refused requests of every kind that does not take an operator's hand."""
    peer = await site.challenged()
    user = site.make_user()
    asked: list[tuple[str, Any, str]] = [
        ("challenge", {}, "invalid_message"),
        ("challenge", {"challenge": "?"}, "invalid_challenge"),
        ("connect", {}, "invalid_message"),
        ("connect", peer.connect_data(user, {"challenge": to_base64(bytes(64))}), "invalid_challenge"),
        ("connect", peer.connect_data(user, {"user.pubkey": UNKNOWN_KEY}), "disallowed_user"),
    ]
    replies = []
    for name, data, status in asked:
        await peer.ask(name, data)
        replies.append(await peer.expect_reply(status))
    return replies


@check("M7")
async def has_no_data_in_refusals(site: Site) -> None:
    replies = await _refusals(site)
    if site.target.admissions.get(site.variant.user_format) is None:
        peer = await site.connected()
        for name, data, status in (
            ("connect", peer.connect_data(site.make_user()), "already_connected"),
            ("x", {}, "invalid_message"),
        ):
            await peer.ask(name, data)
            replies.append(await peer.expect_reply(status))
    for reply in replies:
        reasons = {"disallowed_user_reason"} if reply["status"] == "disallowed_user" else set()
        if not isinstance(reply.get("data"), dict) or reply["data"].keys() - reasons:
            raise FailedError(f"no data with {reply['status']}", show_value(reply.get("data")))


async def _reason_fits(site: Site, key: str, with_status: str) -> None:
    for reply in await _refusals(site):
        reason = reply.get("data", {}).get(key)
        if reason is not None and reply["status"] != with_status:
            raise FailedError(f"`{key}` with `{with_status}` alone", f"with `{reply['status']}`")
        if reason is not None and not (isinstance(reason, str) and len(reason) <= _MAX_REASON_CHARS):
            raise FailedError(f"`{key}` to be a string of at most {_MAX_REASON_CHARS} characters", show_value(reason))


@check("M8")
async def gives_reasons_for_refusing_clients(site: Site) -> None:
    await _reason_fits(site, "disallowed_client_reason", "disallowed_client")


@check("M9")
async def gives_reasons_for_refusing_users(site: Site) -> None:
    await _reason_fits(site, "disallowed_user_reason", "disallowed_user")
