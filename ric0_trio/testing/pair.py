"""Two sessions wired back to back: a client and a server that need no socket and no event loop."""

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from ric0_trio.protocol import (
    Admit,
    ClientSession,
    Close,
    Codec,
    Effect,
    JsonCodec,
    PrivateKey,
    PublicKey,
    Question,
    Send,
    ServerSession,
    SessionLimits,
    Sign,
    Verify,
)
from ric0_trio.testing.answers import ADMITTED, Answer, Decision, answer_to
from ric0_trio.testing.clock import VirtualClock
from ric0_trio.testing.keys import SERVER_KEY, USER_KEY
from ric0_trio.testing.messages import NONCE
from ric0_trio.testing.people import client_profile, server_profile

_JSON: Final = JsonCodec()


@dataclass(eq=False)
class Side:
    """One of the two sessions, and what its adapter would have."""

    session: ServerSession | ClientSession
    answer: Callable[[Question], Answer]
    """What answers its questions: put yours in its place to test that."""
    inbox: deque[str | bytes | None] = field(default_factory=deque)
    """What is on its way to it, oldest first: payloads, and None for the end of the connection."""
    told: list[Effect] = field(default_factory=list)
    """All that it has told, questions included."""


class Pair:
    """A client's and a server's session, a wire between them that can be cut, and one clock.

    `challenge`, `connect` and `disconnect` are whole exchanges; stop one with `until`, or go on step by step with
    `deliver` and `answer`. Nothing is random, and no time passes but by `advance`.
    """

    def __init__(
        self,
        codec: Codec = _JSON,
        *,
        server_key: PrivateKey = SERVER_KEY,
        user_key: PrivateKey = USER_KEY,
        join_token: str | None = None,
        expected_key: PublicKey | None = None,
        verdict: Decision = ADMITTED,
        limits: SessionLimits | None = None,
        clock: VirtualClock | None = None,
    ) -> None:
        """Begin an open WebSocket. `expected_key` is the one that the client wants; None takes any."""
        self.clock = clock or VirtualClock()
        """What both sessions are told the time by."""
        self.verdict = verdict
        """Who may join, from now on."""
        self.profile = client_profile(user_key.public, join_token=join_token)
        """Whom `connect` wants to have let in."""
        self.client = ClientSession(codec, NONCE, expected_key)
        """The client's session."""
        self.server = ServerSession(server_profile(server_key.public), limits or SessionLimits(), codec, self.now)
        """The server's, which began when the pair did."""
        self.client_side = Side(self.client, lambda question: answer_to(question, key=user_key))
        """The client's session, with what is on its way to it and what it has told."""
        self.server_side = Side(self.server, lambda question: answer_to(question, self.verdict, server_key))
        """The same of the server's."""

    @property
    def now(self) -> float:
        """The present, in seconds since the epoch."""
        return self.clock.now()

    @property
    def admissions(self) -> list[Admit]:
        """All that the server has asked of who may join."""
        return [effect for effect in self.server_side.told if isinstance(effect, Admit)]

    # A client's whole exchanges

    def challenge(self, until: type[Sign] | None = None) -> Effect:
        """Have the server prove itself. Gives the last thing that the client told: `ServerVerified`, if all is well.

        With `until`, as in `connect`, it stops at the server's question.
        """
        return self._exchange(self.client.challenge(self.now), until)

    def connect(self, until: type[Verify | Admit] | None = None) -> Effect:
        """Have the user let in. Gives the last thing that the client told: `Connected`, if all is well.

        With `until`, it stops as soon as the server asks a question of that type, leaves it open, and gives it; go on
        with `settle`. Raises `AssertionError` when that is never asked.
        """
        return self._exchange(self.client.connect(self.profile, self.now), until)

    def disconnect(self, reason: str | None = None) -> Effect:
        """Have the user leave. Gives the last thing that the client told: `Disconnected`, if all is well."""
        return self._exchange(self.client.disconnect(reason, self.now), None)

    # Time, and the wire

    def advance(self, seconds: float) -> None:
        """Let time pass. Each session is told of its deadline just when it comes; nothing is delivered meanwhile."""
        end = self.now + seconds
        while (next_due := min(self._deadlines(), default=math.inf)) <= end:
            self.clock.advance_to(max(next_due, self.now))
            for side in self._sides:
                self.carry_out(side, side.session.handle_timeout(self.now))
        self.clock.advance_to(end)

    def cut(self) -> None:
        """Cut the wire. What is on its way is lost, and both sides learn of it now; open questions stay open."""
        for side in self._sides:
            side.inbox.clear()
            self.carry_out(side, side.session.connection_lost(self.now))

    # Step by step

    def carry_out(self, side: Side, effects: Iterable[Effect]) -> None:
        """Take what a session has just told: messages and closes are on their way to the other side from now on."""
        for effect in effects:
            side.told.append(effect)
            match effect:
                case Send(payload):
                    self._other(side).inbox.append(payload)
                case Close():
                    self._other(side).inbox.append(None)

    def deliver(self, side: Side) -> None:
        """Let a side take the oldest thing on its way to it: a payload only while it asks nothing.

        Raises `LookupError` when nothing is on its way.
        """
        payload = side.inbox.popleft()
        if payload is None:
            self.carry_out(side, side.session.connection_lost(self.now))
        else:
            self.carry_out(side, side.session.receive(payload, self.now))

    def answer(self, side: Side) -> None:
        """Answer the open question of a side. Raises `LookupError` when there is none."""
        if side.session.question is None:
            raise LookupError("this side asks nothing")
        result: Any = side.answer(side.session.question)
        self.carry_out(side, side.session.answer(result, self.now))

    def settle(self, until: type[Question] | None = None) -> None:
        """Deliver and answer until nothing is in flight, or the server asks a question of type `until`."""
        while busy := [side for side in self._sides if side.session.question or side.inbox]:
            for side in busy:
                if until is not None and side is self.server_side and isinstance(side.session.question, until):
                    return
                if side.session.question:
                    self.answer(side)
                else:
                    self.deliver(side)
        if until is not None:
            raise AssertionError(f"the server never asked {until.__name__}")

    @property
    def _sides(self) -> tuple[Side, Side]:
        return self.client_side, self.server_side

    def _deadlines(self) -> list[float]:
        deadlines = (side.session.deadline for side in self._sides)
        return [deadline for deadline in deadlines if deadline is not None]

    def _other(self, side: Side) -> Side:
        return self.server_side if side is self.client_side else self.client_side

    def _exchange(self, effects: Iterable[Effect], until: type[Question] | None) -> Effect:
        self.carry_out(self.client_side, effects)
        self.settle(until)
        return self.client_side.told[-1] if until is None else self.server_side.told[-1]
