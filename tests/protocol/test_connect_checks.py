"""The checks of `connect`, in their order: the first that fails answers."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from ric0_trio.protocol import (
    REFUSALS,
    Admit,
    Admitted,
    Codec,
    Refused,
    ServerSession,
    Sign,
    State,
    Status,
    Verify,
)
from ric0_trio.testing import (
    CHALLENGE,
    CLIENT_APP,
    SERVER_KEY,
    START,
    USER_KEY,
    Plain,
    base64_of,
    connect_data,
    ed25519_key,
    give,
    pack,
    request,
    rsa_key,
    server_profile,
    the_reply,
    user,
)
from tests.protocol.pair import RSA_FORMAT, answer_to, rsa_secret, server_in

ED25519_ONLY = server_profile(accepted_key_formats=frozenset({"ed25519-sha512"}))
FORGED = base64_of(bytes(64))


def spelled(key: str, key_format: str = "ed25519-sha512") -> Plain:
    """The identity of a user whose key is spelled like this."""
    return {
        "name": "Zoë",
        "type": "user",
        "pubkey": {"key": key, "format": key_format},
        "home_server": {"key": SERVER_KEY.public.key, "format": SERVER_KEY.public.format},
    }


# The first value breaks the check of that number, and passes those before it; 3 is broken by the state alone.
BROKEN_DATA: dict[int, tuple[Plain, str]] = {
    1: ({"user": spelled("????")}, "invalid_message"),
    4: ({"user": user(rsa_key().public)}, "disallowed_user"),
    5: ({"user": user(SERVER_KEY.public)}, "disallowed_user"),
    6: ({"challenge": FORGED}, "invalid_challenge"),
}
CASES = [
    # state, the broken values, the reply
    (State.OPEN, (1, 4, 6), "invalid_message"),
    (State.CHALLENGED, (1, 4, 6), "invalid_message"),
    (State.CONNECTED, (1, 4, 6), "invalid_message"),
    (State.CONNECTED, (4, 6), "already_connected"),
    (State.CONNECTED, (5, 6), "already_connected"),
    (State.CONNECTED, (6,), "already_connected"),
    (State.OPEN, (4, 6), "invalid_challenge"),
    (State.OPEN, (5,), "invalid_challenge"),
    (State.CHALLENGED, (4, 6), "disallowed_user"),
    (State.CHALLENGED, (5, 6), "disallowed_user"),
    (State.CHALLENGED, (6,), "invalid_challenge"),
    (State.DISCONNECTED, (4, 6), "disallowed_user"),
    (State.DISCONNECTED, (5, 6), "disallowed_user"),
    (State.DISCONNECTED, (6,), "invalid_challenge"),
]


@pytest.mark.parametrize(("state", "broken", "status"), CASES)
def test_the_first_check_that_fails_answers(codec: Codec, state: State, broken: tuple[int, ...], status: str) -> None:
    session = server_in(state, codec, ED25519_ONLY)
    changes: Plain = {}
    for check in reversed(broken):  # of two values for one key, the earlier check's stays
        changes |= BROKEN_DATA[check][0]
    reply = the_reply(codec, give(session, codec, request("connect", connect_data(**changes), 8)))
    assert (reply["status"], session.state) == (status, state)


def test_an_unaccepted_format_is_explained(codec: Codec) -> None:
    session = server_in(State.CHALLENGED, codec, ED25519_ONLY)
    reply = the_reply(codec, give(session, codec, request("connect", connect_data(rsa_key()), 2)))
    assert reply["data"] == {"disallowed_user_reason": "this server does not accept keys of that format"}


def test_an_unknown_format_is_not_accepted(codec: Codec) -> None:
    session = server_in(State.CHALLENGED, codec)
    data = connect_data(user=spelled("AAAA", "dilithium5"))
    reply = the_reply(codec, give(session, codec, request("connect", data, 2)))
    assert reply["status"] == "disallowed_user"


def test_the_servers_own_key_is_refused_without_a_reason(codec: Codec) -> None:
    session = server_in(State.CHALLENGED, codec)
    reply = the_reply(codec, give(session, codec, request("connect", connect_data(SERVER_KEY), 2)))
    assert (reply["status"], reply["data"]) == ("disallowed_user", {})


def test_a_user_of_each_format_is_let_in(codec: Codec) -> None:
    for key in (USER_KEY, rsa_key()):
        session = server_in(State.CHALLENGED, codec)
        give(session, codec, request("connect", connect_data(key), 2))
        assert session.user == user(key.public)


def test_a_server_of_each_format_lets_in(codec: Codec) -> None:
    for key in (SERVER_KEY, rsa_key()):
        session = server_in(State.CHALLENGED, codec, server_profile(key.public))
        give(session, codec, request("connect", connect_data(server_key=key.public), 2))
        assert session.state is State.CONNECTED


@pytest.mark.parametrize(
    "proof",
    [
        "",
        "no base64",
        "Zg",
        "Zh==",
        FORGED,
        base64_of(bytes(63)),
        base64_of(USER_KEY.sign(bytes(SERVER_KEY.public)))[:-4] + "\n",
        base64_of(USER_KEY.sign(b"another server's key")),
        base64_of(ed25519_key(9).sign(bytes(SERVER_KEY.public))),
        base64_of(rsa_key().sign(bytes(SERVER_KEY.public))),
        base64_of(USER_KEY.sign(SERVER_KEY.public.key.encode())),  # over the text of the key, not its bytes
    ],
)
def test_a_forged_proof(codec: Codec, proof: str) -> None:
    session = server_in(State.CHALLENGED, codec)
    reply = the_reply(codec, give(session, codec, request("connect", connect_data(challenge=proof), 2)))
    assert (reply["status"], reply["data"]) == ("invalid_challenge", {})
    assert session.state is State.CHALLENGED


def test_a_forged_rsa_proof(codec: Codec) -> None:
    session = server_in(State.CHALLENGED, codec)
    proof = base64_of(rsa_key().sign(b"another server's key"))
    reply = the_reply(codec, give(session, codec, request("connect", connect_data(rsa_key(), challenge=proof), 2)))
    assert reply["status"] == "invalid_challenge"


def spki_of_rsa() -> bytes:
    encoding, spki = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return rsa_secret().public_key().public_bytes(encoding, spki)


def pkcs1(bits: int, exponent: int = 65537) -> bytes:
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.PKCS1
    return rsa_secret(bits, exponent).public_key().public_bytes(encoding, form)


def last_bits_set(key: str) -> str:
    """Set the bits of the last character that stand for nothing: lax decoders read the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    end = len(key.rstrip("="))
    return key[: end - 1] + alphabet[alphabet.index(key[end - 1]) + 1] + key[end:]


KEY = USER_KEY.public.key
SECOND_SPELLINGS: dict[str, Callable[[], tuple[str, str]]] = {
    "bits that stand for nothing": lambda: (last_bits_set(KEY), USER_KEY.public.format),
    "line breaks": lambda: (KEY[:30] + "\n" + KEY[30:], USER_KEY.public.format),
    "a line break at the end": lambda: (KEY + "\n", USER_KEY.public.format),
    "a space": lambda: (" " + KEY, USER_KEY.public.format),
    "no padding": lambda: (KEY.rstrip("="), USER_KEY.public.format),
    "too much padding": lambda: (KEY + "=", USER_KEY.public.format),
    "the bare 32 bytes": lambda: (base64_of(bytes(USER_KEY.public)[12:]), USER_KEY.public.format),
    "the URL alphabet": lambda: (base64.urlsafe_b64encode(b"\xfb" * 44).decode(), "unknown"),
    "not ASCII": lambda: ("ÄÄÄÄ", "unknown"),
    "empty": lambda: ("", "unknown"),
    "too long": lambda: ("AAAA" * 257, "unknown"),
    "RSA as SubjectPublicKeyInfo": lambda: (base64_of(spki_of_rsa()), RSA_FORMAT),
    "RSA with bytes behind": lambda: (base64_of(pkcs1(2048) + b"\0"), RSA_FORMAT),
    "RSA of 1024 bits": lambda: (base64_of(pkcs1(1024)), RSA_FORMAT),
    "RSA with e = 3": lambda: (base64_of(pkcs1(2048, 3)), RSA_FORMAT),
    "Ed25519 bytes as RSA": lambda: (KEY, RSA_FORMAT),
    "RSA bytes as Ed25519": lambda: (base64_of(pkcs1(2048)), USER_KEY.public.format),
}


@pytest.mark.parametrize("spelling", SECOND_SPELLINGS)
def test_a_key_has_one_spelling(codec: Codec, spelling: str) -> None:
    key, key_format = SECOND_SPELLINGS[spelling]()
    session = server_in(State.CHALLENGED, codec)
    reply = the_reply(codec, give(session, codec, request("connect", connect_data(user=spelled(key, key_format)), 2)))
    assert reply["status"] == "invalid_message"


# Checks 7 to 11 are one question to the store


def admission(codec: Codec, **changes: Any) -> tuple[ServerSession, Admit]:
    session = server_in(State.CHALLENGED, codec)
    session.receive(pack(codec, request("connect", connect_data(**changes), 2)), START)
    session.answer(True, START)
    question = session.question
    assert isinstance(question, Admit)
    return session, question


def test_admission_is_asked_with_what_was_proved(codec: Codec) -> None:
    session, question = admission(codec, join_token="let me in")  # noqa: S106 - a token of the test
    assert question == Admit(user(), CLIENT_APP, "let me in")
    assert (session.state, session.user) == (State.CHALLENGED, None)


def test_a_null_token_is_an_absent_one(codec: Codec) -> None:
    assert admission(codec, join_token=None)[1].join_token is None


REASON_KEYS = {
    "disallowed_client": "disallowed_client_reason",
    "disallowed_user": "disallowed_user_reason",
    "unrecognised_user": None,
    "join_token_required": None,
    "invalid_join_token": None,
    "already_connected": None,
    "unknown_error": None,
}


def test_every_refusal_has_its_row() -> None:
    assert {str(status) for status in REFUSALS} == REASON_KEYS.keys()


@pytest.mark.parametrize("reason", ["no bots, please", None])
@pytest.mark.parametrize("status", REASON_KEYS)
def test_a_refusal_is_told_to_the_client(codec: Codec, status: str, reason: str | None) -> None:
    session, _ = admission(codec)
    reply = the_reply(codec, session.answer(Refused(Status(status), reason), START))
    key = REASON_KEYS[status]
    assert reply["status"] == status
    assert reply["data"] == ({key: reason} if key and reason else {})
    assert (session.state, session.user, session.question) == (State.CHALLENGED, None, None)


def test_a_long_reason_is_cut_to_what_a_message_may_carry(codec: Codec) -> None:
    session, _ = admission(codec)
    reply = the_reply(codec, session.answer(Refused(Status.DISALLOWED_USER, "é" * 600), START))
    assert reply["data"] == {"disallowed_user_reason": "é" * 512}


def test_after_a_refusal_the_client_may_try_again(codec: Codec) -> None:
    session, _ = admission(codec)
    session.answer(Refused(Status.INVALID_JOIN_TOKEN), START)
    give(session, codec, request("connect", connect_data(), 4))
    assert session.user == user()


def test_the_welcome_carries_what_both_sides_can_do(codec: Codec) -> None:
    session, _ = admission(codec)
    assert the_reply(codec, session.answer(Admitted(), START))["data"] == {
        "server_app": {
            "name": "server",
            "version": {"type": "release", "major": 1, "minor": 2},
            "capabilities": ["files", "history"],
            "extensions": {"org.example.poll": [3]},
        },
        "server_identity": {
            "pubkey": {"key": SERVER_KEY.public.key, "format": "ed25519-sha512"},
            "url": "wss://chat.example/ric0_chat",
            "name": "Example",
        },
    }


def test_the_questions_come_one_after_the_other(codec: Codec) -> None:
    session = server_in(State.OPEN, codec)
    asked = []
    for plain in (CHALLENGE, request("connect", connect_data(), 2)):
        session.receive(pack(codec, plain), START)
        while session.question is not None:
            asked.append(session.question)
            session.answer(answer_to(session.question), START)
    server_key = SERVER_KEY.public
    assert asked == [
        Sign(bytes(range(32))),
        Verify(USER_KEY.public, bytes(server_key), USER_KEY.sign(bytes(server_key))),
        Admit(user(), CLIENT_APP, None),
    ]


def test_secrets_stay_out_of_every_repr(codec: Codec) -> None:
    session = server_in(State.CHALLENGED, codec)
    token = "a-secret-token"  # noqa: S105 - a token of the test
    data = connect_data(join_token=token)
    payload = pack(codec, request("connect", data, 2))
    shown = [repr(codec.decode(payload)), repr(session.receive(payload, START)), repr(session.answer(True, START))]
    for text in shown:
        assert token not in text
        assert str(data["challenge"]) not in text
        assert repr(base64.b64decode(data["challenge"])) not in text
