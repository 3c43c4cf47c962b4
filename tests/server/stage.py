"""A server without sockets: clients over streams in memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import trio
from trio.testing import memory_stream_pair

from ric0_trio.access.store import AccessStore, OpenAccess
from ric0_trio.protocol import Codec, State
from ric0_trio.server import Server, ServerLimits, Settings
from ric0_trio.server.addresses import Peer
from ric0_trio.server.connection import Connection
from ric0_trio.server.services import Services
from ric0_trio.testing import SERVER_KEY, server_profile
from ric0_trio.transport.eager import EagerAdapter
from tests.server.raw_client import JSON, RawClient

StreamPair = tuple[trio.abc.Stream, trio.abc.Stream]


def make_server(access: AccessStore | None = None, **limits: Any) -> Server:
    return Server(make_settings(**limits), SERVER_KEY, access or OpenAccess())


def make_settings(**limits: Any) -> Settings:
    """Those of a server that speaks plain `ws://`."""
    return Settings(server_profile(), None, ServerLimits(**limits))


@asynccontextmanager
async def memory_client(
    server: Server, codec: Codec = JSON, pair: Callable[[], StreamPair] = memory_stream_pair
) -> AsyncIterator[RawClient]:
    """A client of `server`, which is done with it when the block is left."""
    ours, theirs = pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.serve_stream, theirs, "memory")
        yield RawClient(ours, codec)
        await trio.aclose_forcefully(ours)


def make_connection(access: AccessStore, **limits: Any) -> tuple[RawClient, Connection]:
    """A client and the server's side of it, which is to be `run`: for what only an operator can do to it."""
    ours, theirs = memory_stream_pair()
    services = Services(make_settings(**limits), SERVER_KEY, access)
    return RawClient(ours), Connection(services, EagerAdapter(theirs), Peer("memory", None))


ALL_STATES = (State.OPEN, State.CHALLENGED, State.CONNECTED, State.DISCONNECTED)
