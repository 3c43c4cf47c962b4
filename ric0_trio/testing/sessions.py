"""One server's session in any state, its client played by the test."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from ric0_trio.protocol import Codec, Effect, Send, ServerProfile, ServerSession, SessionLimits, State
from ric0_trio.testing.answers import ADMITTED, Decision, answer_to
from ric0_trio.testing.clock import START
from ric0_trio.testing.messages import CHALLENGE, CONNECT, DISCONNECT, Plain, pack, unpack
from ric0_trio.testing.people import server_profile

WAY_TO: Final = MappingProxyType(
    {
        State.OPEN: (),
        State.CHALLENGED: (CHALLENGE,),
        State.CONNECTED: (CHALLENGE, CONNECT),
        State.DISCONNECTED: (CHALLENGE, CONNECT, DISCONNECT),
    }
)
"""The requests that bring a new session into each state but `CLOSED`."""


def server_in(
    state: State, codec: Codec, profile: ServerProfile | None = None, limits: SessionLimits | None = None
) -> ServerSession:
    """A new session of the server, brought into `state` at `START`, the way a client would."""
    session = ServerSession(profile or server_profile(), limits or SessionLimits(), codec, START)
    for plain in WAY_TO.get(state, ()):
        give(session, codec, plain)
    if state is State.CLOSED:
        session.connection_lost(START)
    if session.state is not state:
        raise ValueError(f"no way to {state.value} with these limits: it is {session.state.value}")
    return session


def give(session: ServerSession, codec: Codec, plain: object, now: float = START) -> list[Effect]:
    """Let the session receive one message, and answer what it asks. Gives what it told, questions left out."""
    return settle(session, session.receive(pack(codec, plain), now), now)


def settle(session: ServerSession, effects: Iterable[Effect], now: float, verdict: Decision = ADMITTED) -> list[Effect]:
    """Answer questions until there is none. Gives `effects`, and what was told meanwhile, questions left out."""
    told = list(effects)
    while (question := session.question) is not None:
        told.remove(question)
        told += session.answer(answer_to(question, verdict), now)
    return told


def the_reply(codec: Codec, effects: Iterable[Effect]) -> Plain:
    """Decode the one message that was sent. Raises `ValueError` when it is none, or more."""
    (payload,) = [effect.payload for effect in effects if isinstance(effect, Send)]
    return unpack(codec, payload)
