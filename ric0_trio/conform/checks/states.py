"""States: each cell of the table, from reaching its state to what can be seen of the next.

What is expected is read from the cell's own text, so the table of docs/protocol.md is what is checked.
"""

import re
from collections.abc import Awaitable, Callable
from enum import StrEnum
from functools import partial
from typing import Final

import trio

from ric0_trio.conform.checks.attempts import CHALLENGES, challenge_data, close_or_answer
from ric0_trio.conform.encodings import Plain
from ric0_trio.conform.frames import make_message
from ric0_trio.conform.messages import NEVER_USED, OMIT, make_request
from ric0_trio.conform.outcomes import FailedError, NotRunError
from ric0_trio.conform.peer import Peer
from ric0_trio.conform.people import UNKNOWN_KEY, to_base64
from ric0_trio.conform.registry import Variants, check
from ric0_trio.conform.rules import Rule, load_rules
from ric0_trio.conform.site import Site
from ric0_trio.conform.websocket import Closed

_AUTH_S: Final = 10.0
_SLACK_S: Final = 4.0
_FLOOD: Final = 120
_TOO_LARGE_BEFORE_AUTH: Final = 16_385
_TOO_LARGE: Final = 65_537
_WRONG_PROOF: Final = to_base64(bytes(64))


class State(StrEnum):
    """Where a connection is."""

    OPEN = "OPEN"
    CHALLENGED = "CHALLENGED"
    CONNECTED = "CONNECTED"
    DISCONNECTED = "DISCONNECTED"


async def _reach(site: Site, state: State) -> Peer:
    if state is State.OPEN:
        peer = await site.open()
        peer.server_key = await _find_server_key(site)
        return peer
    ways = {
        State.CHALLENGED: site.challenged,
        State.CONNECTED: site.connected,
        State.DISCONNECTED: site.disconnected,
    }
    return await ways[state]()


async def _find_server_key(site: Site) -> Plain:
    """Learn the server's key on another connection; some key must do, where that fails: it is not what is checked."""
    try:
        return (await site.challenged()).server_key
    except NotRunError:
        return site.make_user().pubkey


async def _is_in(peer: Peer, site: Site, state: State) -> None:
    """See that the connection is in that state, by what is answered to a user whom no server can verify."""
    expected = {State.OPEN: "invalid_challenge", State.CONNECTED: "already_connected"}
    try:
        await _ask_to_join(peer, site, {"user.pubkey": UNKNOWN_KEY})
        await peer.expect_reply(expected.get(state, "disallowed_user"))
        if state is State.DISCONNECTED:
            await peer.ask("disconnect", {})
            await peer.expect_reply("not_connected")
    except FailedError as error:
        shows = f"a second request, which shows the state: {state} was expected"
        raise FailedError(f"{error.expected} ({shows})", error.came) from None


# What is done in each row


async def _ask_to_join(peer: Peer, site: Site, changes: Plain) -> None:
    await peer.ask("connect", peer.connect_data(site.make_user(), changes))


async def _spend_challenges(peer: Peer, site: Site, state: State) -> None:
    for _ in range(CHALLENGES - (state is not State.OPEN)):
        await peer.ask("challenge", {"challenge": "?"})
        await peer.expect_reply("invalid_challenge")
    await peer.ask("challenge", challenge_data())


async def _join(changes: Plain, peer: Peer, site: Site, state: State) -> None:
    await _ask_to_join(peer, site, changes)


async def _join_with_the_servers_key(peer: Peer, site: Site, state: State) -> None:
    await _ask_to_join(peer, site, {"user.pubkey": peer.server_key})


async def _send(name: str, data: Plain, changes: Plain, peer: Peer, site: Site, state: State) -> None:
    await peer.ask(name, data, **changes)


async def _send_challenge(peer: Peer, site: Site, state: State) -> None:
    await peer.ask("challenge", challenge_data())


async def _send_the_other_kind(peer: Peer, site: Site, state: State) -> None:
    await peer.send_payload(b"{}" if site.encoding.payload_type is str else "{}")


async def _send_too_much(peer: Peer, site: Site, state: State) -> None:
    size = _TOO_LARGE if state is State.CONNECTED else _TOO_LARGE_BEFORE_AUTH
    await peer.send_payload("x" * size if site.encoding.payload_type is str else bytes(size), f"{size} bytes")


async def _send_too_many(peer: Peer, site: Site, state: State) -> None:
    """Send more than any budget allows, and pass over the replies to those within it."""
    request = make_request("challenge", {}, 0, time=OMIT)
    await peer.send_raw(_FLOOD * make_message(site.encoding.encode(request)), f"{_FLOOD} bad `challenge` requests")
    for _ in range(_FLOOD - 1):
        came = await peer.receive("replies, and then Close 1008")
        if isinstance(came, Closed):
            peer.give_back(came)
            return
    raise FailedError("Close 1008", f"replies to {_FLOOD - 1} messages at once")


async def _wait(peer: Peer, site: Site, state: State) -> None:
    if state is State.CONNECTED:
        await trio.sleep(_AUTH_S + _SLACK_S / 2)


async def _close(peer: Peer, site: Site, state: State) -> None:
    await peer.send_close()


_Deed = Callable[[Peer, Site, State], Awaitable[None]]

_DEEDS: Final[dict[str, _Deed]] = {
    "`challenge` request, the budget of challenges is spent": _spend_challenges,
    "`challenge` request, the challenge is none that may be signed": partial(
        _send, "challenge", {"challenge": "?"}, {}
    ),
    "`challenge` request, it is signed": _send_challenge,
    "bad `challenge` request": partial(_send, "challenge", {}, {}),
    "`connect` request, the format of the user's key is not accepted": partial(_join, {"user.pubkey": UNKNOWN_KEY}),
    "`connect` request, the user's key is the server's": _join_with_the_servers_key,
    "`connect` request, the proof is no strict base64": partial(_join, {"challenge": "?"}),
    "`connect` request, the proof does not verify": partial(_join, {"challenge": _WRONG_PROOF}),
    "`connect` request, the user is admitted": partial(_join, {}),
    "bad `connect` request": partial(_join, {"user.name": ""}),
    "`disconnect` request": partial(_send, "disconnect", {}, {}),
    "bad `disconnect` request": partial(_send, "disconnect", {"reason": 1}, {}),
    "another request": partial(_send, NEVER_USED, {}, {}),
    "another bad request": partial(_send, NEVER_USED, {}, {"time": OMIT}),
    "a `message`": partial(_send, NEVER_USED, {}, {"type": "message", "conversation": OMIT}),
    "a `reply`": partial(_send, NEVER_USED, {}, {"type": "reply", "status": "success"}),
    "anything else that is no valid envelope": partial(_send, "challenge", {}, {"type": "event"}),
    "text where binary is due, or the reverse": _send_the_other_kind,
    "a message over the size limit": _send_too_much,
    "a message past a budget": _send_too_many,
    "the deadline to authenticate passes": _wait,
    "the client closes, or is gone": _close,
}
"""By what stands in a row under "received" and "when"."""


async def _check_cell(state: State, deed: _Deed, cell: str, site: Site) -> None:
    if "→ CONNECTED" in cell:
        site.skip_if_refused(site.variant.user_format)
    peer = await _reach(site, state)
    await deed(peer, site, state)
    if cell == "→ CLOSED":
        await peer.expect_close(1000)
        return
    if code := re.fullmatch(r"close (\d+)", cell):
        await peer.expect_close(int(code[1]), within_s=_AUTH_S + _SLACK_S)
        return
    if cell.startswith("ignore"):
        await _is_ignored(peer, site, state, may_close="SHOULD close" in cell)
        return
    said = re.fullmatch(r"`(\w+)`(?: → (\w+))?", cell)
    if said is None:
        raise ValueError(f"a cell that the kit cannot read: {cell}")
    await peer.expect_reply(said[1])
    await _is_in(peer, site, State(said[2] or state))


async def _is_ignored(peer: Peer, site: Site, state: State, *, may_close: bool) -> None:
    """See that there is no reply, and no effect: the next reply is to the next request, or the server closes."""
    if not may_close:
        await _is_in(peer, site, state)
        return
    await _ask_to_join(peer, site, {"user.pubkey": UNKNOWN_KEY})
    await close_or_answer(peer, "invalid_challenge" if state is State.OPEN else "disallowed_user")


def _register(rule: Rule) -> None:
    state = State(rule.id.partition("-")[2])
    given, _, cell = rule.text.removeprefix(f"in {state}, ").rpartition(": ")
    waits_s = _AUTH_S if "deadline" in given else 0.0
    check(rule.id, Variants.ENCODINGS, waits_s=waits_s)(partial(_check_cell, state, _DEEDS[given], cell))


for _rule in load_rules().values():
    if _rule.section == "States" and "-" in _rule.id:
        _register(_rule)


@check("S0")
async def closes_at_once(site: Site) -> None:
    is_let_in = site.target.admissions.get(site.variant.user_format) is None
    for given in ("`disconnect` request", "another request", "another bad request", "a `message`", "a `reply`"):
        for state in (State.OPEN, State.CHALLENGED, State.DISCONNECTED):
            if state is State.DISCONNECTED and (given == "`disconnect` request" or not is_let_in):
                continue
            peer = await _reach(site, state)
            await _DEEDS[given](peer, site, state)
            await peer.expect_close(1008)
