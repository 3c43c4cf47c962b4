"""Server's sessions with one fault each, to see that the walk finds it: an invariant that cannot fail holds nothing."""

import re
from typing import Any, ClassVar

from msgspec.structs import replace

from ric0_trio.protocol import (
    Admit,
    Admitted,
    Close,
    Codec,
    Effect,
    Release,
    Send,
    ServerProfile,
    ServerSession,
    SessionLimits,
    Sign,
    State,
    UserIdentity,
    Verify,
)

Effects = tuple[Effect, ...]


class Telling(ServerSession):
    """A session of which a fault changes what is told."""

    def change(self, told: Effects, before: State) -> Effects:
        return told

    def receive(self, payload: str | bytes, now: float) -> Effects:
        before = self.state
        return self.change(super().receive(payload, now), before)

    def answer(self, result: Any, now: float) -> Effects:
        before = self.state
        return self.change(super().answer(result, now), before)

    def handle_timeout(self, now: float) -> Effects:
        before = self.state
        return self.change(super().handle_timeout(now), before)

    def shutdown(self, now: float) -> Effects:
        before = self.state
        return self.change(super().shutdown(now), before)


class Greets(Telling):
    """It sends a stranger what is not asked for."""

    def change(self, told: Effects, before: State) -> Effects:
        is_due = before is State.OPEN and told and self.question is None
        return (*told, Send("{}", "greeting")) if is_due else told


class AnswersStrangers(Telling):
    """It replies to `disconnect` before anyone has connected."""

    def change(self, told: Effects, before: State) -> Effects:
        if before is State.OPEN and self.state is State.CLOSED and len(told) == 1:
            text = '{"time":"2","type":"reply","name":"disconnect","conversation":4,"status":"not_connected","data":{}}'
            return (Send(text, "disconnect", "not_connected"), *told)
        return told


class AdmitsWithoutProof(ServerSession):
    """It lets in whoever has a wrong proof."""

    def answer(self, result: Any, now: float) -> Effects:
        if result is not False or now >= (self.deadline or now):
            return super().answer(result, now)
        super().answer(True, now)
        return super().answer(Admitted(), now)


class AdmitsBeforeTheVerdict(ServerSession):
    """It has a user while it asks whether they may connect."""

    @property
    def user(self) -> UserIdentity | None:
        return self.question.user if isinstance(self.question, Admit) else super().user


class KeepsTheUser(ServerSession):
    """It has a user still, when they have left."""

    _last: UserIdentity | None = None

    @property
    def user(self) -> UserIdentity | None:
        self._last = super().user or self._last
        return self._last


class AnswersTwice(Telling):
    def change(self, told: Effects, before: State) -> Effects:
        return (*told, *(effect for effect in told if isinstance(effect, Send)))


class AnswersAnother(Telling):
    """Its replies are about another conversation."""

    def change(self, told: Effects, before: State) -> Effects:
        return _with_payload(told, r'"conversation":\d+', '"conversation":16')


class DoesNotAnswer(Telling):
    """It has no answer to what is refused."""

    def change(self, told: Effects, before: State) -> Effects:
        return tuple(one for one in told if not (isinstance(one, Send) and one.status == "invalid_message"))


class SaysAnything(Telling):
    """It has another status than the table."""

    def change(self, told: Effects, before: State) -> Effects:
        return _with_payload(told, '"status":"invalid_challenge"', '"status":"success"')


class SpeaksAfterTheEnd(Telling):
    def change(self, told: Effects, before: State) -> Effects:
        return told or ((Send("{}", "more"),) if before is State.CLOSED else ())


class ClosesFirst(Telling):
    """It tells what is to be done after the close that ends all."""

    def change(self, told: Effects, before: State) -> Effects:
        return tuple(sorted(told, key=lambda effect: not isinstance(effect, Close)))


class ClosesAgain(ServerSession):
    def shutdown(self, now: float) -> Effects:
        told = super().shutdown(now)
        return told or (Close(1001, "the server is going away"),)  # type: ignore[arg-type]


class HasNoDeadline(ServerSession):
    """It waits for ever for who has left."""

    @property
    def deadline(self) -> float | None:
        return None if self.state is State.DISCONNECTED and self.question is None else super().deadline


class IsExtended(ServerSession):
    """Its deadline moves with every message."""

    _extra = 0.0

    def receive(self, payload: str | bytes, now: float) -> Effects:
        self._extra += 1
        return super().receive(payload, now)

    @property
    def deadline(self) -> float | None:
        deadline = super().deadline
        return None if deadline is None else deadline + self._extra


class IsHasty(ServerSession):
    """It closes before the deadline."""

    def handle_timeout(self, now: float) -> Effects:
        return super().handle_timeout(now if self.state is not State.OPEN else now + 1)


class HasOneTime(Telling):
    """All that it sends has the same time."""

    def change(self, told: Effects, before: State) -> Effects:
        return _with_payload(told, r'"time":"[^"]+"', '"time":"2023-11-14T22:13:20.000000Z"')


class Generous(ServerSession):
    """It has another idea of its limits than those that it is given."""

    limits: ClassVar[dict[str, Any]]

    def __init__(self, profile: ServerProfile, limits: SessionLimits, codec: Codec, now: float) -> None:
        super().__init__(profile, replace(limits, **self.limits), codec, now)


class TakesOneMessageMore(Generous):
    limits: ClassVar = {"messages_before_auth": 4}


class TakesOneChallengeMore(Generous):
    limits: ClassVar = {"challenges": 3}


class TakesOneMessageMoreAtOnce(Generous):
    limits: ClassVar = {"messages_burst": 3}


class EarnsTwiceAsFast(Generous):
    limits: ClassVar = {"messages_per_s": 2.0}


class StartsAfresh(ServerSession):
    """It has challenges again after a `disconnect`."""

    def receive(self, payload: str | bytes, now: float) -> Effects:
        told = super().receive(payload, now)
        if self.state is State.DISCONNECTED:
            self._challenges_left = 2
        return told


class KeepsThePlace(Telling):
    def change(self, told: Effects, before: State) -> Effects:
        return tuple(one for one in told if not isinstance(one, Release) or before is not State.CLOSED)


class GivesThePlaceBackTwice(Telling):
    def change(self, told: Effects, before: State) -> Effects:
        return (*(one for one in told if isinstance(one, Release)), *told)


class GivesBackWhatItHasNot(ServerSession):
    def answer(self, result: Any, now: float) -> Effects:
        told = super().answer(result, now)
        return (Release(), *told) if self.state is State.CLOSED and not isinstance(result, Admitted) else told


class ReadsOn(ServerSession):
    """It takes messages while a question is open."""

    def receive(self, payload: str | bytes, now: float) -> Effects:
        return () if self.question is not None else super().receive(payload, now)


class CountsWhatItRefuses(ServerSession):
    """A misuse changes it."""

    def receive(self, payload: str | bytes, now: float) -> Effects:
        if isinstance(self.question, Sign):
            self._state = State.CHALLENGED
        return super().receive(payload, now)


class VerifiesAnother(Telling):
    """It verifies the proof with a key that is not the user's."""

    def change(self, told: Effects, before: State) -> Effects:
        own = self._profile.info.pubkey
        return tuple(replace(one, key=own) if isinstance(one, Verify) else one for one in told)


def _with_payload(told: Effects, pattern: str, text: str) -> Effects:
    return tuple(
        replace(one, payload=re.sub(pattern, text, str(one.payload))) if isinstance(one, Send) else one for one in told
    )


WRONG: dict[type[ServerSession], str] = {
    Greets: "strangers",
    AnswersStrangers: "strangers",
    AdmitsWithoutProof: "users",
    AdmitsBeforeTheVerdict: "users",
    KeepsTheUser: "users",
    AnswersTwice: "replies",
    AnswersAnother: "replies",
    DoesNotAnswer: "replies",
    SaysAnything: "table",
    SpeaksAfterTheEnd: "nothing after the end",
    ClosesFirst: "nothing after the end",
    ClosesAgain: "nothing after the end",
    HasNoDeadline: "deadlines",
    IsExtended: "deadlines",
    IsHasty: "deadlines",
    HasOneTime: "times",
    TakesOneMessageMore: "budgets",
    TakesOneChallengeMore: "budgets",
    TakesOneMessageMoreAtOnce: "budgets",
    StartsAfresh: "budgets",
    KeepsThePlace: "places",
    GivesThePlaceBackTwice: "places",
    GivesBackWhatItHasNot: "places",
    ReadsOn: "misuse",
    CountsWhatItRefuses: "misuse",
    VerifiesAnother: "questions",
}
"""Each, with the invariant that it breaks."""

WRONG_FAR_OUT: dict[type[ServerSession], str] = {EarnsTwiceAsFast: "budgets"}
"""The same for what shows only after more than one step from where two ways meet."""
