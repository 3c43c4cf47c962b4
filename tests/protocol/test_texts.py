"""What is said of a mistake, whole: an operator finds it in a log, and an embedder in a traceback.

It tells what was wrong, and where it helps what would be right; a proof or a token is in none of them.
"""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from msgspec.structs import replace

from ric0_trio.protocol import (
    Admitted,
    BadRequest,
    ClientSession,
    ClientState,
    Close,
    CloseCode,
    Codec,
    DecodeError,
    InvalidKeyError,
    JsonCodec,
    Kick,
    LocalProtocolError,
    PrivateKey,
    PublicKey,
    Refused,
    SoftwareVersion,
    State,
    Status,
)
from ric0_trio.protocol.keys import parse_fingerprint
from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    START,
    Plain,
    pack,
    request,
)
from tests.protocol.client_at import GOOD_SIGNED, PROFILE, client_in
from tests.protocol.pair import RSA_FORMAT, pem_of, rsa_secret, server_in, without

JSON = JsonCodec()

# What embedders do wrong


def server_asking(*plains: Plain) -> Callable[[bytes | bool | Admitted | Refused], object]:
    """A server's session that has a question open after some messages, to be answered."""
    session = server_in(State.CHALLENGED, JSON)
    for plain in plains:
        session.receive(pack(JSON, plain), START)
    if plains == (CONNECT,):
        session.answer(True, START)
    return lambda result: session.answer(result, START)


def client_verifying() -> ClientSession:
    session = client_in(ClientState.CHALLENGING, JSON)
    session.receive(pack(JSON, GOOD_SIGNED), START)
    return session


def client_saying(reason: str) -> object:
    return client_in(ClientState.CONNECTED, JSON).disconnect(reason, START)


X25519_PEM = (
    b"-----BEGIN PRIVATE KEY-----\n"
    b"MC4CAQAwBQYDK2VuBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
    b"-----END PRIVATE KEY-----\n"
)


def encrypted_pem() -> bytes:
    encryption = serialization.BestAvailableEncryption(b"secret")
    return rsa_secret().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


NO_KEY = PrivateKey.from_pem
MISUSES: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "a message too early": (
        lambda: (
            [session := server_in(State.OPEN, JSON)]
            and [session.receive(pack(JSON, CHALLENGE), START) for _ in range(2)]
        ),
        LocalProtocolError,
        "received a message while Sign waits for its answer",
    ),
    "an answer to nothing": (lambda: server_asking()(True), LocalProtocolError, "answered, but no question is open"),
    "an answer of another kind": (
        lambda: server_asking(CHALLENGE)(True),
        LocalProtocolError,
        "bool is no answer to Sign",
    ),
    "a refusal that is none": (
        lambda: server_asking(CONNECT)(Refused(Status.SUCCESS)),
        LocalProtocolError,
        "`connect` cannot be refused with success",
    ),
    "a clock that steps back": (
        lambda: server_in(State.OPEN, JSON).shutdown(START - 1),
        LocalProtocolError,
        "`now` stepped back, from 1700000000.0 to 1699999999.0",
    ),
    "a kick that is none": (
        lambda: server_in(State.OPEN, JSON).kick(Kick(CloseCode.NORMAL, ""), START),
        LocalProtocolError,
        "a client cannot be put out with the code 1000",
    ),
    "a nonce too short": (
        lambda: ClientSession(JSON, bytes(15)),
        LocalProtocolError,
        "the nonce has 15 bytes; expected 16 to 128",
    ),
    "a request out of turn": (
        lambda: client_in(ClientState.OPEN, JSON).connect(PROFILE, START),
        LocalProtocolError,
        "connect is for the state VERIFIED, and this is OPEN",
    ),
    "a client's message too early": (
        lambda: client_verifying().receive(pack(JSON, GOOD_SIGNED), START),
        LocalProtocolError,
        "received a message while Verify waits for its answer",
    ),
    "a client's answer to nothing": (
        lambda: client_in(ClientState.OPEN, JSON).answer(True, START),
        LocalProtocolError,
        "answered, but no question is open",
    ),
    "a client's answer of another kind": (
        lambda: client_verifying().answer(b"", START),
        LocalProtocolError,
        "bytes is no answer to Verify",
    ),
    "a reason too long": (
        lambda: client_saying("r" * 513),
        LocalProtocolError,
        "the reason has 513 characters; expected at most 512",
    ),
    "a reason that is no text": (
        lambda: client_saying("\ud800"),
        LocalProtocolError,
        "the reason has a lone surrogate, which cannot be sent",
    ),
    "a token too long": (
        lambda: client_in(ClientState.VERIFIED, JSON).connect(replace(PROFILE, join_token="t" * 257), START),
        LocalProtocolError,
        "the join token has 257 characters; expected at most 256",
    ),
    "half a fingerprint": (
        lambda: parse_fingerprint("ed25519:0123456789abcdef"),
        ValueError,
        "expected a whole fingerprint: ed25519: or rsa: and 64 hexadecimal digits",
    ),
    "no version": (
        lambda: SoftwareVersion.parse("1"),
        ValueError,
        "expected a version such as 1.2, 1.2.3 or 1.2.3-beta",
    ),
    "a key in no base64": (
        lambda: PublicKey("AAA", "x"),
        InvalidKeyError,
        "`key` is not strict, padded base64",
    ),
    "an Ed25519 key too short": (
        lambda: PublicKey("AAAA", "ed25519-sha512"),
        InvalidKeyError,
        "an ed25519-sha512 key is a 44-byte SubjectPublicKeyInfo (RFC 8410)",
    ),
    "no RSA key": (
        lambda: PublicKey("AAAA", RSA_FORMAT),
        InvalidKeyError,
        "an rsa-sha256-oaepsha256-pkcs1 key is a DER RSAPublicKey (PKCS#1)",
    ),
    "a small RSA key": (
        lambda: NO_KEY(pem_of(rsa_secret(1024))),
        InvalidKeyError,
        "an rsa-sha256-oaepsha256-pkcs1 key has 2048 to 4096 bits and exponent 65537",
    ),
    "no PEM": (
        lambda: NO_KEY(b"noise"),
        InvalidKeyError,
        "not a private key in PEM; expected -----BEGIN PRIVATE KEY-----",
    ),
    "an encrypted key": (
        lambda: NO_KEY(encrypted_pem()),
        InvalidKeyError,
        "the key is encrypted; store it unencrypted, readable by its owner alone",
    ),
    "a key of another kind": (
        lambda: NO_KEY(X25519_PEM),
        InvalidKeyError,
        "not a key of a known format; expected one of ed25519-sha512, rsa-sha256-oaepsha256-pkcs1",
    ),
    "a format that is not known": (
        lambda: PrivateKey.generate("rot13"),
        InvalidKeyError,
        "no key format 'rot13'; known are ed25519-sha512, rsa-sha256-oaepsha256-pkcs1",
    ),
}


@pytest.mark.parametrize("case", MISUSES)
def test_what_a_mistake_of_the_embedders_is_called(case: str) -> None:
    act, kind, text = MISUSES[case]
    with pytest.raises(kind) as raised:
        act()
    assert str(raised.value) == text


# What peers send wrong

MESSAGE = without({**CHALLENGE, "type": "message"}, "conversation")
UNREADABLE: list[tuple[object, str]] = [
    ({}, "`type` is none of message, request and reply"),
    ({**MESSAGE, "time": "today"}, "`time` is no RFC 3339 date-time with an offset"),
    ({**MESSAGE, "data": None}, "Expected `object`, got `null` - at `$.data`"),
]


@pytest.mark.parametrize(("plain", "text"), UNREADABLE)
def test_what_is_wrong_with_what_is_no_envelope(codec: Codec, plain: object, text: str) -> None:
    with pytest.raises(DecodeError) as raised:
        codec.decode(pack(codec, plain))
    assert str(raised.value) == text


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ("[]", "expected an object"),
        ("{", "no valid JSON: "),  # and what the library says
        ("[" * 33 + "]" * 33, "nested more than 32 deep"),
    ],
)
def test_what_is_wrong_with_json(payload: str, text: str) -> None:
    with pytest.raises(DecodeError) as raised:
        JSON.decode(payload)
    assert str(raised.value).startswith(text)


def test_what_is_wrong_with_bson() -> None:
    bson = pytest.importorskip("bson", reason="the extra bson is not installed")
    from ric0_trio.protocol import BsonCodec

    with pytest.raises(DecodeError) as raised:
        BsonCodec().decode(b"proof")
    assert str(raised.value) == "no valid BSON"
    bad = BsonCodec().decode(bson.encode({**request("poll", {}), "data": b"proof"}))
    assert isinstance(bad, BadRequest)
    assert bad.problem == "a value of the type bytes, which JSON has not"


BAD_REQUESTS: list[tuple[Plain, str]] = [
    ({**CHALLENGE, "conversation": 1}, "`conversation` is odd; a client's requests have even ones"),
    (request("challenge", {}), "Object missing required field `challenge`"),
    (request("challenge", {"challenge": 5}), "Expected `str`, got `int` - at `$.data.challenge`"),
    ({**CHALLENGE, "time": "today"}, "`time` is no RFC 3339 date-time with an offset"),
]


@pytest.mark.parametrize(("plain", "text"), BAD_REQUESTS)
def test_what_is_wrong_with_a_bad_request(codec: Codec, plain: Plain, text: str) -> None:
    bad = codec.decode(pack(codec, plain))
    assert isinstance(bad, BadRequest)
    assert bad.problem == text


CLOSES: dict[str, tuple[str | bytes, str, str | None]] = {
    "no envelope": ("{}", "the message is not a valid envelope", "`type` is none of message, request and reply"),
    "bytes": (b"{}", "text and binary messages are not mixed: json is text, bson binary", None),
    "too early": (
        str(pack(JSON, request("poll", {}))),
        "connect first: this message needs authentication",
        None,
    ),
    "too early, and bad": (
        str(pack(JSON, request("disconnect", {"reason": 5}))),
        "connect first: this message needs authentication",
        "Expected `str | null`, got `int` - at `$.data.reason`",
    ),
    "too big": (" " * 16_385, "the message is too big", None),
}


@pytest.mark.parametrize("case", CLOSES)
def test_what_a_stranger_is_told_at_the_end_and_the_log_more_exactly(case: str) -> None:
    payload, reason, detail = CLOSES[case]
    (close,) = server_in(State.OPEN, JSON).receive(payload, START)
    assert isinstance(close, Close)
    assert (close.reason, close.detail) == (reason, detail)
