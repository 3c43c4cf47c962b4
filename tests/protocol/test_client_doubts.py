"""What a client does not believe: the server is a stranger until it has proved who it is."""

import pytest

from ric0_trio.protocol import (
    ClientState,
    Codec,
    ConnectRefused,
    Disconnected,
    Verify,
)
from ric0_trio.testing import NONCE, SERVER_KEY, START, USER_KEY, Plain, base64_of, pack, request, server_profile
from tests.protocol.client_at import (
    GOOD_SIGNED,
    GOOD_WELCOME,
    OTHER_KEY,
    SIGNED,
    WELCOME,
    check_failed,
    client_in,
    reply,
)
from tests.protocol.pair import Pair, without

BAD_PROOFS: dict[str, tuple[Plain, int]] = {
    "no base64": ({**SIGNED, "challenge_response": "?"}, 1008),
    "second spelling": ({**SIGNED, "challenge_response": SIGNED["challenge_response"] + "\n"}, 1008),
    "no signature": (without(SIGNED, "challenge_response"), 1007),
    "no key": (without(SIGNED, "pubkey"), 1007),
    "a bad key": ({**SIGNED, "pubkey": {"key": "????", "format": "ed25519-sha512"}}, 1007),
}


@pytest.mark.parametrize("case", BAD_PROOFS)
def test_a_server_that_proves_nothing(codec: Codec, case: str) -> None:
    data, code = BAD_PROOFS[case]
    session = client_in(ClientState.CHALLENGING, codec)
    effects = session.receive(pack(codec, reply("challenge", "success", data, 0)), START)
    check_failed(session, effects, code, identity=code == 1008)


@pytest.mark.parametrize("signature", [b"", bytes(64), OTHER_KEY.sign(NONCE), SERVER_KEY.sign(b"something else")])
def test_a_wrong_signature(codec: Codec, signature: bytes) -> None:
    session = client_in(ClientState.CHALLENGING, codec)
    data = {**SIGNED, "challenge_response": base64_of(signature)}
    (question,) = session.receive(pack(codec, reply("challenge", "success", data, 0)), START)
    assert isinstance(question, Verify)
    check_failed(session, session.answer(question.answer(), START), 1008, identity=True)
    assert session.server_key is None


@pytest.mark.parametrize("status", ["invalid_challenge", "unknown_error", "no_such_status"])
def test_a_server_that_does_not_sign(codec: Codec, status: str) -> None:
    session = client_in(ClientState.CHALLENGING, codec)
    check_failed(session, session.receive(pack(codec, reply("challenge", status, {}, 0)), START), 1008, identity=True)


def test_a_welcome_from_another_key_than_the_proved_one(codec: Codec) -> None:
    session = client_in(ClientState.CONNECTING, codec)
    welcome = {**WELCOME, "server_identity": server_profile(OTHER_KEY.public).info}
    check_failed(
        session, session.receive(pack(codec, reply("connect", "success", welcome, 2)), START), 1008, identity=True
    )


def test_a_refusal_of_a_status_that_is_not_known(codec: Codec) -> None:
    session = client_in(ClientState.CONNECTING, codec)
    effects = session.receive(pack(codec, reply("connect", "too_tired", {"unknown": 1}, 2)), START)
    assert effects == (ConnectRefused("too_tired", None),)


def test_the_answers_to_disconnect(codec: Codec) -> None:
    for status in ("success", "not_connected"):
        session = client_in(ClientState.DISCONNECTING, codec)
        assert session.receive(pack(codec, reply("disconnect", status, {}, 4)), START) == (Disconnected(),)
        assert session.state is ClientState.VERIFIED
    for status in ("already_connected", "unknown_error", "s"):
        session = client_in(ClientState.DISCONNECTING, codec)
        effects = session.receive(pack(codec, reply("disconnect", status, {}, 4)), START)
        check_failed(session, effects, 1008, identity=False)


NOT_ASKED = {
    "another name": reply("ping", "success", {}, 0),
    "another id": {**GOOD_SIGNED, "conversation": 10},
    "the challenge's reply": GOOD_SIGNED,
    "the welcome": GOOD_WELCOME,
    "a goodbye": reply("disconnect", "success", {}, 4),
}
DUE = {
    ClientState.CHALLENGING: "the challenge's reply",
    ClientState.CONNECTING: "the welcome",
    ClientState.DISCONNECTING: "a goodbye",
}
STATES = [state for state in ClientState if state is not ClientState.CLOSED]


@pytest.mark.parametrize("case", NOT_ASKED)
@pytest.mark.parametrize("state", STATES)
def test_a_reply_out_of_turn(codec: Codec, state: ClientState, case: str) -> None:
    session = client_in(state, codec)
    effects = session.receive(pack(codec, NOT_ASKED[case]), START)
    if DUE.get(state) == case:
        assert session.state is not ClientState.CLOSED
    else:
        check_failed(session, effects, 1008, identity=False)


@pytest.mark.parametrize("state", STATES)
def test_bad_bytes(codec: Codec, state: ClientState) -> None:
    right = pack(codec, GOOD_SIGNED)
    wrong_kind = right.encode() if isinstance(right, str) else right.decode("latin-1")
    undecodable = right[:-1]
    for payload, code in ((wrong_kind, 1003), (undecodable, 1007), (pack(codec, {}), 1007)):
        session = client_in(state, codec)
        check_failed(session, session.receive(payload, START), code, identity=False)


@pytest.mark.parametrize("state", STATES)
def test_what_a_server_says_of_itself_is_ignored(codec: Codec, state: ClientState) -> None:
    session = client_in(state, codec)
    message = without(request("news", {}, type="message"), "conversation")
    for plain in (message, request("poll", {}, 1), request("poll", None, 2)):
        assert session.receive(pack(codec, plain), START) == ()
    assert session.state is state


def test_a_server_that_shows_the_users_own_key(codec: Codec) -> None:
    """Its proof would be one for that key's owner: only they can have signed, so somebody has the user's key."""
    pair = Pair(codec, server_key=USER_KEY)
    pair.challenge()
    effects = pair.client.connect(pair.profile, START)
    check_failed(pair.client, effects, 1008, identity=True)
