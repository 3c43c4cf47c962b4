"""Peers that are bad at TLS, or good at it and slow."""

import random
import ssl
from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from ric0_trio.protocol import State
from tests.server.raw_client import HEAD, RawClient
from tests.server.site import PATIENCE_S, Site, Tls, open_site

pytestmark = pytest.mark.usefixtures("no_descriptor_leaks")

OPENING_TIMEOUT_S = 0.3


def random_bytes(seed: int) -> bytes:
    source = random.Random(seed)  # noqa: S311
    return source.randbytes(source.randrange(1, 3000))


NONSENSE: dict[str, bytes] = {
    "plain HTTP": HEAD,
    "an empty record": b"\x16\x03\x01\x00\x00",
    "a record too long": b"\x16\x03\x01\xff\xff" + bytes(0xFFFF),
    "an alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "SSL 2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(40),
    "data before a handshake": b"\x17\x03\x03\x00\x20" + bytes(32),
    **{f"seed {seed}": random_bytes(seed) for seed in range(50)},
}


async def be_nonsensical(site: Site, data: bytes) -> None:
    client = RawClient(await site.socket())
    try:
        await client.send_raw(data)
        await client.gone()
    except trio.BrokenResourceError:
        pass
    await trio.aclose_forcefully(client.stream)


async def test_nonsense_in_place_of_a_hello(tls: Tls, loopback_clock: MockClock) -> None:
    async with open_site(tls, opening_timeout_s=OPENING_TIMEOUT_S) as site:
        async with trio.open_nursery() as nursery:
            for data in NONSENSE.values():
                nursery.start_soon(be_nonsensical, site, data)
        await site.check_empty(within_s=1)
        await site.check_answers()
        await site.check_empty(within_s=1)
    assert {entry["event"] for entry in site.logs} <= {
        "challenge.answered",
        "connection.ended",
        "log.left_out",
        "limit.reached",
    }


async def test_random_bytes_in_place_of_a_head(loopback_clock: MockClock) -> None:
    async with open_site(opening_timeout_s=OPENING_TIMEOUT_S) as site:
        async with trio.open_nursery() as nursery:
            for seed in range(50):
                nursery.start_soon(be_nonsensical, site, random_bytes(seed) + b"\r\n\r\n" * (seed % 2))
        await site.check_empty(within_s=1)
        await site.check_answers()
        await site.check_empty(within_s=1)


@pytest.mark.parametrize("kept", [0, 1, 5, 100, -1])
async def test_part_of_a_hello_is_not_waited_for(kept: int, tls: Tls, loopback_clock: MockClock) -> None:
    hello = ssl.MemoryBIO()
    half = tls.client.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        half.do_handshake()
    async with open_site(tls, opening_timeout_s=OPENING_TIMEOUT_S) as site:
        async with await site.socket() as stream:
            await stream.send_all(hello.read()[:kept])
            with trio.fail_after(PATIENCE_S):
                assert await stream.receive_some() == b""
        await site.check_empty(within_s=1)


async def test_tls_and_the_head_share_one_time_out(tls: Tls, loopback_clock: MockClock) -> None:
    async with open_site(tls, opening_timeout_s=OPENING_TIMEOUT_S) as site:
        client = await site.client()
        await client.send_raw(HEAD[:-1])
        with trio.fail_after(PATIENCE_S):
            assert await client.gone() == b""
        await trio.aclose_forcefully(client.stream)
        await site.check_empty(within_s=1)


def weak_cipher(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA:AES256-SHA256:ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0")


def other_protocol(context: ssl.SSLContext) -> None:
    context.set_alpn_protocols(["h2"])


def tls_1_2(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def nothing(context: ssl.SSLContext) -> None:
    pass


def unverified_context(change: Callable[[ssl.SSLContext], None]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    change(context)
    return context


@pytest.mark.parametrize("version", [b"\3\1", b"\3\2"], ids=["TLS 1.0", "TLS 1.1"])
async def test_old_tls_is_refused(version: bytes, tls: Tls, loopback_clock: MockClock) -> None:
    body = version + bytes(32) + b"\0" + b"\0\4\xc0\x13\0\x2f" + b"\1\0"  # random, session, ciphers, compression
    hello = b"\1" + len(body).to_bytes(3) + body
    async with open_site(tls) as site, await site.socket() as stream:
        await stream.send_all(b"\x16\3\1" + len(hello).to_bytes(2) + hello)
        await site.check_empty(within_s=1)
    (refused,) = site.logs
    assert "unsupported protocol" in refused["detail"]


async def test_weak_ciphers_are_refused(tls: Tls, loopback_clock: MockClock) -> None:
    async with open_site(tls) as site:
        stream = trio.SSLStream(await site.socket(), unverified_context(weak_cipher))
        with pytest.raises(trio.BrokenResourceError):
            await stream.do_handshake()
        await trio.aclose_forcefully(stream)
        await site.check_empty(within_s=1)
    (refused,) = site.logs
    assert "no shared cipher" in refused["detail"]


@pytest.mark.parametrize(
    ("change", "version", "protocol"),
    [(nothing, "TLSv1.3", "http/1.1"), (tls_1_2, "TLSv1.2", "http/1.1"), (other_protocol, "TLSv1.3", None)],
)
async def test_what_is_agreed_on(
    change: Callable[[ssl.SSLContext], None], version: str, protocol: str | None, tls: Tls, loopback_clock: MockClock
) -> None:
    async with open_site(tls) as site:
        stream = trio.SSLStream(await site.socket(), unverified_context(change), https_compatible=False)
        client = RawClient(stream)
        await client.reach(State.CONNECTED)
        assert (stream.version(), stream.selected_alpn_protocol(), stream.compression()) == (version, protocol, None)
        await client.close()
        assert await client.closing() == (1000, "")
        assert await client.gone() == b""  # with TLS's own end, or it would be cut short
        await trio.aclose_forcefully(stream)
        await site.check_empty(within_s=1)
