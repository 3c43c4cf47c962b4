"""Whatever comes in place of an upgrade is answered, and its sender put out."""

from collections import Counter
from itertools import repeat

import pytest
import trio
from trio.testing import MockClock

from tests.hostile.aftermath import FLOODED
from tests.hostile.floods import send_as_far_as_taken, send_until_cut
from tests.hostile.people import PATIENCE_S
from tests.hostile.site import ATTACKER, Site, under_attack
from tests.server.hostile_heads import ANSWERED, head
from tests.server.raw_client import HEAD, RawClient
from tests.server.site import Tls

Answer = tuple[bytes, int, bytes]

MORE: dict[str, Answer] = {
    "10,000 headers": (b"GET / HTTP/1.1\r\n" + b"".join(b"h%d: x\r\n" % n for n in range(10_000)) + b"\r\n", 431, b""),
    "a length of 5,000 digits": (head(Content_Length="9" * 5000), 400, b""),
    "a body announced": (head(Content_Length="5") + b"hello", 400, b"without a body"),
    "a body in chunks": (head(Transfer_Encoding="chunked"), 400, b"without a body"),
    "another transfer encoding": (head(Transfer_Encoding="gzip"), 400, b""),
    "waits for 100": (head(Expect="100-continue"), 101, b"HTTP/1.1 101"),
    "a thousand extensions": (head(Sec_WebSocket_Extensions="x;" * 1000), 101, b""),
    "a thousand subprotocols": (head(Sec_WebSocket_Protocol="x," * 1000 + "json"), 101, b"Protocol: json"),
    "only commas": (head(Sec_WebSocket_Protocol="," * 4000), 101, b""),
    "a version of 4,000 digits": (head(Sec_WebSocket_Version="1" * 4000), 426, b"13"),
    "a newline in the key": (head(Sec_WebSocket_Key="AAECAwQFBgcICQoLDA0ODw==\n"), 400, b"CR LF"),
    "a key of 7 KiB": (head(Sec_WebSocket_Key="A" * 7168), 400, b"Sec-WebSocket-Key"),
    "a target of 7 KiB": (head("/" * 7168), 404, b""),
}
HEADS = ANSWERED | MORE
LIMITS = {403: ["allowed_origins"], 431: ["max_head_bytes"]}
"""What is counted for an answer, by its status."""


async def is_answered(site: Site, answer: Answer) -> RawClient:
    request_head, status, piece = answer
    client = await site.client()
    await send_as_far_as_taken(client.stream, request_head)
    answered = bytes(await client.stream.receive_some())
    assert answered.startswith(b"HTTP/1.1 %d " % status)
    assert piece in answered
    assert b"Sec-WebSocket-Extensions" not in answered
    assert (b"Connection: close" in answered) == (status != 101)
    return client


@pytest.mark.parametrize("answer", HEADS.values(), ids=HEADS)
async def test_bad_heads(answer: Answer, loopback_clock: MockClock) -> None:
    async with under_attack(refuses=dict.fromkeys(LIMITS.get(answer[1], ()), 1)) as site:
        await (await is_answered(site, answer)).reset()


async def test_bad_heads_over_tls_of_a_crowd_that_stays(tls: Tls, loopback_clock: MockClock) -> None:
    refused = [answer for answer in HEADS.values() if answer[1] != 101]
    limits = Counter(limit for _, status, _ in refused for limit in LIMITS.get(status, ()))
    async with (
        under_attack(tls, refuses=limits, exempt_networks=(ATTACKER,), overload_wait_s=PATIENCE_S) as site,
        trio.open_nursery() as nursery,
    ):
        for answer in refused:
            nursery.start_soon(is_answered, site, answer)


@pytest.mark.parametrize("piece", [b"X: y\r\n" * 100, b"x" * 1024], ids=["headers", "one header"])
async def test_a_head_without_end(piece: bytes, loopback_clock: MockClock) -> None:
    async with under_attack(refuses={"max_head_bytes": 1, **FLOODED}) as site:
        client = await site.client()
        await send_until_cut(client.stream, repeat(piece))


async def test_a_second_request_behind_the_first(loopback_clock: MockClock) -> None:
    async with under_attack() as site:
        client = await site.client()
        await client.send_raw(HEAD + HEAD)
        answer = await client.gone()
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert answer.count(b"HTTP/1.1") == 1
        assert b"\x03\xea" in answer.partition(b"\r\n\r\n")[2]  # 1002: what comes is no frame


async def test_a_second_request_behind_one_that_is_refused(loopback_clock: MockClock) -> None:
    async with under_attack() as site:
        client = await site.client()
        await client.send_raw(head("/") + HEAD * 10)
        answer = await client.gone()
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert answer.count(b"HTTP/1.1") == 1
