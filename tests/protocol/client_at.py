"""A client's session in any state, its server played by the test."""

from collections.abc import Callable, Sequence

from ric0_trio.protocol import (
    ClientProfile,
    ClientSession,
    ClientState,
    Close,
    Codec,
    Effect,
    ServerFailed,
)
from tests.protocol.pair import (
    CLIENT_APP,
    NONCE,
    SERVER_APP,
    SERVER_KEY,
    START,
    Plain,
    base64_of,
    ed25519_key,
    pack,
    request,
    server_profile,
    user,
)

PROFILE = ClientProfile(user=user(), app=CLIENT_APP)
OTHER_KEY = ed25519_key(7)
SIGNED: Plain = {"pubkey": SERVER_KEY.public, "challenge_response": base64_of(SERVER_KEY.sign(NONCE))}
WELCOME: Plain = {"server_app": SERVER_APP, "server_identity": server_profile().info}


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
