"""Two sessions back to back on a wire that can break, watched: what must hold of both, whatever happens."""

from collections.abc import Iterable
from typing import Any

from ric0_trio.protocol import (
    Admit,
    Admitted,
    ClientState,
    Close,
    Codec,
    Connected,
    Effect,
    PrivateKey,
    PublicKey,
    Release,
    Send,
    ServerSession,
    ServerVerified,
    Sign,
    State,
)
from ric0_trio.testing import SERVER_KEY, START, Side, answer_to, server_profile, unpack
from tests.protocol.pair import Pair
from tests.protocol.walk_account import LIMITS, require

MAY_MEET: dict[ClientState, set[State]] = {
    ClientState.OPEN: {State.OPEN},
    ClientState.CHALLENGING: {State.OPEN, State.CHALLENGED},
    ClientState.VERIFIED: {State.CHALLENGED, State.DISCONNECTED},
    ClientState.CONNECTING: {State.CHALLENGED, State.DISCONNECTED, State.CONNECTED},
    ClientState.CONNECTED: {State.CONNECTED},
    ClientState.DISCONNECTING: {State.CONNECTED, State.DISCONNECTED},
    ClientState.CLOSED: set(State),
}
"""In which states the server can be, while its client is in one. Either may be CLOSED already."""


class BreakablePair(Pair):
    """A pair of which the wire can break; every effect of either side is looked at as it comes."""

    def __init__(
        self,
        codec: Codec,
        now: float = START,
        *,
        signs_with: PrivateKey = SERVER_KEY,
        expected_key: PublicKey | None = None,
        server_type: type[ServerSession] = ServerSession,
    ) -> None:
        super().__init__(codec, expected_key=expected_key)
        self.now = now
        self.codec = codec
        self.server = server_type(server_profile(), LIMITS, codec, now)
        self.server_side = Side(self.server, lambda question: answer_to(question, key=signs_with))
        self.sides = (self.client_side, self.server_side)
        self.is_broken = False
        self.is_honest = signs_with is SERVER_KEY and expected_key in (None, SERVER_KEY.public)
        self.places = 0
        """Places that are taken now: one for each "admitted", until it is given back."""
        self._has_admitted = False
        self._last_time = {id(side): "" for side in self.sides}

    @property
    def is_over(self) -> bool:
        return self.client.state is ClientState.CLOSED and self.server.state is State.CLOSED

    def carry_out(self, side: Side, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self._look(side, effect)
            super().carry_out(side, [effect])
        if self.is_broken:
            self._lose_what_is_on_its_way()

    def give(self, side: Side, result: Any) -> None:
        """Answer the open question of a side."""
        assert side.session.question is not None
        if isinstance(result, Admitted):
            self.places += 1
            self._has_admitted = True
        self.carry_out(side, side.session.answer(result, self.now))

    def right_answer(self, side: Side) -> Any:
        assert side.session.question is not None
        return side.answer(side.session.question)

    def reach_the_deadline(self, side: Side) -> None:
        self.now = max(self.now, side.session.deadline or 0)
        self.carry_out(side, side.session.handle_timeout(self.now))

    def break_wire(self, client_still_gets: int, server_still_gets: int) -> None:
        """Lose all that is on its way but the first few; each side finds out when it comes to the end."""
        for side, number in zip(self.sides, (client_still_gets, server_still_gets), strict=True):
            kept = list(side.inbox)[:number]
            side.inbox.clear()
            side.inbox.extend(kept)
            if None not in kept:
                side.inbox.append(None)
        self.is_broken = True

    def notice_loss(self, side: Side) -> None:
        """Have one side find out before it has read what came."""
        side.inbox.clear()
        self.carry_out(side, side.session.connection_lost(self.now))

    def _lose_what_is_on_its_way(self) -> None:
        """Nothing more gets on a broken wire: what stands behind the end was sent after it."""
        for side in self.sides:
            while None in side.inbox and side.inbox[-1] is not None:
                side.inbox.pop()
            while side.inbox.count(None) > 1:
                side.inbox.pop()

    # What must hold

    def _look(self, side: Side, effect: Effect) -> None:
        has_closed = any(isinstance(earlier, Close) for earlier in side.told)
        require(not has_closed or isinstance(effect, Release), "nothing after the end", effect)
        match effect:
            case Send(payload, name):
                time = unpack(self.codec, payload)["time"]
                require(time > self._last_time[id(side)], "times", effect)
                self._last_time[id(side)] = time
                if side is self.client_side and name == "connect":
                    self._look_whether_verified(effect)
            case Sign() if side is self.client_side:
                self._look_whether_verified(effect)
            case Connected():
                require(self._has_admitted, "users", effect)
            case Release():
                self.places -= 1
                require(self.places >= 0, "places", effect)
            case Admit():
                require(side is self.server_side, "questions", effect)

    def _look_whether_verified(self, effect: Effect) -> None:
        """Nobody but a server that has proved the right key gets a proof."""
        told = self.client_side.told
        require(self.is_honest and ServerVerified(SERVER_KEY.public) in told, "unverified", effect)

    def check(self) -> None:
        """Look at both sides between two steps."""
        client, server = self.client, self.server
        if State.CLOSED is not server.state:
            require(server.state in MAY_MEET[client.state], "states", (client.state, server.state))
        require((server.user is not None) == (server.state is State.CONNECTED), "users", server.user)
        require(self.places == (server.state is State.CONNECTED), "places", self.places)
        require(self.is_honest or client.server_key is None, "unverified", client.server_key)
        if self.is_over or (client.state, server.state) == (ClientState.CONNECTED, State.CONNECTED):
            return
        moves = [side.session.deadline is not None or bool(side.inbox) for side in self.sides]
        require(any(moves), "deadlock", (client.state, server.state))
