"""Who is there and has not said who they are: how many may be, and who gives way to whom."""

from typing import Final, Protocol

from ric0_trio.server.addresses import Peer
from ric0_trio.server.limits import ServerLimits
from ric0_trio.server.refusals import Full

_GRACE_S: Final = 1.0
_WAIT_S: Final = 2.0


class Stranger(Protocol):
    """A connection without a connected user."""

    @property
    def peer(self) -> Peer: ...

    def give_way(self, limit: str) -> None:
        """End, soon, for the sake of a newcomer; `limit` says why."""


class Strangers:
    """All strangers, by address and in the order in which they came. `now` is in seconds, and does not step back."""

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self._by_address: dict[str, dict[Stranger, float]] = {}
        self._address_of: dict[Stranger, str] = {}
        self._last_success = float("-inf")

    def __len__(self) -> int:
        return len(self._address_of)

    def enter(self, stranger: Stranger, now: float) -> Full | None:
        """Let a stranger in, to `leave` again. At a bound the oldest gives way: of the address that holds most.

        While others get through to a login, and every address holds one stranger, nobody who has been there for less
        than a second gives way: they are most likely about to get through themselves. Then there is no room.
        """
        peer = stranger.peer
        address, is_bounded = peer.group or peer.name, peer.group is not None and not peer.is_proxy
        if is_bounded and len(self._by_address.get(address, ())) >= self._limits.unauthenticated_per_address:
            self._put_out_oldest(address, "unauthenticated_per_address")
        elif len(self) >= self._limits.unauthenticated_connections:
            fullest = max(self._by_address, key=lambda other: (len(self._by_address[other]), -self._since(other)))
            is_busy = now - self._last_success < _GRACE_S
            if is_busy and len(self._by_address[fullest]) == 1 and now - self._since(fullest) < _GRACE_S:
                return Full("unauthenticated_connections", "too many are about to connect", _WAIT_S)
            self._put_out_oldest(fullest, "unauthenticated_connections")
        self._by_address.setdefault(address, {})[stranger] = now
        self._address_of[stranger] = address
        return None

    def leave(self, stranger: Stranger) -> None:
        """Take note that a stranger is gone, or is none any more. One who is not there is no matter."""
        address = self._address_of.pop(stranger, None)
        if address is not None:
            others = self._by_address[address]
            del others[stranger]
            if not others:
                del self._by_address[address]

    def succeed(self, stranger: Stranger, now: float) -> None:
        """Take note that a stranger is connected as a user."""
        self._last_success = now
        self.leave(stranger)

    def _since(self, address: str) -> float:
        return next(iter(self._by_address[address].values()))

    def _put_out_oldest(self, address: str, limit: str) -> None:
        oldest = next(iter(self._by_address[address]))
        self.leave(oldest)
        oldest.give_way(limit)
