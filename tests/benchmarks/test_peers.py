"""Every peer is a whole server: one visit to each, by our own client."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import trio

from benchmarks.comparison.load import Load
from benchmarks.comparison.peers import PEERS
from benchmarks.comparison.processes import PLAIN, Running, Variant, running
from ric0_trio.client import Identity, open_connection
from ric0_trio.protocol import PrivateKey, available_codecs

Start = Callable[[str, Variant], Running]

TLS = Variant("TLS", tls=True)
RSA = Variant("RSA", identity="rsa-2048")
BSON = Variant("BSON", encoding="bson")


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a peer, which is ended after the test."""
    with ExitStack() as stack:

        def start_peer(name: str, variant: Variant) -> Running:
            peer = PEERS[name]
            if peer.missing:
                pytest.skip(f"{' and '.join(peer.missing)} not installed: they are of the extra bench")
            return stack.enter_context(running(peer, variant))

        yield start_peer


async def visit(server: Running) -> tuple[str, str | None]:
    """Challenge, connect, disconnect; the format of the server's key, and what it calls itself."""
    tls = ssl.create_default_context(cafile=server.ca) if server.ca else None
    codecs = [codec for codec in available_codecs() if codec.subprotocol == server.variant.encoding]
    with trio.fail_after(20):
        async with open_connection(server.url, ssl_context=tls, codecs=codecs) as chat:
            key = await chat.verify_server()
            reply = await chat.connect(Identity(PrivateKey.generate(), "Ann"))
            await chat.disconnect()
            return key.format, reply.server_identity.name


COMPARED_IN_ALL = ("ours", "served", "websockets_asyncio", "floor_trio_tcp_signatures")
VISITS = [
    *((name, variant) for name in PEERS for variant in (PLAIN, TLS)),
    *((name, variant) for name in COMPARED_IN_ALL for variant in (RSA, BSON)),
]


@pytest.mark.parametrize(("name", "variant"), VISITS, ids=lambda given: getattr(given, "label", given))
def test_a_visit(start: Start, name: str, variant: Variant) -> None:
    if variant.encoding not in {codec.subprotocol for codec in available_codecs()}:
        pytest.skip("no BSON here")
    server = start(name, variant)
    assert server.url.startswith("wss://127.0.0.1:" if variant.tls else "ws://127.0.0.1:")
    assert (server.ca is not None) == variant.tls
    key_format, server_name = trio.run(visit, server)
    assert server_name == ("ric0-trio" if name == "served" else "Bench")
    assert key_format.startswith("rsa" if variant is RSA else "ed25519")
    assert server.cpu_s() > 0
    assert server.memory_bytes() > 1_000_000


@pytest.mark.parametrize("name", PEERS)
def test_the_load_is_answered_as_it_expects(start: Start, name: str) -> None:
    report = Load("message", connections=2, seconds=0.2).run(start(name, PLAIN))
    assert report["operations"] > 0
    assert report["errors"] == {}
