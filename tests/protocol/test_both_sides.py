"""A client and a server back to back, with anything happening at any time: late answers, kicks, loss of the wire."""

from typing import Any, ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ric0_trio.protocol import (
    REFUSALS,
    Admit,
    Admitted,
    ClientState,
    CloseCode,
    Codec,
    Kick,
    PrivateKey,
    PublicKey,
    Refused,
    ServerSession,
    Verify,
)
from ric0_trio.testing import SERVER_KEY, USER_KEY, Side
from tests.protocol import wrong_sessions as wrong
from tests.protocol.breakable import BreakablePair
from tests.protocol.pair import CODECS
from tests.protocol.walk_account import InvariantError

CLIENT, SERVER = "client", "server"
sides = st.sampled_from([CLIENT, SERVER])
verdicts = st.just(Admitted()) | st.sampled_from(sorted(REFUSALS)).map(Refused)
keys = st.sampled_from([SERVER_KEY] * 4 + [USER_KEY])
expected_keys = st.sampled_from([None, SERVER_KEY.public, SERVER_KEY.public, USER_KEY.public])
is_now = st.integers(0, 9).map(lambda number: number == 0)
"""Whether an end that could come at any time comes now: if it always did, nothing else would ever happen."""


class BothSides(RuleBasedStateMachine):
    """One connection after another. What outlives its connection, a question to the access rules, is answered later."""

    server_type: type[ServerSession] = ServerSession
    codecs: ClassVar[list[Codec]] = list(CODECS.values())

    def __init__(self) -> None:
        super().__init__()
        self.pair = BreakablePair(CODECS["json"])
        self.left_over: list[BreakablePair] = []

    def side(self, name: str) -> Side:
        return self.pair.client_side if name == CLIENT else self.pair.server_side

    def is_asked(self, name: str) -> bool:
        return self.side(name).session.question is not None

    def can_read(self, name: str) -> bool:
        inbox = self.side(name).inbox
        return bool(inbox) and (inbox[0] is None or not self.is_asked(name))

    # Connections come and go

    @initialize(data=st.data(), signs_with=keys, expected_key=expected_keys)
    def begin(self, data: st.DataObject, signs_with: PrivateKey, expected_key: PublicKey | None) -> None:
        codec = data.draw(st.sampled_from(self.codecs))
        self.pair = BreakablePair(
            codec, self.pair.now, signs_with=signs_with, expected_key=expected_key, server_type=self.server_type
        )

    @precondition(lambda self: self.pair.is_over)
    @rule(data=st.data(), signs_with=keys, expected_key=expected_keys)
    def come_back(self, data: st.DataObject, signs_with: PrivateKey, expected_key: PublicKey | None) -> None:
        self.left_over.append(self.pair)
        self.begin(data, signs_with, expected_key)

    @rule(is_now=is_now, client_still_gets=st.integers(0, 2), server_still_gets=st.integers(0, 2))
    def break_wire(self, is_now: bool, client_still_gets: int, server_still_gets: int) -> None:
        if is_now:
            self.pair.break_wire(client_still_gets, server_still_gets)

    @precondition(lambda self: self.pair.is_broken)
    @rule(name=sides)
    def notice_loss(self, name: str) -> None:
        self.pair.notice_loss(self.side(name))

    @rule(is_now=is_now)
    def vanish(self, is_now: bool) -> None:
        """The client goes without a word."""
        if is_now:
            self.pair.notice_loss(self.pair.client_side)
            self.pair.server_side.inbox.append(None)

    # What the client does

    @precondition(lambda self: self.pair.client.state is ClientState.OPEN)
    @rule()
    def challenge(self) -> None:
        self.pair.carry_out(self.pair.client_side, self.pair.client.challenge(self.pair.now))

    @precondition(lambda self: self.pair.client.state is ClientState.VERIFIED)
    @rule()
    def connect(self) -> None:
        self.pair.carry_out(self.pair.client_side, self.pair.client.connect(self.pair.profile, self.pair.now))

    @precondition(lambda self: self.pair.client.state is ClientState.CONNECTED)
    @rule(reason=st.none() | st.just("good night"))
    def disconnect(self, reason: str | None) -> None:
        self.pair.carry_out(self.pair.client_side, self.pair.client.disconnect(reason, self.pair.now))

    @rule(steps=st.integers(1, 8))
    def go_on(self, steps: int) -> None:
        """All goes well for a while: the client asks what comes next, and everything arrives and is answered."""
        pair = self.pair
        match pair.client.state:
            case ClientState.OPEN:
                pair.carry_out(pair.client_side, pair.client.challenge(pair.now))
            case ClientState.VERIFIED:
                pair.carry_out(pair.client_side, pair.client.connect(pair.profile, pair.now))
        for _ in range(steps):
            busy = [name for name in (CLIENT, SERVER) if self.is_asked(name) or self.can_read(name)]
            if busy and self.is_asked(busy[0]):
                pair.give(self.side(busy[0]), pair.right_answer(self.side(busy[0])))
            elif busy:
                pair.deliver(self.side(busy[0]))

    # What the server does

    @rule(
        is_now=is_now,
        code=st.sampled_from([CloseCode.BANNED, CloseCode.KICKED, CloseCode.REPLACED, CloseCode.TRY_AGAIN_LATER]),
    )
    def kick(self, is_now: bool, code: CloseCode) -> None:
        if is_now:
            self.pair.carry_out(self.pair.server_side, self.pair.server.kick(Kick(code, "out"), self.pair.now))

    @rule(is_now=is_now)
    def shut_down(self, is_now: bool) -> None:
        if is_now:
            self.pair.carry_out(self.pair.server_side, self.pair.server.shutdown(self.pair.now))

    # What happens to both

    @precondition(lambda self: self.can_read(CLIENT) or self.can_read(SERVER))
    @rule(name=sides)
    def deliver(self, name: str) -> None:
        self.pair.deliver(self.side(name if self.can_read(name) else SERVER if name == CLIENT else CLIENT))

    @precondition(lambda self: self.is_asked(CLIENT) or self.is_asked(SERVER))
    @rule(name=sides, verdict=verdicts, is_wrong=is_now, is_late=is_now)
    def answer(self, name: str, verdict: Any, is_wrong: bool, is_late: bool) -> None:
        side = self.side(name if self.is_asked(name) else SERVER if name == CLIENT else CLIENT)
        result = self.pair.right_answer(side)
        if isinstance(side.session.question, Admit):
            result = verdict
        elif isinstance(side.session.question, Verify) and is_wrong:
            result = False
        if is_late:
            self.pair.now = max(self.pair.now, side.session.deadline or 0)
        self.pair.give(side, result)

    @rule(seconds=st.sampled_from([0.000001, 0.5, 1.0, 3.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.pair.now += seconds
        for side in self.pair.sides:
            self.pair.carry_out(side, side.session.handle_timeout(self.pair.now))

    @rule(name=sides, is_now=is_now)
    def reach_the_deadline(self, name: str, is_now: bool) -> None:
        if is_now:
            self.pair.reach_the_deadline(self.side(name))

    # What must hold

    @invariant()
    def it_holds(self) -> None:
        self.pair.check()

    def teardown(self) -> None:
        """In the end all are gone, every question is answered, and no place is taken."""
        for pair in [*self.left_over, self.pair]:
            for side in pair.sides:
                pair.notice_loss(side)
                if side.session.question is not None:
                    pair.give(side, pair.right_answer(side))
            pair.check()
            assert pair.is_over
            assert (pair.places, pair.server.question) == (0, None)


def test_both_sides() -> None:
    run_state_machine_as_test(BothSides, settings=settings(max_examples=400, stateful_step_count=50, deadline=None))


WRONG: dict[type[ServerSession], str] = {
    wrong.KeepsTheUser: "users",
    wrong.SpeaksAfterTheEnd: "nothing after the end",
    wrong.HasOneTime: "times",
    wrong.GivesThePlaceBackTwice: "places",
    wrong.HasNoDeadline: "deadlock",
}


@pytest.mark.parametrize(("session_type", "what"), WRONG.items(), ids=lambda one: getattr(one, "__name__", one))
def test_a_wrong_server_is_found(session_type: type[ServerSession], what: str) -> None:
    class WithAWrongServer(BothSides):
        server_type = session_type
        codecs: ClassVar = [CODECS["json"]]  # in which the faults are written

    hasty = settings(
        max_examples=300,
        stateful_step_count=50,
        deadline=None,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
    )
    with pytest.raises(InvariantError) as caught:
        run_state_machine_as_test(WithAWrongServer, settings=hasty)
    assert caught.value.invariant == what
