"""What an operator can watch of a running server: `Watched`, which `ric0_trio.admin` serves over HTTP."""

from collections.abc import Iterable
from typing import Literal, Protocol

import msgspec
from prometheus_client import CollectorRegistry

from ric0_trio.protocol import Fingerprint

ConnectionState = Literal["opening", "open", "challenged", "connected", "disconnected", "closing"]


class ConnectionInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One connection, as it is now."""

    connection: str
    """Its name in the log."""
    peer: str
    state: ConnectionState
    """`opening` until the WebSocket is open, `closing` from the moment that either side ends it."""
    age_s: float
    """Since it was accepted."""
    bytes_in: int
    bytes_out: int
    messages_in: int
    messages_out: int
    user: Fingerprint | None = None
    """None unless connected; so are the next two."""
    name: str | None = None
    client: str | None = None
    """The name of the client software."""


class Watched(Protocol):
    """A server that can be watched. All of it is called on the event loop, and none of it waits."""

    @property
    def registry(self) -> CollectorRegistry:
        """The metrics."""

    @property
    def unready(self) -> str | None:
        """Why no newcomer is let in now, in words for the operator; None when they are."""

    def describe_connections(self) -> Iterable[ConnectionInfo]:
        """Describe each connection.

        It may be a generator: other tasks run while it is read, so it goes over a copy of what comes and goes.
        """
