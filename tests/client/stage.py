"""A real server on a loopback socket with a certificate that can be checked, and the client's side of a visit."""

import ssl
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any

import trio
import trustme

from ric0_trio.client import Chat, Identity, MemoryKnownServers, open_chat
from ric0_trio.protocol import Codec, PrivateKey, Verdict, available_codecs
from ric0_trio.server.addresses import Peer
from ric0_trio.server.connection import Connection
from ric0_trio.server.services import Services
from ric0_trio.server.settings import Settings
from ric0_trio.testing import ADMITTED, CLIENT_APP, SERVER_KEY, USER_KEY, server_profile
from ric0_trio.testing.store import FakeStore
from ric0_trio.transport.eager import EagerAdapter

PATIENCE_S = 5.0
"""Far more than anything here takes. What waits for a time-out is given a short one."""
ME = Identity(USER_KEY, "Zoë")


@cache
def authority() -> trustme.CA:
    return trustme.CA()


@cache
def certified(*names: str) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate for these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(*names).configure_cert(context)
    return context


@cache
def trusting() -> ssl.SSLContext:
    """A client's side of TLS, which trusts our authority alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority().configure_trust(context)
    return context


@dataclass(frozen=True)
class House:
    """A server that runs, and what only its operator can reach."""

    url: str
    store: FakeStore
    connections: list[Connection]


async def start_server(
    nursery: trio.Nursery,
    key: PrivateKey = SERVER_KEY,
    *,
    verdict: Verdict = ADMITTED,
    names: Sequence[str] = ("127.0.0.1", "localhost"),
    codecs: Sequence[Codec] = available_codecs(),
) -> House:
    """Serve until the nursery is cancelled."""
    store = FakeStore(verdict)
    services = Services(Settings(server_profile(key.public), certified(*names), codecs=codecs), key, store)
    connections: list[Connection] = []

    async def serve(stream: trio.SocketStream) -> None:
        connections.append(Connection(services, EagerAdapter(stream), Peer("test", None)))
        await connections[-1].run()

    return House(f"wss://127.0.0.1:{await listen(nursery, serve)}", store, connections)


async def listen(nursery: trio.Nursery, serve: Any) -> int:
    """Run `serve` for each client of a port of 127.0.0.1, and return the port."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, serve, listeners)
    return int(listeners[0].socket.getsockname()[1])


def visit(url: str, **changes: Any) -> AbstractAsyncContextManager[Chat]:
    """`open_chat`, with what our servers need, and a memory that begins empty."""
    usual: dict[str, Any] = {"app": CLIENT_APP, "ssl_context": trusting(), "known_servers": MemoryKnownServers()}
    return open_chat(url, changes.pop("identity", ME), **usual | changes)


async def go_in(url: str, **changes: Any) -> None:
    """Visit, and leave at once."""
    with trio.fail_after(PATIENCE_S):
        async with visit(url, **changes):
            pass
