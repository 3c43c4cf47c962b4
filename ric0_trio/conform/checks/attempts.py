"""The same request over and over, a little changed each time: what is taken, and what is refused."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from ric0_trio.conform.encodings import Plain
from ric0_trio.conform.evidence import show_value
from ric0_trio.conform.messages import make_nonce
from ric0_trio.conform.outcomes import FailedError
from ric0_trio.conform.peer import Peer
from ric0_trio.conform.people import proof_problem, to_base64
from ric0_trio.conform.site import Site
from ric0_trio.conform.websocket import Closed

CHALLENGES: Final = 3
"""How many a connection may have."""

_BAD_REQUESTS: Final = 6
"""How many are sent on one connection: within its budget, with what comes before them."""

_SHOWN_CHARS: Final = 80

NO_STRINGS: Final[tuple[Any, ...]] = (1, True, ["a"], {})
NO_OBJECTS: Final[tuple[Any, ...]] = ("a", 1, [], True)

_T = TypeVar("_T")


def challenge_data(challenge: bytes | None = None) -> Plain:
    """The data of a `challenge`, a good one by default."""
    return {"challenge": to_base64(make_nonce() if challenge is None else challenge)}


async def prove_server(peer: Peer, key_format: str | None = None) -> None:
    """See that the server signs a challenge with the key that it shows, if that is of this format."""
    nonce = make_nonce()
    data = await peer.challenge(nonce)
    if key_format in (None, peer.server_key.get("format")) and (problem := proof_problem(data, nonce)):
        raise FailedError("a signature over the decoded challenge, by the key that the server shows", problem)


async def take_challenges(site: Site, *changes: Mapping[str, Any]) -> None:
    """See that a `challenge` is answered with `success` with each of these changes to its envelope."""
    for some in _in_parts(changes, CHALLENGES):
        peer = await site.open()
        for change in some:
            await peer.ask("challenge", challenge_data(), **change)
            await _expect(peer, change, "success")


async def refuse_challenges(site: Site, *changes: Mapping[str, Any]) -> None:
    """See that a `challenge` is answered with `invalid_message` with each of these changes to its envelope."""
    for some in _in_parts(changes, _BAD_REQUESTS):
        peer = await site.open()
        for change in some:
            await peer.ask("challenge", challenge_data(), **change)
            await _expect(peer, change, "invalid_message")


async def take_connects(site: Site, *changes: Mapping[str, Any]) -> None:
    """See that a `connect` is answered with `success` with what is at each of these paths changed."""
    site.needs_user()
    for change in changes:
        peer = await site.challenged()
        await peer.ask("connect", peer.connect_data(site.make_user(), change))
        await _expect(peer, change, "success")


async def refuse_connects(site: Site, *changes: Mapping[str, Any], status: str = "invalid_message") -> None:
    """See that a `connect` is answered with that status with what is at each of these paths changed."""
    for some in _in_parts(changes, _BAD_REQUESTS):
        peer = await site.challenged()
        for change in some:
            await peer.ask("connect", peer.connect_data(site.make_user(), change))
            await _expect(peer, change, status)


async def take_values(site: Site, path: str, *values: Any) -> None:
    """See that a `connect` is taken with each of these values at that path."""
    await take_connects(site, *({path: value} for value in values))


async def refuse_values(site: Site, path: str, *values: Any) -> None:
    """See that a `connect` gets `invalid_message` with each of these values at that path."""
    await refuse_connects(site, *({path: value} for value in values))


async def close_each(site: Site, code: int, payloads: Iterable[str | bytes | Plain]) -> None:
    """See that each of these, first on a connection of its own, is closed with that code."""
    for payload in payloads:
        peer = await site.open()
        if isinstance(payload, dict):
            await peer.say(payload)
        else:
            await peer.send_payload(payload)
        await peer.expect_close(code)


async def close_or_answer(peer: Peer, status: str) -> None:
    """See that the server closes with 1008, as it SHOULD at what it ignores, or next answers what was asked last."""
    came = await peer.receive("no reply, and Close 1008")
    if not isinstance(came, Closed):
        peer.give_back(came)
        await peer.expect_reply(status)
    elif came.code != 1008:
        raise peer.unexpected("no reply, and Close 1008", came)


async def _expect(peer: Peer, change: Mapping[str, Any], status: str) -> None:
    try:
        await peer.expect_reply(status)
    except FailedError as error:
        shown = ", ".join(f"{path}: {show_value(value, _SHOWN_CHARS)}" for path, value in change.items())
        raise FailedError(f"{error.expected}, to a request with {{{shown}}}", error.came) from None


def _in_parts(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    return (items[begin : begin + size] for begin in range(0, len(items), size))
