"""Budgets: how many messages, and how large."""

import math

import trio

from ric0_trio.conform.checks.attempts import CHALLENGES, challenge_data
from ric0_trio.conform.frames import make_message
from ric0_trio.conform.messages import NEVER_USED, OMIT, make_request
from ric0_trio.conform.outcomes import FailedError
from ric0_trio.conform.peer import Peer
from ric0_trio.conform.registry import check
from ric0_trio.conform.site import Site
from ric0_trio.conform.websocket import Closed

_MESSAGES_BEFORE_AUTH = 8
_BURST = 40
_PER_S = 20
_FLOOD = 120
_MAX_BYTES_BEFORE_AUTH = 16_384
_MAX_BYTES = 65_536
_EVEN_S = 5.0


async def _bad_challenges(peer: Peer, number: int) -> None:
    """Send so many requests that are answered with `invalid_message`."""
    for _ in range(number):
        await peer.ask("challenge", challenge_data(), time=OMIT)
        await peer.expect_reply("invalid_message")


@check("B2")
async def bounds_messages_before_a_user(site: Site) -> None:
    peer = await site.open()
    await _bad_challenges(peer, _MESSAGES_BEFORE_AUTH)
    await peer.ask("challenge", challenge_data())
    await peer.expect_close(1008)
    peer = await site.disconnected()
    await _bad_challenges(peer, _MESSAGES_BEFORE_AUTH)
    await peer.ask("challenge", challenge_data())
    await peer.expect_close(1008)


@check("B3")
async def bounds_challenges(site: Site) -> None:
    peer = await site.open()
    for _ in range(CHALLENGES):
        await peer.challenge()
    await peer.ask("challenge", challenge_data())
    await peer.expect_close(1008)
    peer = await site.connected()
    await peer.challenge()
    await peer.disconnect()
    for _ in range(CHALLENGES - 2):
        await peer.challenge()
    await peer.ask("challenge", challenge_data())
    await peer.expect_close(1008)


async def _burst(peer: Peer, number: int, first: int) -> None:
    """Send so many requests at once, of conversations from `first` on."""
    requests = [make_request(NEVER_USED, {}, first + 2 * each) for each in range(number)]
    await peer.send_raw(b"".join(make_message(peer.encoding.encode(one)) for one in requests), f"{number} requests")


async def _expect_replies(peer: Peer, number: int, first: int) -> None:
    for each in range(number):
        await peer.expect_reply("invalid_message", name=NEVER_USED, conversation=first + 2 * each)


async def _count_replies(peer: Peer, most: int) -> int:
    """How many messages come until the server closes with 1008."""
    for number in range(most + 1):
        came = await peer.receive("replies, and then Close 1008")
        if isinstance(came, Closed):
            if came.code != 1008:
                raise FailedError("Close 1008", str(came))
            return number
    raise FailedError(f"Close 1008 before {most} messages at once are answered", "a reply to each")


@check("B4", waits_s=3)
async def bounds_messages_a_second(site: Site) -> None:
    peer = await site.connected()
    begun = trio.current_time()
    await _burst(peer, _BURST, 1000)
    await _expect_replies(peer, _BURST, 1000)
    await trio.sleep(1.1)
    await _burst(peer, _FLOOD, 2000)
    replies = await _count_replies(peer, _FLOOD - 1)
    most = math.ceil((trio.current_time() - begun) * _PER_S) + 2
    if not _PER_S <= replies <= most:
        raise FailedError(f"{_PER_S} to {most} more replies after {_BURST} at once and 1.1 s", f"{replies}")


@check("B5", waits_s=3)
async def bounds_messages_at_once(site: Site) -> None:
    peer = await site.connected()
    await _burst(peer, _BURST, 1000)
    await _expect_replies(peer, _BURST, 1000)
    peer = await site.connected()
    await _burst(peer, _BURST - 1, 1000)
    await _expect_replies(peer, _BURST - 1, 1000)
    await trio.sleep(0.2)  # one more has to be allowed by then, for what follows
    await peer.disconnect()
    await peer.connect(site.make_user())
    await _burst(peer, _FLOOD, 2000)
    replies = await _count_replies(peer, _FLOOD - 1)
    if replies >= _BURST:
        raise FailedError(
            f"fewer than {_BURST} replies, as most of the burst was spent before `disconnect`", f"{replies}"
        )


def _fill(site: Site, size: int) -> str | bytes:
    """A challenge of so many bytes."""
    bare = make_request("challenge", challenge_data(), 0, **{NEVER_USED: ""})
    missing = size - len(site.encoding.encode(bare))
    return site.encoding.encode({**bare, NEVER_USED: "x" * missing})


async def _takes_size(peer: Peer, site: Site, size: int) -> None:
    await peer.send_payload(_fill(site, size), f"a `challenge` of {size} bytes")
    peer.awaits("challenge", 0)
    await peer.expect_reply("success")


async def _refuses_size(peer: Peer, site: Site, size: int) -> None:
    await peer.send_payload(_fill(site, size), f"a `challenge` of {size} bytes")
    await peer.expect_close(1009)


@check("B6")
async def bounds_sizes_before_a_user(site: Site) -> None:
    await _takes_size(await site.open(), site, _MAX_BYTES_BEFORE_AUTH)
    await _refuses_size(await site.open(), site, _MAX_BYTES_BEFORE_AUTH + 1)
    await _refuses_size(await site.challenged(), site, _MAX_BYTES_BEFORE_AUTH + 1)
    await _refuses_size(await site.disconnected(), site, _MAX_BYTES_BEFORE_AUTH + 1)


@check("B7")
async def bounds_sizes_of_a_user(site: Site) -> None:
    peer = await site.connected()
    await _takes_size(peer, site, _MAX_BYTES)
    await _refuses_size(peer, site, _MAX_BYTES + 1)


@check("B9")
async def counts_challenges_that_are_refused(site: Site) -> None:
    peer = await site.open()
    for _ in range(CHALLENGES - 1):
        await peer.ask("challenge", {"challenge": "?"})
        await peer.expect_reply("invalid_challenge")
    await peer.challenge()
    await peer.ask("challenge", challenge_data())
    await peer.expect_close(1008)


@check("B10")
async def counts_bad_requests_as_messages_alone(site: Site) -> None:
    peer = await site.open()
    await _bad_challenges(peer, CHALLENGES + 1)
    for _ in range(CHALLENGES):
        await peer.challenge()


@check("B11", waits_s=_EVEN_S)
async def lets_even_senders_be(site: Site) -> None:
    peer = await site.connected()
    begun, number = trio.current_time(), 0
    while trio.current_time() - begun < _EVEN_S:
        number += 1
        await trio.sleep_until(begun + number / _PER_S)
        await peer.ask(NEVER_USED, {})
        await peer.expect_reply("invalid_message")
