"""How many strangers may be there, and who gives way."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from ric0_trio.server import ServerLimits
from ric0_trio.server.addresses import Peer
from ric0_trio.server.strangers import Strangers

PER_ADDRESS, IN_ALL = "unauthenticated_per_address", "unauthenticated_connections"


@dataclass(eq=False)
class Guest:
    """A stranger who notes whom they gave way to."""

    peer: Peer
    gave_way: list[str] = field(default_factory=list)

    def give_way(self, limit: str) -> None:
        self.gave_way.append(limit)


def guests(*addresses: str) -> list[Guest]:
    return [Guest(Peer(address, address)) for address in addresses]


def make(**limits: Any) -> Strangers:
    return Strangers(ServerLimits(**limits))


def enter(strangers: Strangers, *arriving: Guest) -> None:
    for guest in arriving:
        strangers.enter(guest)


def who_gave_way(several: list[Guest]) -> list[int]:
    return [index for index, guest in enumerate(several) if guest.gave_way]


def test_the_oldest_of_an_address_gives_way_to_its_seventeenth() -> None:
    strangers, several = make(), guests(*["a"] * 18)
    enter(strangers, *several)
    assert who_gave_way(several) == [0, 1]
    assert several[0].gave_way == [PER_ADDRESS]
    assert len(strangers) == 16


def test_the_oldest_of_the_fullest_address_gives_way_when_all_is_full() -> None:
    strangers, several = make(unauthenticated_connections=6), guests("a", "b", "b", "c", "c", "c")
    enter(strangers, *several)
    newcomers = guests("d", "e", "f")
    enter(strangers, *newcomers)
    # c gave one; then b and c had two each, and b's had come first; then c had most again
    assert who_gave_way(several) == [1, 3, 4]
    assert several[3].gave_way == [IN_ALL]
    assert len(strangers) == 6


def test_where_each_address_has_one_any_of_them_gives_way() -> None:
    """So a flood from many addresses does not put each out just before it gets through."""
    seen = set()
    for _ in range(200):
        strangers, several = make(unauthenticated_connections=3), guests("a", "b", "c")
        enter(strangers, *several, *guests("d"))
        (gone,) = who_gave_way(several)
        seen.add(gone)
        assert len(strangers) == 3
    assert seen == {0, 1, 2}


@pytest.mark.parametrize("peer", [Peer("a", None), Peer("proxy", "proxy", is_proxy=True)], ids=["exempt", "proxy"])
def test_who_is_exempt_counts_in_all_alone(peer: Peer) -> None:
    strangers, several = make(unauthenticated_connections=50), [Guest(peer) for _ in range(51)]
    enter(strangers, *several)
    (one,) = who_gave_way(several)
    assert several[one].gave_way == [IN_ALL]


def test_who_is_exempt_is_never_the_one_that_holds_most() -> None:
    strangers, friends = make(unauthenticated_connections=10), [Guest(Peer("a", None)) for _ in range(8)]
    others = guests("b", "b", "c", "d", "e")
    enter(strangers, *friends, *others[:3])
    assert who_gave_way(others) == [0]
    assert who_gave_way(friends) == []


def test_in_a_small_server_they_leave_half_of_it_to_users() -> None:
    strangers, several = make(max_connections=9), guests(*"abcdefgh")
    enter(strangers, *several)
    assert len(strangers) == 4
    assert len(who_gave_way(several)) == 4


def test_who_leaves_makes_room() -> None:
    strangers, several = make(unauthenticated_per_address=2), guests("a", "a", "a")
    enter(strangers, *several[:2])
    strangers.leave(several[0])
    strangers.leave(several[0])  # once more is no matter
    enter(strangers, several[2])
    assert who_gave_way(several) == []
    for guest in several:
        strangers.leave(guest)
    assert len(strangers) == 0
