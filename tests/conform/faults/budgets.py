"""Faults in budgets."""

from tests.conform.faults.seeding import seeds
from tests.conform.reference.envelopes import BadRequest, Request
from tests.conform.reference.session import Close, Deeds, Session, State


@seeds("B2")
class TakesNineMessages(Session):
    """Nine messages are taken before authentication."""

    messages_before_auth = 9


@seeds("B2")
class TakesSevenMessages(Session):
    """Seven messages are taken before authentication."""

    messages_before_auth = 7


@seeds("B2")
class TakesEveryMessage(Session):
    """There is no bound on messages before authentication."""

    messages_before_auth = 10**6


@seeds("B2")
class DoesNotCountBadRequests(Session):
    """Bad requests are not counted as messages."""

    def take_bad_request(self, request: BadRequest) -> Deeds:
        self.messages_left += 1
        return super().take_bad_request(request)


@seeds("B2")
class DoesNotRenewMessages(Session):
    """The budget of messages is not afresh after a `disconnect`."""

    def begin_as_stranger(self) -> None:
        if self.state is State.OPEN:
            super().begin_as_stranger()


@seeds("B2")
class BoundsNoStrangersAfterwards(Session):
    """After a `disconnect` messages are not counted."""

    def spend_message(self) -> bool:
        return self.state is State.DISCONNECTED or super().spend_message()


@seeds("B3")
class SignsFourChallenges(Session):
    """Four challenges are signed on a connection."""

    challenges = 4


@seeds("B3")
class SignsTwoChallenges(Session):
    """Two challenges are signed on a connection."""

    challenges = 2


@seeds("B3")
class SignsEveryChallenge(Session):
    """There is no bound on challenges."""

    challenges = 10**6


@seeds("B9")
class DoesNotCountRefusedChallenges(Session):
    """Challenges that are refused are not counted."""

    def challenge(self, request: Request) -> Deeds:
        if self.identity.read_challenge(request.data["challenge"]) is None:
            self.challenges_left = max(self.challenges_left, 1) + 1
        return super().challenge(request)


@seeds("B10")
class CountsBadRequestsAsChallenges(Session):
    """A `challenge` that is a bad request counts as a challenge."""

    def take_bad_request(self, request: BadRequest) -> Deeds:
        self.challenges_left -= request.name == "challenge"
        return super().take_bad_request(request)


@seeds("B3")
class RenewsChallenges(Session):
    """The budget of challenges is afresh after a `disconnect`."""

    def leave(self) -> None:
        super().leave()
        self.challenges_left = self.challenges


@seeds("B3")
class DoesNotCountUsersChallenges(Session):
    """Challenges of a connected user are not counted."""

    def challenge(self, request: Request) -> Deeds:
        self.challenges_left += self.is_connected
        return super().challenge(request)


@seeds("B2")
class AnswersPastTheBudget(Session):
    """The message that is too many is answered before the connection ends."""

    def over_budget(self) -> Deeds:
        return [*self.reply(BadRequest("challenge", 0), "invalid_message"), *super().over_budget()]


@seeds("B2")
class ClosesBudgetsAsTooBig(Session):
    """A spent budget is closed with 1009."""

    def over_budget(self) -> Deeds:
        return [Close(1009, "too many messages")]


@seeds("B4", "B5")
class LetsUsersFlood(Session):
    """There is no bound on what a connected user sends."""

    messages_burst = 10**6


@seeds("B5")
class HasASmallBurst(Session):
    """A connected user may send ten messages at once."""

    messages_burst = 10


@seeds("B4", "B11")
class EarnsNothing(Session):
    """What a connected user may send does not come back."""

    messages_per_s = 0.0


@seeds("B11")
class EarnsSlowly(Session):
    """Five messages a second come back to a connected user."""

    messages_per_s = 5.0


@seeds("B4")
class EarnsFast(Session):
    """A hundred messages a second come back to a connected user."""

    messages_per_s = 100.0


@seeds("B5")
class RenewsTheBurst(Session):
    """Another `connect` fills the budget of messages."""

    def welcome(self, request: Request) -> Deeds:
        self.messages.tokens = self.messages_burst
        return super().welcome(request)


@seeds("B6")
class TrustsStrangersWithSize(Session):
    """Before authentication a message may be as big as after."""

    max_message_bytes_before_auth = 65536


@seeds("B6")
class TrustsStrangersLittle(Session):
    """Before authentication a message may have 4 KiB."""

    max_message_bytes_before_auth = 4096


@seeds("B7")
class TrustsUsersLittle(Session):
    """After authentication a message may not be bigger than before."""

    max_message_bytes = 16384


@seeds("B7")
class TrustsUsersWithSize(Session):
    """After authentication a message may have a megabyte."""

    max_message_bytes = 2**20


@seeds("B6")
class TrustsTheDisconnected(Session):
    """After a `disconnect` a message may be as big as before it."""

    def max_bytes(self) -> int:
        return self.max_message_bytes if self.state is State.DISCONNECTED else super().max_bytes()


@seeds("T17")
class LetsStrangersPing(Session):
    """Any number of pings is answered before authentication."""

    control_frames_before_auth = 10**6


@seeds("T17")
class LetsStrangersPingLittle(Session):
    """Before authentication the fourth ping closes."""

    control_frames_before_auth = 3


@seeds("T18")
class LetsUsersPing(Session):
    """Any number of pings is answered after authentication."""

    control_frames_per_min = 10**6


@seeds("T18")
class LetsUsersPingLittle(Session):
    """After authentication the eleventh ping in a minute closes."""

    control_frames_per_min = 10
