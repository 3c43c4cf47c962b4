"""`FakeStore`: an access store that does what a test tells it, for the Trio server.

It is not among the names of `ric0_trio.testing` itself, because it alone needs Trio.
"""

from dataclasses import dataclass

import trio

from ric0_trio.access.store import Applicant
from ric0_trio.protocol import Admit, Admitted, Kick, Verdict
from ric0_trio.testing.answers import ADMITTED, Decision, decide


@dataclass(frozen=True)
class Taken:
    """A place was taken."""

    connection_id: str


@dataclass(frozen=True)
class GivenBack:
    """A place was given back."""

    connection_id: str
    why: str
    """Why the user left, as the server says it."""


class FakeStore:
    """An `AccessStore` that answers as it is told, when it is told, and notes every call."""

    def __init__(self, verdict: Decision = ADMITTED, *, holds: bool = False) -> None:
        self.verdict = verdict
        """Who may join, from now on."""
        self.holds = holds
        """Whether a verdict waits for `may_answer`."""
        self.fault: Exception | None = None
        """What a store may not do: it raises this, whatever it is asked."""
        self.asked = trio.Event()
        """Set when it has been asked who may join."""
        self.may_answer = trio.Event()
        """For the test to set."""
        self.released = trio.Event()
        """Set when a place has been given back."""
        self.requests: list[Admit] = []
        """All that it was asked, in order."""
        self.applicants: dict[str, Applicant] = {}
        """By their connection's id, whoever may be evicted: from their question to a refusal, or to their release."""
        self.history: list[Taken | GivenBack] = []
        """Each place that was taken or given back, in order."""

    @property
    def places(self) -> list[str]:
        """The ids of the connections that hold a place now, in order."""
        held: list[str] = []
        for entry in self.history:
            if isinstance(entry, Taken):
                held.append(entry.connection_id)
            elif entry.connection_id in held:
                held.remove(entry.connection_id)
        return held

    @property
    def farewells(self) -> list[str]:
        """Why each user left, in order."""
        return [entry.why for entry in self.history if isinstance(entry, GivenBack)]

    async def admit(self, applicant: Applicant, request: Admit) -> Verdict:
        """As `AccessStore.admit`."""
        self.requests.append(request)
        self.applicants[applicant.connection_id] = applicant
        self.asked.set()
        if self.holds:
            await self.may_answer.wait()
        self._fail()
        verdict = decide(self.verdict, request)
        if isinstance(verdict, Admitted):
            self.history.append(Taken(applicant.connection_id))
        else:
            del self.applicants[applicant.connection_id]
        return verdict

    async def release(self, connection_id: str, why: str) -> None:
        """As `AccessStore.release`."""
        await trio.lowlevel.checkpoint()  # as one does that writes somewhere
        self._fail()
        self.history.append(GivenBack(connection_id, why))
        self.applicants.pop(connection_id, None)
        self.released.set()

    def evict(self, kick: Kick) -> None:
        """Put out everyone who holds a place, or is being admitted: as for a ban. `applicants` has each of them."""
        for applicant in list(self.applicants.values()):
            applicant.evict(kick)

    def check_settled(self, admissions: int = 1) -> None:
        """Raise `AssertionError` unless so many places were taken, and each was given back, once."""
        calls: dict[str, list[type]] = {}
        for entry in self.history:
            calls.setdefault(entry.connection_id, []).append(type(entry))
        taken = sum(isinstance(entry, Taken) for entry in self.history)
        if taken != admissions or any(kinds != [Taken, GivenBack] * (len(kinds) // 2) for kinds in calls.values()):
            raise AssertionError(f"expected {admissions} places, each taken and given back once, got {self.history}")

    def _fail(self) -> None:
        if self.fault is not None:
            raise self.fault
