"""Who is there and has not said who they are: how many may be, and who gives way to whom."""

import random
from typing import Protocol

from ric0_trio.server.addresses import Peer
from ric0_trio.server.limits import ServerLimits


class Stranger(Protocol):
    """A connection without a connected user."""

    @property
    def peer(self) -> Peer: ...

    def give_way(self, limit: str) -> None:
        """End, soon, for the sake of a newcomer; `limit` says why."""


class Strangers:
    """All strangers, by address and in the order in which they came."""

    def __init__(self, limits: ServerLimits) -> None:
        self.limits = limits
        """May be changed: the new ones count from the next newcomer on."""
        self._by_address: dict[object, dict[Stranger, None]] = {}
        self._address_of: dict[Stranger, object] = {}
        self._crowded: dict[object, None] = {}

    def __len__(self) -> int:
        return len(self._address_of)

    def enter(self, stranger: Stranger) -> None:
        """Let a stranger in, to `leave` again. At a bound the oldest gives way, of the address that holds most.

        Where every address holds one, any of them does: a flood from many addresses would put the oldest out just
        before they get through, each time. Those whom bounds per address do not concern are alone at theirs.
        """
        peer = stranger.peer
        address: object = peer.group or object()
        is_bounded = peer.group is not None and not peer.is_proxy
        if is_bounded and len(self._by_address.get(address, ())) >= self.limits.unauthenticated_per_address:
            self._put_out_oldest(address, "unauthenticated_per_address")
        elif len(self) >= self._room:
            self._put_out_oldest(self._find_fullest(), "unauthenticated_connections")
        there = self._by_address.setdefault(address, {})
        there[stranger] = None
        self._address_of[stranger] = address
        if len(there) == 2:
            self._crowded[address] = None

    def leave(self, stranger: Stranger) -> None:
        """Take note that a stranger is gone, or is none any more. One who is not there is no matter."""
        address = self._address_of.pop(stranger, None)
        if address is None:
            return
        there = self._by_address[address]
        del there[stranger]
        if len(there) == 1:
            del self._crowded[address]
        elif not there:
            del self._by_address[address]

    @property
    def _room(self) -> int:
        """How many strangers may be there: in a small server they leave half of it to users."""
        return min(self.limits.unauthenticated_connections, max(1, self.limits.max_connections // 2))

    def _find_fullest(self) -> object:
        if self._crowded:
            return max(self._crowded, key=lambda address: len(self._by_address[address]))
        return random.choice(list(self._by_address))  # noqa: S311 - not for secrets

    def _put_out_oldest(self, address: object, limit: str) -> None:
        oldest = next(iter(self._by_address[address]))
        self.leave(oldest)
        oldest.give_way(limit)
