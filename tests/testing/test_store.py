"""The fake store, asked as the server asks."""

from dataclasses import dataclass, field

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from ric0_trio.access.store import AccessStore, Applicant
from ric0_trio.protocol import Admit, CloseCode, Kick, Refused, Status, Verdict
from ric0_trio.testing import ADMITTED, CLIENT_APP, in_turn, user
from ric0_trio.testing.store import FakeStore, GivenBack, Taken

REFUSED = Refused(Status.UNRECOGNISED_USER)
BANNED = Kick(CloseCode.BANNED, "spam")


@dataclass
class Visitor:
    name: str
    kicks: list[Kick] = field(default_factory=list)

    async def join(self, store: AccessStore) -> Verdict:
        request = Admit(user(name=self.name), CLIENT_APP, None)
        return await store.admit(Applicant(self.name, "192.0.2.1", self.kicks.append), request)


async def test_it_answers_in_turn_and_notes_who_asked() -> None:
    store = FakeStore(in_turn(REFUSED, ADMITTED))
    assert [await Visitor(name).join(store) for name in ("Ann", "Bob", "Eve")] == [REFUSED, ADMITTED, ADMITTED]
    assert [request.user.name for request in store.requests] == ["Ann", "Bob", "Eve"]
    assert store.places == list(store.applicants) == ["Bob", "Eve"]


async def test_it_answers_as_a_function_says() -> None:
    store = FakeStore(lambda request: REFUSED if request.user.name == "Eve" else ADMITTED)
    assert [await Visitor(name).join(store) for name in ("Ann", "Eve")] == [ADMITTED, REFUSED]
    store.verdict = ADMITTED
    assert await Visitor("Eve").join(store) == ADMITTED


async def test_places_come_and_go() -> None:
    store = FakeStore()
    for name in ("Ann", "Bob"):
        await Visitor(name).join(store)
    assert not store.released.is_set()
    await store.release("Ann", "said: bye")
    assert store.released.is_set()
    assert (store.places, list(store.applicants), store.farewells) == (["Bob"], ["Bob"], ["said: bye"])
    await Visitor("Ann").join(store)
    assert store.places == ["Bob", "Ann"]
    assert store.history == [Taken("Ann"), Taken("Bob"), GivenBack("Ann", "said: bye"), Taken("Ann")]


async def test_it_waits_until_told() -> None:
    store, verdicts = FakeStore(holds=True), list[Verdict]()

    async def join(visitor: Visitor) -> None:
        verdicts.append(await visitor.join(store))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(join, ann := Visitor("Ann"))
        await store.asked.wait()
        await wait_all_tasks_blocked()
        assert (verdicts, store.places, list(store.applicants)) == ([], [], ["Ann"])
        store.evict(BANNED)
        assert ann.kicks == [BANNED], "whoever is being admitted is reached as well"
        store.may_answer.set()
    assert verdicts == [ADMITTED]


async def test_it_puts_out_whoever_is_there() -> None:
    store = FakeStore(in_turn(ADMITTED, REFUSED, ADMITTED))
    visitors = [Visitor("Ann"), Visitor("Eve"), Visitor("Bob")]
    for visitor in visitors:
        await visitor.join(store)
    store.applicants["Bob"].evict(BANNED)
    await store.release("Bob", "put out")
    store.evict(BANNED)
    assert [len(visitor.kicks) for visitor in visitors] == [1, 0, 1]


async def test_a_fault_is_raised() -> None:
    store = FakeStore()
    await Visitor("Ann").join(store)
    store.fault = OSError("the disk is full")
    with pytest.raises(OSError, match="full"):
        await Visitor("Bob").join(store)
    with pytest.raises(OSError, match="full"):
        await store.release("Ann", "bye")
    assert store.history == [Taken("Ann")]


UNSETTLED: dict[str, list[Taken | GivenBack]] = {
    "one is left": [Taken("a")],
    "one was never taken": [GivenBack("a", "")],
    "one was given back twice": [Taken("a"), GivenBack("a", ""), GivenBack("a", "")],
    "one was taken twice": [Taken("a"), Taken("a"), GivenBack("a", ""), GivenBack("a", "")],
    "another was given back": [Taken("a"), GivenBack("b", "")],
    "there was none": [],
}


@pytest.mark.parametrize("history", UNSETTLED.values(), ids=UNSETTLED)
async def test_what_is_not_settled(history: list[Taken | GivenBack]) -> None:
    store = FakeStore()
    store.history += history
    with pytest.raises(AssertionError, match="each taken and given back once"):
        store.check_settled()


async def test_what_is_settled() -> None:
    store = FakeStore()
    store.check_settled(admissions=0)
    store.history += [Taken("a"), Taken("b"), GivenBack("a", ""), Taken("a"), GivenBack("b", ""), GivenBack("a", "")]
    store.check_settled(admissions=3)
