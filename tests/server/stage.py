"""A server without sockets: access stores that play a part, and clients over streams in memory."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import trio
from trio.testing import memory_stream_pair

from ric0_trio.access.store import AccessStore, Applicant, OpenAccess
from ric0_trio.protocol import Admit, Admitted, Codec, State, Verdict
from ric0_trio.server import Server, ServerLimits, Settings
from ric0_trio.server.addresses import Peer
from ric0_trio.server.connection import Connection
from ric0_trio.server.services import Services
from ric0_trio.transport.eager import EagerAdapter
from tests.protocol.pair import SERVER_KEY, server_profile
from tests.server.raw_client import JSON, RawClient

StreamPair = tuple[trio.abc.Stream, trio.abc.Stream]


class PlayedAccess:
    """Notes every call. With `holds`, a verdict waits until `may_answer` is set."""

    def __init__(self, verdict: Verdict | None = None, *, holds: bool = False) -> None:
        self.verdict = verdict or Admitted()
        self.holds = holds
        self.fault: Exception | None = None
        """What a store may not do: it raises this."""
        self.asked = trio.Event()
        self.may_answer = trio.Event()
        self.released = trio.Event()
        self.history: list[tuple[str, str]] = []
        """`admit` for each place that was taken, `release` for each that was given back, and whose it was."""

    async def admit(self, applicant: Applicant, request: Admit) -> Verdict:
        self.asked.set()
        if self.holds:
            await self.may_answer.wait()
        if self.fault is not None:
            raise self.fault
        if isinstance(self.verdict, Admitted):
            self.history.append(("admit", applicant.connection_id))
        return self.verdict

    async def release(self, connection_id: str, why: str) -> None:
        await trio.lowlevel.checkpoint()  # as one does that writes somewhere
        if self.fault is not None:
            raise self.fault
        self.history.append(("release", connection_id))
        self.released.set()

    def check_settled(self, admissions: int = 1) -> None:
        """Every place that was taken was given back, once, before the next was taken."""
        assert [what for what, _ in self.history] == ["admit", "release"] * admissions
        assert all(count % 2 == 0 for count in Counter(who for _, who in self.history).values())


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
