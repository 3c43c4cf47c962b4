"""Who is compared, by name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final


@dataclass(frozen=True)
class Peer:
    """A server to compare."""

    name: str
    what: str
    """In a line, for a table."""
    module: str
    """In `benchmarks.peers`."""
    flags: Sequence[str] = ()
    needs: Sequence[str] = ()
    """Packages of the extra `bench` that it is made with."""
    is_floor: bool = False
    """It is no server, but a part of the work that every server has."""

    @property
    def missing(self) -> Sequence[str]:
        """The packages that are not installed."""
        return [package for package in self.needs if find_spec(package) is None]


_ALL: Final = (
    Peer("ours", "ric0-trio, rules in memory", "ours"),
    Peer("ours_plain", "the same, plain trio-websocket", "ours_plain"),
    Peer("served", "ric0-trio serve, database on disk", "served"),
    Peer("websockets_asyncio", "websockets, asyncio", "websockets_asyncio", needs=("websockets",)),
    Peer("websockets_uvloop", "websockets, uvloop", "websockets_uvloop", needs=("websockets", "uvloop")),
    Peer("websockets_trio", "websockets, Trio", "websockets_trio", needs=("websockets",)),
    Peer(
        "uvicorn_asgi",
        "uvicorn (ASGI), uvloop",
        "uvicorn_asgi",
        needs=("uvicorn", "uvloop", "httptools", "websockets"),
    ),
    Peer("picows_server", "picows, uvloop", "picows_server", needs=("picows", "uvloop")),
    Peer("floor_trio_websocket", "floor: trio-websocket alone", "floor_trio_websocket", is_floor=True),
    Peer("floor_trio_tcp", "floor: bare TCP on Trio", "floor_trio_tcp", is_floor=True),
    Peer(
        "floor_trio_tcp_signatures",
        "floor: bare TCP and signatures",
        "floor_trio_tcp",
        flags=("--signatures",),
        is_floor=True,
    ),
)
PEERS: Final = {peer.name: peer for peer in _ALL}
OURS: Final = "ours"
SERVED: Final = "served"


class UnknownPeerError(Exception):
    """A peer was asked for that there is not, or that cannot run here."""


def choose_peers(names: Iterable[str] | None) -> tuple[list[Peer], list[str]]:
    """Give the peers of these names, in this order, or all that can run; and what is to be said of those left out.

    Raises `UnknownPeerError` for a name that there is not, and one that was asked for whose packages are missing.
    """
    if names is None:
        left_out = [f"{peer.name} is left out: {_lacks(peer)}" for peer in _ALL if peer.missing]
        return [peer for peer in _ALL if not peer.missing], left_out
    chosen = []
    for name in names:
        peer = PEERS.get(name)
        if peer is None:
            raise UnknownPeerError(f"no peer {name!r}; there are {', '.join(PEERS)}")
        if peer.missing:
            raise UnknownPeerError(f"{name}: {_lacks(peer)}")
        chosen.append(peer)
    return chosen, []


def _lacks(peer: Peer) -> str:
    return f"{' and '.join(peer.missing)} not installed; pip install 'ric0-trio[bench]'"
