"""Faults in `disconnect`."""

from collections.abc import Callable
from typing import Any

from tests.conform.faults.seeding import seeds
from tests.conform.reference.envelopes import Request
from tests.conform.reference.session import Close, Deeds, Session, State
from tests.independent.keys import PublicKey

Check = Callable[[dict[str, Any]], str | None]


@seeds("M35")
class KeepsWhoLeave(Session):
    """After `disconnect` the user is still connected."""

    def leave(self) -> None:
        return


@seeds("M36")
class LeavesTwice(Session):
    """A second `disconnect` succeeds as well."""

    def disconnect(self, request: Request) -> Deeds:
        self.leave()
        return self.reply(request, "success")


@seeds("M37")
class ClosesAfterDisconnect(Session):
    """The server closes after `disconnect`."""

    def disconnect(self, request: Request) -> Deeds:
        return [*super().disconnect(request), Close(1000, "goodbye")]


@seeds("M39")
class ForgetsTheChallengeAtDisconnect(Session):
    """After `disconnect` a new challenge is needed."""

    def check_challenged(self, data: dict[str, Any]) -> str | None:
        return "invalid_challenge" if self.state is State.DISCONNECTED else super().check_challenged(data)


@seeds("M38")
class ConnectsOneUser(Session):
    """After `disconnect` nobody else may connect."""

    user: PublicKey | None = None

    def check_owner(self, data: dict[str, Any]) -> str | None:
        self.user = self.user or data["user"]["pubkey"]
        return super().check_owner(data) or (None if self.user == data["user"]["pubkey"] else "disallowed_user")


@seeds("M35")
class DoesNotSayGoodbye(Session):
    """`disconnect` has no reply."""

    def disconnect(self, request: Request) -> Deeds:
        super().disconnect(request)
        return []


@seeds("M40")
class KeepsPlaces(Session):
    """A user who left by closing is still connected, and cannot come back."""

    @property
    def places(self) -> set[str]:
        """The keys of those who are connected, on all connections."""
        places: set[str] = vars(self.identity).setdefault("places", set())
        return places

    def check_unconnected(self, data: dict[str, Any]) -> str | None:
        return "already_connected" if data["user"]["pubkey"]["key"] in self.places else super().check_unconnected(data)

    def welcome(self, request: Request) -> Deeds:
        self.user = request.data["user"]["pubkey"]["key"]
        self.places.add(self.user)
        return super().welcome(request)

    def leave(self) -> None:
        self.places.discard(self.user)
        super().leave()
