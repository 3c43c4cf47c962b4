"""Faults in the deadline to authenticate."""

import math

from tests.conform.faults.seeding import seeds
from tests.conform.reference.envelopes import Request
from tests.conform.reference.session import Close, Deeds, Session


@seeds("B1")
class WaitsForEver(Session):
    """There is no deadline to authenticate."""

    auth_timeout_s = 1e6


@seeds("B1")
class WaitsLittle(Session):
    """The deadline to authenticate is four seconds."""

    auth_timeout_s = 4.0


@seeds("B1")
class WaitsLong(Session):
    """The deadline to authenticate is fifteen seconds."""

    auth_timeout_s = 15.0


@seeds("B8")
class WaitsForWhoTalk(Session):
    """Every message puts the deadline to authenticate off."""

    def receive(self, payload: str | bytes, now: float) -> Deeds:
        deeds = super().receive(payload, now)
        if not self.is_connected:
            self.deadline = now + self.auth_timeout_s
        return deeds


@seeds("B8")
class WaitsForWhoAreRefused(Session):
    """Every `connect` that is refused puts the deadline to authenticate off."""

    def refuse_connect(self, request: Request, status: str) -> Deeds:
        if not self.is_connected:
            self.deadline = self.now + self.auth_timeout_s
        return super().refuse_connect(request, status)


@seeds("B1")
class WaitsForTheChallenged(Session):
    """The deadline to authenticate ends with the challenge."""

    def challenged(self) -> None:
        super().challenged()
        self.deadline = math.inf


@seeds("B1")
class WaitsForTheDisconnected(Session):
    """There is no deadline after `disconnect`."""

    def leave(self) -> None:
        super().leave()
        self.deadline = math.inf


@seeds("S30-CONNECTED")
class EndsUsers(Session):
    """The deadline to authenticate goes on for connected users."""

    def welcome(self, request: Request) -> Deeds:
        deadline = self.deadline
        deeds = super().welcome(request)
        self.deadline = deadline
        return deeds


@seeds("B1")
class TimesOutWithAnotherCode(Session):
    """Who does not authenticate in time is closed with 1000."""

    def time_out(self) -> Deeds:
        return [Close(1000, "too late")]
