"""A client and a server back to back, while anything may happen to them at any point."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ric0_trio.protocol import (
    Admit,
    Admitted,
    ClientState,
    Close,
    CloseCode,
    Codec,
    Kick,
    Refused,
    Release,
    Send,
    Sign,
    State,
    Status,
    Verify,
)
from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    Side,
    connect_data,
    pack,
    request,
)
from tests.protocol.pair import CODECS, Pair

KICKS = [Kick(CloseCode.BANNED, "banned"), Kick(CloseCode.REPLACED, "")]
VERDICTS = [Admitted(), Admitted(), Refused(Status.UNRECOGNISED_USER)]
FOREIGN = [
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    request("connect", connect_data(challenge="Zg=="), 2),
    request("connect", {}, 2),
    request("poll", {}, 2),
    {},
]


class Conversation(RuleBasedStateMachine):
    """Places are counted where the store would count them: taken with `Admitted`, given back with `Release`."""

    @initialize(codec=st.sampled_from(list(CODECS.values())), calm=st.integers(0, 6))
    def begin(self, codec: Codec, calm: int) -> None:
        self.codec = codec
        self.calm = calm
        """How often the two go on before anything may go wrong: else few would ever connect."""
        self.pair = Pair(codec)
        self.client, self.server = self.pair.client, self.pair.server
        self.taken = 0
        self.alone = True
        """Nobody else has put messages on the client's wire: the two sessions must agree."""

    # What the client's user does

    @precondition(lambda self: self.client.state is ClientState.OPEN)
    @rule()
    def challenge(self) -> None:
        self.pair.carry_out(self.pair.client_side, self.client.challenge(self.pair.now))

    @precondition(lambda self: self.client.state is ClientState.VERIFIED)
    @rule()
    def connect(self) -> None:
        self.pair.carry_out(self.pair.client_side, self.client.connect(self.pair.profile, self.pair.now))

    @precondition(lambda self: self.client.state is ClientState.CONNECTED)
    @rule(reason=st.sampled_from([None, "bye"]))
    def disconnect(self, reason: str | None) -> None:
        self.pair.carry_out(self.pair.client_side, self.client.disconnect(reason, self.pair.now))

    # What the wire and the adapters do

    def can_take(self, side: Side) -> bool:
        return bool(side.inbox) and (side.inbox[0] is None or side.session.question is None)

    @precondition(lambda self: self.can_take(self.pair.server_side))
    @rule()
    def deliver_to_server(self) -> None:
        self.pair.deliver(self.pair.server_side)

    @precondition(lambda self: self.can_take(self.pair.client_side))
    @rule()
    def deliver_to_client(self) -> None:
        self.pair.deliver(self.pair.client_side)

    @precondition(lambda self: self.server.question is not None)
    @rule(verdict=st.sampled_from(VERDICTS))
    def answer_server(self, verdict: Admitted | Refused) -> None:
        self.pair.verdict = verdict
        self.taken += isinstance(self.server.question, Admit) and isinstance(verdict, Admitted)
        self.pair.answer(self.pair.server_side)

    @precondition(lambda self: self.client.question is not None)
    @rule()
    def answer_client(self) -> None:
        self.pair.answer(self.pair.client_side)

    @rule(steps=st.integers(1, 15))
    def go_on(self, steps: int) -> None:
        self.calm -= 1
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        """What comes next where nothing goes wrong."""
        if self.server.question is not None:
            self.answer_server(Admitted())
        elif self.client.question is not None:
            self.answer_client()
        elif waiting := [side for side in self.sides() if side.inbox]:
            self.pair.deliver(waiting[0])
        elif self.client.state is ClientState.OPEN:
            self.challenge()
        elif self.client.state is ClientState.VERIFIED:
            self.connect()
        elif self.client.state is ClientState.CONNECTED:
            self.disconnect(None)

    @precondition(lambda self: self.calm <= 0 and self.server.question is None)
    @rule(plain=st.sampled_from(FOREIGN))
    def something_foreign_arrives(self, plain: object) -> None:
        self.alone = False
        self.pair.carry_out(self.pair.server_side, self.server.receive(pack(self.codec, plain), self.pair.now))

    # What ends it

    @precondition(lambda self: self.calm <= 0)
    @rule(cause=st.sampled_from(KICKS))
    def kick(self, cause: Kick) -> None:
        self.pair.carry_out(self.pair.server_side, self.server.kick(cause, self.pair.now))

    @precondition(lambda self: self.calm <= 0)
    @rule()
    def shutdown(self) -> None:
        self.pair.carry_out(self.pair.server_side, self.server.shutdown(self.pair.now))

    @precondition(lambda self: self.calm <= 0)
    @rule()
    def the_wire_breaks(self) -> None:
        for side in self.sides():
            side.inbox.clear()
            side.inbox.append(None)

    @precondition(lambda self: self.calm <= 0)
    @rule(seconds=st.sampled_from([0.0, 0.5, 4.0]))
    def time_passes(self, seconds: float) -> None:
        self.pair.now += seconds
        for side in self.sides():
            self.pair.carry_out(side, side.session.handle_timeout(self.pair.now))

    @precondition(lambda self: self.calm <= 0)
    @rule(on_the_server=st.booleans())
    def a_deadline_passes(self, on_the_server: bool) -> None:
        side = self.pair.server_side if on_the_server else self.pair.client_side
        if side.session.deadline is not None:
            self.pair.now = max(self.pair.now, side.session.deadline)
            self.pair.carry_out(side, side.session.handle_timeout(self.pair.now))
            assert isinstance(side.told[-1], Close)

    # What always holds

    def sides(self) -> tuple[Side, Side]:
        return self.pair.server_side, self.pair.client_side

    def asked(self) -> bool:
        return any(side.session.question is not None for side in self.sides())

    @invariant()
    def a_user_is_there_while_connected(self) -> None:
        assert (self.server.user is not None) == (self.server.state is State.CONNECTED)

    @invariant()
    def every_place_is_given_back_once(self) -> None:
        released = sum(isinstance(effect, Release) for effect in self.pair.server_side.told)
        assert self.taken - released == (self.server.state is State.CONNECTED)

    @invariant()
    def nothing_but_a_release_follows_a_close(self) -> None:
        for side, allowed in ((self.pair.server_side, 1), (self.pair.client_side, 0)):
            kinds = [type(effect) for effect in side.told]
            behind = kinds[kinds.index(Close) + 1 :] if Close in kinds else []
            assert behind in ([], [Release][:allowed])

    @invariant()
    def a_stranger_causes_nothing_but_replies(self) -> None:
        if self.taken == 0:
            assert all(
                isinstance(effect, Send | Close | Sign | Verify | Admit) for effect in self.pair.server_side.told
            )

    @invariant()
    def both_agree_when_nothing_is_in_flight(self) -> None:
        if self.alone and not self.asked() and not any(side.inbox for side in self.sides()):
            connected = (self.client.state is ClientState.CONNECTED, self.server.state is State.CONNECTED)
            assert connected[0] == connected[1]
            assert self.client.deadline is None


Conversation.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestConversation = Conversation.TestCase
