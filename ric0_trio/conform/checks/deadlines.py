"""Budgets and deadlines: those that pass with nobody doing anything."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial

import trio

from ric0_trio.conform.checks.attempts import challenge_data
from ric0_trio.conform.checks.timing import LATE_S, Stopwatch, all_at_once
from ric0_trio.conform.encodings import Plain
from ric0_trio.conform.frames import make_frame
from ric0_trio.conform.messages import OMIT
from ric0_trio.conform.outcomes import FailedError
from ric0_trio.conform.peer import Peer
from ric0_trio.conform.people import UNKNOWN_KEY, to_base64
from ric0_trio.conform.registry import Variants, check
from ric0_trio.conform.site import Site
from ric0_trio.conform.websocket import Closed, Ping

_AUTH_S = 10.0
_OPENING_S = 10.0
_PING_AFTER_S = 25.0
_PONG_WITHIN_S = 10.0
_CLOSE_BEFORE_AUTH_S = 0.5
_CLOSE_S = 5.0
_HEAD_BYTES = 8 * 1024


async def _times_out(peer: Peer, watch: Stopwatch) -> None:
    await peer.expect_close(1008, within_s=_AUTH_S + 2 * LATE_S)
    watch.expect("Close 1008", _AUTH_S)


@check("B1", waits_s=_AUTH_S)
async def bounds_the_time_to_authenticate(site: Site) -> None:
    async def after_disconnect() -> None:
        peer = await site.connected()
        await trio.sleep(1.5)
        watch = Stopwatch()
        await peer.disconnect()
        await _times_out(peer, watch)

    opened, challenged = await site.open(), await site.challenged()
    waits = [partial(_times_out, peer, Stopwatch(peer.opened_at)) for peer in (opened, challenged)]
    is_let_in = site.target.admissions.get(site.variant.user_format) is None
    await all_at_once(*waits, *([after_disconnect] if is_let_in else []))


@check("B8", waits_s=_AUTH_S)
async def gives_talkers_no_more_time(site: Site) -> None:
    async def ask_badly(peer: Peer) -> None:
        await peer.ask("challenge", challenge_data(), time=OMIT)
        await peer.expect_reply("invalid_message")

    async def join_badly(changes: Plain, peer: Peer) -> None:
        await peer.connect(site.make_user(), "disallowed_user", "invalid_challenge", changes=changes)

    async def talk(peer: Peer, deeds: Sequence[Callable[[Peer], Awaitable[None]]]) -> None:
        for number, deed in enumerate(deeds):
            await deed(peer)
            if number % 2:  # a ping each time, with pongs for the server's own, could be too many
                await peer.send_ping()
            await trio.sleep(9 / len(deeds))
        await _times_out(peer, Stopwatch(peer.opened_at))

    refusals = [
        partial(join_badly, {"user.pubkey": UNKNOWN_KEY}),
        partial(join_badly, {"challenge": to_base64(bytes(64))}),
    ]
    opened, challenged = await site.open(), await site.challenged()
    await all_at_once(partial(talk, opened, 6 * [ask_badly]), partial(talk, challenged, 3 * refusals))


@check("B12", Variants.ONCE, waits_s=_OPENING_S)
async def bounds_the_time_to_open(site: Site) -> None:
    async def dawdle(data: bytes, *, is_plain: bool) -> None:
        stream = await site.dial(is_plain=is_plain)
        watch = Stopwatch()
        await stream.send_all(data)
        with trio.move_on_after(_OPENING_S + 2 * LATE_S), suppress(trio.BrokenResourceError):
            while await stream.receive_some():
                continue
        watch.expect(f"the end of a connection that sent {data[:16]!r} and no more", _OPENING_S)

    half = site.head()[:60]
    await all_at_once(partial(dawdle, half, is_plain=False), partial(dawdle, b"", is_plain=True))


@check("B13", Variants.ONCE)
async def bounds_the_head(site: Site) -> None:
    missing = _HEAD_BYTES - len(site.head(changes={"X-Filler": ""}))
    await site.open_with(site.head(changes={"X-Filler": "x" * missing}))
    site.expect_status(await site.ask_http(site.head(changes={"X-Filler": "x" * (missing + 1024)})), 431)


@check("B14", Variants.ONCE, waits_s=_PING_AFTER_S)
async def pings_the_silent(site: Site) -> None:
    peer = await site.connected()
    watch = Stopwatch()
    came = await peer.next_event("a ping", _PING_AFTER_S + 2 * LATE_S)
    if not isinstance(came, Ping):
        raise FailedError("a ping", peer.tell(came))
    watch.expect_within("a ping", _PING_AFTER_S + LATE_S)
    await peer.send_raw(make_frame(0xA, came.payload), "a pong")
    await peer.ask("x", {})
    await peer.expect_reply("invalid_message")


@check("B15", Variants.ONCE, waits_s=_PING_AFTER_S + _PONG_WITHIN_S)
async def closes_on_the_dead(site: Site) -> None:
    peer = await site.connected()
    watch = Stopwatch()
    last = trio.current_time() + _PING_AFTER_S + _PONG_WITHIN_S + 2 * LATE_S
    event = await peer.next_event("a ping", _PING_AFTER_S + 2 * LATE_S)
    pinged = Stopwatch()
    while isinstance(event, Ping):  # it may ask more than once
        event = await peer.next_event("Close 1008", last - trio.current_time())
    if not isinstance(event, Closed) or event.code != 1008:
        raise FailedError("Close 1008", peer.tell(event))
    pinged.expect_no_sooner("Close 1008", _PONG_WITHIN_S)
    watch.expect_within("Close 1008", _PING_AFTER_S + _PONG_WITHIN_S + LATE_S)


async def _cuts_off(peer: Peer, seconds: float) -> None:
    """See that TCP ends although the server's Close is not answered."""
    peer.answers_close = False
    await peer.send_payload(b"" if peer.encoding.payload_type is str else "")
    await peer.expect_close(1003)
    watch = Stopwatch()
    await peer.expect_end(seconds + 2 * LATE_S)
    watch.expect_within("the end of TCP", seconds + LATE_S)


@check("B16", Variants.ONCE, waits_s=_CLOSE_BEFORE_AUTH_S)
async def cuts_strangers_off(site: Site) -> None:
    await _cuts_off(await site.open(), _CLOSE_BEFORE_AUTH_S)


@check("B17", Variants.ONCE, waits_s=_CLOSE_S)
async def cuts_users_off(site: Site) -> None:
    await _cuts_off(await site.connected(), _CLOSE_S)
