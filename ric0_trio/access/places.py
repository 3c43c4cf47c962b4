"""Who is connected, in memory: a place is registered before the rules are read, and counts once they let it in."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from ric0_trio.access.records import Guest
from ric0_trio.access.store import Applicant
from ric0_trio.protocol import Fingerprint, Kick


class Place(msgspec.Struct, eq=False, kw_only=True):
    """One connection's place."""

    applicant: Applicant
    guest: Guest
    since: datetime
    """When it was admitted; or, while that is not decided, asked for."""
    counts: bool = False
    """It was admitted, and has not been put out."""
    evicted: Kick | None = None
    """Why it has to go, if it has: it will be given back soon."""


class Places:
    """Every place of one server."""

    def __init__(self) -> None:
        self._by_connection: dict[str, Place] = {}
        self._by_user: dict[Fingerprint, list[Place]] = {}

    def __iter__(self) -> Iterator[Place]:
        return iter(list(self._by_connection.values()))

    def __len__(self) -> int:
        return len(self._by_connection)

    def register(self, place: Place) -> None:
        """Take note of one for which the rules are about to be read."""
        self._by_connection[place.applicant.connection_id] = place

    def admit(self, place: Place, since: datetime) -> None:
        """Count it from now on, unless it has been put out already."""
        place.since = since
        if place.evicted is None:
            place.counts = True
            self._by_user.setdefault(place.guest.fingerprint, []).append(place)

    def of(self, user: Fingerprint) -> list[Place]:
        """Those of a user that count, the oldest first."""
        return list(self._by_user.get(user, ()))

    def evict(self, place: Place, kick: Kick) -> bool:
        """Put it out: it no longer counts. False when it was put out or given back before."""
        is_there = self._by_connection.get(place.applicant.connection_id) is place
        if not is_there or place.evicted is not None:
            return False
        place.evicted = kick
        self._discount(place)
        place.applicant.evict(kick)
        return True

    def remove(self, connection_id: str) -> Place | None:
        """Forget one that was given back or refused."""
        place = self._by_connection.pop(connection_id, None)
        if place is not None:
            self._discount(place)
        return place

    def _discount(self, place: Place) -> None:
        if place.counts:
            place.counts = False
            own = self._by_user[place.guest.fingerprint]
            own.remove(place)
            if not own:
                del self._by_user[place.guest.fingerprint]
