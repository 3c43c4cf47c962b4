"""What answers a session's `Admit`, and takes places back.

The interface that the server knows. One question is answered whole in one call, so that an answer is right under a
race, and a networked store can stand behind it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ric0_trio.protocol.effects import Admit, Admitted, Kick, Verdict


@dataclass(frozen=True, eq=False)
class Applicant:
    """The connection that wants a place, as a store knows it."""

    connection_id: str
    peer: str
    """The address of whoever is behind it, for people to read."""
    evict: Callable[[Kick], None]
    """Put it out, soon; also while its admission is open. Called when it is gone already, it does nothing."""


class AccessStore(Protocol):
    """Decides who may join, and keeps who is there.

    Calls are shielded from cancellation, so that no place is lost: each must end in bounded time by itself. A store
    that cannot answer refuses with `unknown_error`; it does not raise.
    """

    async def admit(self, applicant: Applicant, request: Admit) -> Verdict:
        """Answer checks 7 to 11 (docs/protocol.md, "Messages") and, with `Admitted`, take a place.

        From now on until `Release`, or a refusal, the store may `evict` the applicant: a ban that is made while the
        rules are read must reach them.
        """

    async def release(self, connection_id: str, why: str) -> None:
        """Give back the place that `connection_id` took. `why` the user left is for people to read."""


class ImmediateAccess(ABC):
    """What has all that it decides by in memory, and waits for nothing, as an `AccessStore` may: it costs less."""

    @abstractmethod
    def admit_now(self, applicant: Applicant, request: Admit) -> Verdict:
        """As `AccessStore.admit`."""

    @abstractmethod
    def release_now(self, connection_id: str, why: str) -> None:
        """As `AccessStore.release`."""


class OpenAccess(ImmediateAccess):
    """Lets in everyone who has proved who they are."""

    def admit_now(self, applicant: Applicant, request: Admit) -> Verdict:
        return Admitted()

    def release_now(self, connection_id: str, why: str) -> None:
        pass
