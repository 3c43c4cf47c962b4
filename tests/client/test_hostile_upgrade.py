"""Servers that do not open a WebSocket as they should: the client says what was wrong, soon, and sends no message."""

from functools import partial

import pytest
import trio

from ric0_trio.client import ChatError, ConnectionClosedError, ServerUnreachableError, UpgradeRefusedError
from tests.client.fake_server import Peer
from tests.client.hostile import Case, breaker, play
from tests.protocol.pair import CODECS


async def answer_bytes(peer: Peer, data: bytes = b"") -> None:
    await peer.read_head()
    await peer.send_bytes(data)
    await peer.hang_up()


async def answer_101(peer: Peer, changes: dict[str, str | None]) -> None:
    await peer.read_head()
    await peer.send_bytes(peer.answer(**changes))


async def say_nothing(peer: Peer) -> None:
    await peer.read_head()


async def answer_101_with_more(peer: Peer, more: bytes) -> None:
    await peer.read_head()
    await peer.send_bytes(peer.answer() + more)


def bytes_case(data: bytes, text: str, error: type[ChatError] = ConnectionClosedError) -> Case:
    return Case(partial(answer_bytes, data=data), error, text)


def header_case(text: str, **changes: str | None) -> Case:
    closed = 1000 if text.startswith(NOT_VALID) else None  # what wsproto refused did open a WebSocket
    return Case(partial(answer_101, changes=changes), ConnectionClosedError, f"the connection broke: {text}", closed)


NOT_VALID = "the server's upgrade is not valid: "
UPGRADES = {
    "a bad accept token": header_case(NOT_VALID + "Bad accept token", Sec_WebSocket_Accept="AAAA"),
    "no accept token": header_case(NOT_VALID + "Bad accept token", Sec_WebSocket_Accept=None),
    "no upgrade": header_case(NOT_VALID + "Missing header, 'Upgrade", Upgrade=None),
    "no connection": header_case(NOT_VALID + "Missing header, 'Connection", Connection=None),
    "a subprotocol that was not offered": header_case(NOT_VALID, Sec_WebSocket_Protocol="chat"),
    "two subprotocols": header_case(NOT_VALID, Sec_WebSocket_Protocol="json, bson"),
    "an extension that was not offered": header_case(NOT_VALID, Sec_WebSocket_Extensions="permessage-deflate"),
    "a header that is not ASCII": header_case("the server does not speak HTTP/1.1", X_Name="Zoë"),
    "a subprotocol that is not ASCII": header_case("the server does not", Sec_WebSocket_Protocol="jsön"),
    "a header without a colon": bytes_case(b"HTTP/1.1 101 X\r\nnonsense\r\n\r\n", NOT_VALID),
    "another version of HTTP": bytes_case(b"HTTP/1.0 101 X\r\n\r\n", "does not speak HTTP/1.1"),
    "another protocol": bytes_case(b"SSH-2.0-OpenSSH_9.9\r\n\r\n", "does not speak HTTP/1.1"),
    "an endless head": bytes_case(b"HTTP/1.1 101 X\r\n" + b"X: y\r\n" * 9000, "the server's HTTP answer is too big"),
    "an endless line": bytes_case(b"H" * 9000, "the server's HTTP answer is too big"),
    "no answer but the end": bytes_case(b"", "the server hung up before it answered the upgrade"),
    "half an answer": bytes_case(b"HTTP/1.1 101 Swi", "the server hung up before it answered the upgrade"),
    "a refusal": bytes_case(b"HTTP/1.1 503 X\r\n\r\nfull\n", "the server answered HTTP 503: full", UpgradeRefusedError),
    "a bare refusal": bytes_case(b"HTTP/1.1 401 X\r\n\r\n", "the server answered HTTP 401", UpgradeRefusedError),
    "silence": Case(
        say_nothing, ServerUnreachableError, "did not open a WebSocket in 0.05 seconds", None, {"open_timeout_s": 0.05}
    ),
    "no subprotocol, where json was not offered": Case(
        partial(answer_101, changes={"Sec_WebSocket_Protocol": None}),
        ConnectionClosedError,
        "the server chose no subprotocol that was offered",
        1000,
        {"codecs": [CODECS["bson"]]},
    ),
}

EARLY = {
    "a bad frame": breaker(partial(answer_101_with_more, more=b"\xc1\x00"), "Reserved bit set unexpectedly", 1002),
    "bad text": breaker(partial(answer_101_with_more, more=b"\x81\x01\xff"), "", 1007),
    "too much": breaker(partial(answer_101_with_more, more=b"\x81\x7f" + b"\x7f" * 8), "the message is too big", 1009),
    "a close": Case(
        partial(answer_101_with_more, more=b"\x88\x02\x03\xf5"),
        ConnectionClosedError,
        "server closed .* with 1013$",
        1013,
    ),
}


@pytest.mark.parametrize("case", EARLY.values(), ids=EARLY)
async def test_what_comes_with_the_answer(case: Case, nursery: trio.Nursery) -> None:
    """Whether the first message is sent before it is noticed is Trio's to choose: several tries meet both."""
    for _ in range(8):
        assert await play(case, nursery) in ([], ["challenge"])


@pytest.mark.parametrize("case", UPGRADES.values(), ids=UPGRADES)
async def test_a_bad_answer_to_the_upgrade(case: Case, nursery: trio.Nursery) -> None:
    assert await play(case, nursery) == []
