"""A client's session in any state, its server played by the test."""

from collections.abc import Callable, Sequence

from ric0_trio.protocol import (
    ClientSession,
    ClientState,
    Close,
    Codec,
    Effect,
    ServerFailed,
)
from ric0_trio.testing import (
    NONCE,
    START,
    Plain,
    challenge_reply_data,
    client_profile,
    connect_reply_data,
    ed25519_key,
    pack,
    request,
)

PROFILE = client_profile()
OTHER_KEY = ed25519_key(7)
SIGNED = challenge_reply_data()
WELCOME = connect_reply_data()


def reply(name: str, status: str, data: object, conversation: int, **changes: object) -> Plain:
    return {**request(name, data, conversation, type="reply", status=status), **changes}


GOOD_SIGNED = reply("challenge", "success", SIGNED, 0)
GOOD_WELCOME = reply("connect", "success", WELCOME, 2)


def client_in(state: ClientState, codec: Codec, now: float = START) -> ClientSession:
    """Bring a new client's session into `state`, its server played by this function."""
    session = ClientSession(codec, NONCE)
    steps: list[Callable[[], object]] = [
        lambda: session.challenge(now),
        lambda: (session.receive(pack(codec, GOOD_SIGNED), now), session.answer(True, now)),
        lambda: (session.connect(PROFILE, now), session.answer(b"proof", now)),
        lambda: session.receive(pack(codec, GOOD_WELCOME), now),
        lambda: session.disconnect(None, now),
    ]
    for step in steps:
        if session.state is not state:
            step()
    if state is ClientState.CLOSED:
        session.connection_lost(now)
    assert session.state is state
    return session


def check_failed(session: ClientSession, effects: Sequence[Effect], code: int, *, identity: bool) -> None:
    failure, close = effects
    assert isinstance(failure, ServerFailed)
    assert isinstance(close, Close)
    assert (failure.identity, close.code) == (identity, code)
    assert len(close.reason.encode()) <= 123
    assert (session.state, session.deadline, session.question) == (ClientState.CLOSED, None, None)
