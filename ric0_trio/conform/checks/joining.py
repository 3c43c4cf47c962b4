"""Messages: the order of the checks of `connect`, and what `disconnect` leaves."""

import base64

from ric0_trio.conform.checks.attempts import NO_STRINGS, challenge_data
from ric0_trio.conform.encodings import Plain
from ric0_trio.conform.evidence import show_value
from ric0_trio.conform.messages import make_nonce
from ric0_trio.conform.outcomes import FailedError
from ric0_trio.conform.people import FORMATS, UNKNOWN_KEY, to_base64
from ric0_trio.conform.registry import Variants, check
from ric0_trio.conform.site import Site

_MAX_REASON_CHARS = 512
_WRONG = to_base64(bytes(64))


@check("M23")
async def looks_at_the_data_first(site: Site) -> None:
    bad: tuple[Plain, ...] = ({"user.name": ""}, {"user.pubkey.key": "?"}, {"client_app.version": {}})
    peer = await site.connected()
    for changes in bad:
        await peer.connect(site.make_user(), "invalid_message", changes=changes)
    data = peer.connect_data(site.make_user(), bad[0])
    peer = await site.open()
    await peer.ask("connect", data)
    await peer.expect_reply("invalid_message")


@check("M24")
async def looks_whether_someone_is_connected_next(site: Site) -> None:
    peer = await site.connected()
    for changes in ({"user.pubkey": UNKNOWN_KEY}, {"user.pubkey": peer.server_key}, {"challenge": "?"}):
        await peer.connect(site.make_user(), "already_connected", changes=changes)


@check("M25")
async def looks_whether_it_was_challenged_next(site: Site) -> None:
    challenged = await site.challenged()
    user = site.make_user()
    good = challenged.connect_data(user)
    peer = await site.open()
    await peer.ask("challenge", {"challenge": "?"})
    await peer.expect_reply("invalid_challenge")
    for key in (user.pubkey, UNKNOWN_KEY, challenged.server_key):
        await peer.ask("connect", {**good, "user": {**good["user"], "pubkey": key}})
        await peer.expect_reply("invalid_challenge")


@check("M26")
async def looks_at_the_format_next(site: Site) -> None:
    peer = await site.challenged()
    for proof in ("?", _WRONG):
        changes = {"user.pubkey": UNKNOWN_KEY, "challenge": proof}
        await peer.connect(site.make_user(), "disallowed_user", changes=changes)


@check("M27")
async def refuses_its_own_key(site: Site) -> None:
    peer = await site.challenged()
    for proof in ("?", _WRONG):
        changes = {"user.pubkey": peer.server_key, "challenge": proof}
        await peer.connect(site.make_user(), "disallowed_user", changes=changes)


@check("M28", Variants.KEYS)
async def verifies_proofs(site: Site) -> None:
    site.skip_if_refused(site.variant.user_format)
    nonce = make_nonce()
    peer = await site.open()
    await peer.challenge(nonce)
    user, server_key = site.make_user(), base64.b64decode(peer.server_key["key"])
    good = user.prove(peer.server_key)
    raw = base64.b64decode(good)
    flipped = bytes([raw[0] ^ 1]) + raw[1:]
    others = (user.key.sign(nonce), user.key.sign(peer.server_key["key"].encode()), user.key.sign(server_key + b"\0"))
    for proof in (*map(to_base64, (flipped, *others)), f"{good}\n", ""):
        await peer.connect(user, "invalid_challenge", changes={"challenge": proof})
    await peer.connect(user)


@check("M34")
async def bounds_reasons(site: Site) -> None:
    peer = await site.connected()
    for reason in ("r" * (_MAX_REASON_CHARS + 1), *NO_STRINGS):
        await peer.ask("disconnect", {"reason": reason})
        await peer.expect_reply("invalid_message")
    await peer.ask("disconnect", {"reason": "r" * _MAX_REASON_CHARS})
    await peer.expect_reply("success")


@check("M35")
async def lets_users_leave(site: Site) -> None:
    peer = await site.connected()
    data = await peer.disconnect()
    if data:
        raise FailedError("empty `data`", show_value(data))
    await peer.connect(site.make_user(), "disallowed_user", changes={"user.pubkey": UNKNOWN_KEY})


@check("M36")
async def lets_users_leave_once(site: Site) -> None:
    peer = await site.disconnected()
    await peer.disconnect("not_connected")


@check("M37")
async def stays_open_for_another_connect(site: Site) -> None:
    user = site.make_user()
    peer = await site.connected(user)
    await peer.disconnect()
    await peer.disconnect("not_connected")
    await peer.connect(user)
    await peer.ask("challenge", challenge_data())
    await peer.expect_reply("success")


@check("M38")
async def takes_another_user(site: Site) -> None:
    peer = await site.connected()
    for key_format in FORMATS:
        if site.target.admissions.get(key_format) is None:
            await peer.disconnect()
            await peer.connect(site.target.make_user(key_format))


@check("M39")
async def remembers_the_challenge(site: Site) -> None:
    peer = await site.disconnected()
    await peer.connect(site.make_user())


@check("M40", Variants.KEYS)
async def lets_users_close(site: Site) -> None:
    user = site.make_user()
    site.skip_if_refused(site.variant.user_format)
    for _ in range(3):
        peer = await site.challenged()
        await peer.connect(user)
        await peer.send_close()
        await peer.expect_close(1000)
