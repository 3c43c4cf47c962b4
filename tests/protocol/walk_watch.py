"""A server's session that is watched: what must hold at every step, whatever is given to it.

It never looks inside. What it holds the session to is the invariants, by their names, and the table of states.
"""

from collections.abc import Callable, Sequence

from ric0_trio.protocol import (
    Admit,
    Admitted,
    Close,
    Codec,
    Effect,
    Kick,
    LocalProtocolError,
    Question,
    Refused,
    Release,
    Send,
    ServerSession,
    Sign,
    State,
    Verdict,
    Verify,
)
from ric0_trio.testing import START, Plain, unpack
from tests.protocol.cells import done, due
from tests.protocol.walk_account import Account, Given, InvariantError, require

JUST_S = 0.25
"""How long before a deadline "just before" is."""
LATE_ROWS: dict[type[Question], str] = {Sign: "S4", Verify: "S18", Admit: "S18"}
BUDGET_ROWS = ("S1", "S29")
ANSWERS: dict[type[Question], tuple[type, ...]] = {Sign: (bytes,), Verify: (bool,), Admit: (Admitted, Refused)}


class Watch:
    """One session, from its beginning."""

    def __init__(self, session: ServerSession, codec: Codec) -> None:
        self.session = session
        self.codec = codec
        self.now = START
        self.told = ""
        """What the last step led to, in words, without the time."""
        self.was_refused = False
        """Whether the last step was a misuse: then it changed nothing."""
        self._account = Account()
        self._last_time = ""
        self._pending: Given | None = None
        """The request that is under way."""

    # What is given

    def receive(self, given: Given) -> None:
        before = self.session.state
        if before is State.CLOSED:
            self._check(before, self.session.receive(given.payload, self.now))
            return
        if self._account.asked is not None:
            self._misuse(lambda: self.session.receive(given.payload, self.now))
            return
        row, question = self._account.take_message(given, before, self.now)
        self._pending = None if given.conversation is None else given
        told = self.session.receive(given.payload, self.now)
        require(row not in BUDGET_ROWS or self.session.state is State.CLOSED, "budgets", told)
        if question is not None:
            require([type(effect) for effect in told] == [question], "questions", told)
            self._account.take_question(told[0], given, self.now)
            row = ""
        self._check(before, told, row)

    def answer(self, result: bytes | bool | Verdict, row: str = "", *, is_late: bool = False) -> None:
        """Answer; `row` is the one that comes true, or "" when a next question does."""
        asked, before = self._account.asked, self.session.state
        if asked is None or not isinstance(result, ANSWERS[type(asked.question)]):
            self._misuse(lambda: self.session.answer(result, self.now))
            return
        if is_late and before is not State.CLOSED:
            self.now = self.session.deadline or self.now
            row = LATE_ROWS[type(asked.question)]
        told = self.session.answer(result, self.now)
        self._account.asked = None
        if before is State.CLOSED or is_late:
            if isinstance(result, Admitted):  # nobody is there who could have the place
                require(told[:1] == (Release(),), "places", told)
                told = told[1:]
        else:
            self._account.take_answer(asked, result, told, self.now)
        self._check(before, told, row)

    def pass_time(self) -> None:
        """Let time pass: until just before the deadline, or a second where there is none."""
        before, deadline = self.session.state, self.session.deadline
        self.now = self.now + 1 if deadline is None else max(self.now, deadline - JUST_S)
        told = self.session.handle_timeout(self.now)
        require(not told, "deadlines", told)
        self._check(before, told)

    def reach_the_deadline(self) -> None:
        before, asked = self.session.state, self._account.asked
        self.now = self.session.deadline or self.now
        row = "S30" if asked is None else LATE_ROWS[type(asked.question)]
        self._check(before, self.session.handle_timeout(self.now), row)

    def receive_too_late(self, given: Given) -> None:
        """Receive a message when the deadline has passed, and nobody has said so."""
        if self._account.asked is None:
            self.now = self.session.deadline or self.now
        self.receive(given)

    def kick(self, cause: Kick, row: str) -> None:
        self._check(self.session.state, self.session.kick(cause, self.now), row)

    def kick_wrongly(self, cause: Kick) -> None:
        self._misuse(lambda: self.session.kick(cause, self.now))

    def shut_down(self) -> None:
        self._check(self.session.state, self.session.shutdown(self.now), "S35")

    def lose(self) -> None:
        self._check(self.session.state, self.session.connection_lost(self.now), "S36")

    def step_back(self) -> None:
        self._misuse(lambda: self.session.handle_timeout(self.now - 1))

    # Where it stands

    def key(self) -> tuple[object, ...]:
        """Give the abstract state: all that what comes next depends on."""
        account, state = self._account, self.session.state
        asked = account.asked
        kind = "" if asked is None else type(asked.question).__name__
        if state is State.CLOSED:
            return state.value, kind
        waited = 0.0 if asked is None else self.now - asked.at
        return (
            state.value,
            kind,
            "" if asked is None else asked.given.user,
            account.user,
            None if state is State.CONNECTED else account.messages_left,
            account.challenges_left,
            account.tokens(self.now),
            waited,
            None if account.auth_deadline is None else account.auth_deadline - self.now + waited,
        )

    # What must hold

    def _misuse(self, act: Callable[[], object]) -> None:
        before = self._seen()
        try:
            told = act()
        except LocalProtocolError:
            self.told, self.was_refused = "refused", True
            require(self._seen() == before, "misuse", self._seen())
            return
        raise InvariantError("misuse", told)

    def _seen(self) -> tuple[object, ...]:
        session = self.session
        return session.state, session.user, session.question, session.deadline, session.max_message_bytes

    def _check(self, before: State, told: Sequence[Effect], row: str = "") -> None:
        """Hold the session to every invariant after a step, and to the row of the table that is due."""
        state = self.session.state
        if before is State.CLOSED:
            require((told, state) == ((), State.CLOSED), "nothing after the end", told)
        self._check_effects(before, told, state)
        self._check_places(before, told, state)
        replies = [unpack(self.codec, effect.payload) for effect in told if isinstance(effect, Send)]
        self._check_replies(before, replies, state)
        self._check_user(state)
        deadline, expected = self.session.deadline, self._account.deadline(state)
        require(deadline == expected, "deadlines", f"{deadline}, expected {expected}")
        did = done(self.codec, told, before, state)
        if row and before is not State.CLOSED:
            cell = due(row, before)
            require(
                did == cell,
                "budgets" if row in BUDGET_ROWS else "table",
                f"{row} in {before.value}: {did}, expected {cell}",
            )
        self.told, self.was_refused = f"{' '.join(type(effect).__name__ for effect in told)}: {did}", False

    def _check_effects(self, before: State, told: Sequence[Effect], state: State) -> None:
        kinds = [type(effect) for effect in told]
        if before is not State.CONNECTED:
            names = {effect.name for effect in told if isinstance(effect, Send)}
            require(names <= {"challenge", "connect", "disconnect"}, "strangers", told)
        require(Close not in kinds[:-1], "nothing after the end", told)
        require(Close not in kinds or state is State.CLOSED, "nothing after the end", state)
        asked = self._account.asked
        require(self.session.question == (None if asked is None else asked.question), "questions", told)
        require(sum(isinstance(effect, Question) for effect in told) <= 1, "questions", told)

    def _check_places(self, before: State, told: Sequence[Effect], state: State) -> None:
        has_left = before is State.CONNECTED and state is not State.CONNECTED
        require(sum(isinstance(effect, Release) for effect in told) == has_left, "places", told)
        if has_left:
            self._account.leave(state, self.now)

    def _check_replies(self, before: State, replies: Sequence[Plain], state: State) -> None:
        pending = self._pending
        require(len(replies) <= 1, "replies", replies)
        for reply in replies:
            about = (reply["type"], reply["name"], reply["conversation"])
            require(pending and about == ("reply", pending.name, pending.conversation), "replies", reply)
            require(reply["time"] > self._last_time, "times", reply)
            self._last_time = reply["time"]
        if pending is None:
            return
        is_due = pending.must_be_answered(before)
        require(is_due or not replies, "strangers", replies)
        if self._account.asked is not None and state is not State.CLOSED:
            return  # it is still under way
        require(replies or not is_due or state is State.CLOSED, "replies", f"none to {pending.name}")
        self._pending = None

    def _check_user(self, state: State) -> None:
        user = self.session.user
        require((user is not None) == (state is State.CONNECTED), "users", user)
        require((user.name if user is not None else "") == self._account.user, "users", user)
