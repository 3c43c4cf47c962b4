"""What a walk knows of a session from what was given and told: budgets, deadlines, proofs and places, kept anew."""

from collections.abc import Sequence
from dataclasses import dataclass

from ric0_trio.protocol import (
    Admit,
    Admitted,
    Effect,
    Question,
    SessionLimits,
    Sign,
    State,
    Verify,
)
from ric0_trio.testing import (
    NONCE,
    SERVER_KEY,
    START,
    ed25519_key,
)

LIMITS = SessionLimits(
    auth_timeout_s=10,
    answer_timeout_s=5,
    messages_before_auth=3,
    challenges=2,
    messages_burst=2,
    messages_per_s=1,
)
"""Small, so that they are soon spent, and in whole seconds, so that nothing is rounded."""
PEOPLE = {"Ada": ed25519_key(4), "Bob": ed25519_key(5)}


class InvariantError(AssertionError):
    """The session broke the invariant of this name."""

    def __init__(self, invariant: str, seen: object) -> None:
        super().__init__(f"{invariant}: {seen}")
        self.invariant = invariant


def require(holds: object, invariant: str, seen: object) -> None:
    if not holds:
        raise InvariantError(invariant, seen)


@dataclass(frozen=True)
class Given:
    """A message that a client can send."""

    payload: str | bytes
    row: str
    """Its row in the table; that of success, if the session asks something first."""
    name: str = ""
    """The request's; "" for what is none, or has none."""
    conversation: int | None = None
    """The request's; None for what must not be answered in any state."""
    user: str = ""
    """Who wants to connect."""

    def must_be_answered(self, state: State) -> bool:
        if self.conversation is None:
            return False
        if self.name in ("challenge", "connect") or state is State.CONNECTED:
            return True
        return self.name == "disconnect" and state is State.DISCONNECTED


@dataclass
class Asked:
    """The open question."""

    question: Question
    given: Given
    at: float


class Account:
    """Of one session."""

    def __init__(self) -> None:
        self.auth_deadline: float | None = START + LIMITS.auth_timeout_s
        self.messages_left = LIMITS.messages_before_auth
        self.challenges_left = LIMITS.challenges
        self.asked: Asked | None = None
        self.user = ""
        self._tokens = float(LIMITS.messages_burst)
        self._counted_at = START
        self._has_proved_itself = False
        self._proved = ""

    def take_message(self, given: Given, state: State, now: float) -> tuple[str, type[Question] | None]:
        """Count what a message spends, and give the row that is due for it, or the question that comes first."""
        if self.auth_deadline is not None and now >= self.auth_deadline:
            return "S30", None
        if state is State.CONNECTED:
            self._tokens, self._counted_at = self.tokens(now) - 1, now
            is_over = self._tokens < 0
        else:
            self.messages_left -= 1
            is_over = self.messages_left < 0
        if is_over:
            return "S29", None
        if given.row in ("S2", "S3"):
            if self.challenges_left == 0:
                return "S1", None
            self.challenges_left -= 1
        if given.row == "S3":
            return "S3", Sign
        if given.row == "S17" and state in (State.CHALLENGED, State.DISCONNECTED):
            return "S17", Verify
        return given.row, None

    def tokens(self, now: float) -> float:
        """How many messages a connected user could send at once."""
        return min(LIMITS.messages_burst, self._tokens + (now - self._counted_at) * LIMITS.messages_per_s)

    def take_question(self, question: Effect, given: Given, now: float) -> None:
        """Note a question, which has to be about what was given."""
        match question:
            case Sign(message):
                require(message == NONCE, "questions", message)
            case Verify(key, message):
                require((key, message) == (PEOPLE[given.user].public, bytes(SERVER_KEY.public)), "questions", question)
            case Admit(user):
                require(user.name == given.user, "questions", question)
        assert isinstance(question, Question)
        self.asked = Asked(question, given, now)

    def take_answer(self, asked: Asked, result: object, told: Sequence[Effect], now: float) -> None:
        """Account for an answer in time: a user needs a challenge, a proof and a verdict, in this order."""
        if self.auth_deadline is not None:
            self.auth_deadline += now - asked.at
        match asked.question:
            case Sign():
                self._has_proved_itself = True
            case Verify() if result is True:
                self._proved = asked.given.user if self._has_proved_itself else ""
                require([type(effect) for effect in told] == [Admit], "questions", told)
                self.take_question(told[0], asked.given, now)
            case Admit() if isinstance(result, Admitted):
                self.user, self._proved = self._proved, ""
                self.auth_deadline = None

    def leave(self, state: State, now: float) -> None:
        """Account for a user who is not connected any more: what strangers have begins anew."""
        self.user = ""
        self.messages_left = LIMITS.messages_before_auth
        if state is State.DISCONNECTED:
            self.auth_deadline = now + LIMITS.auth_timeout_s

    def deadline(self, state: State) -> float | None:
        """When the session is to be woken."""
        if state is State.CLOSED:
            return None
        return self.auth_deadline if self.asked is None else self.asked.at + LIMITS.answer_timeout_s
