"""Proofs and tokens never get into a transcript, whatever a client does with them; and what is written replays."""

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ric0_trio.protocol import Codec, JsonCodec
from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    Plain,
    connect_data,
    pack,
    request,
)
from tests.protocol.given import mutations, payloads
from tests.protocol.pair import CODECS
from tests.transcripts.recorded import MemorySink, converse, is_found, record

TOKEN = "join-token-thät-nobody-may-see"  # noqa: S105
PROOF = str(connect_data()["challenge"])
RAW_PROOF = base64.b64decode(PROOF)
SECRETS = (TOKEN.encode(), PROOF.encode(), RAW_PROOF)
WITH_SECRETS = request("connect", connect_data(join_token=TOKEN), 2)

secrets = st.sampled_from(
    [TOKEN, PROOF, PROOF.rstrip("="), RAW_PROOF.hex(), base64.urlsafe_b64encode(RAW_PROOF).decode(), PROOF + "?"]
)
odd_keys = st.sampled_from(["challenge", "join_token", "challenge_response", "proof", "Challenge", "token", "x"])


def check(sink: MemorySink) -> None:
    for secret in SECRETS:
        assert not is_found(secret, sink.written)
    replayed = sink.replay()
    assert replayed.difference is None
    assert replayed.end == ("over" if sink.ended == [None] else "cut")


@st.composite
def objects_of_secrets(draw: st.DrawFn) -> object:
    """Secrets under keys where they belong, and where they do not."""
    return draw(
        st.recursive(
            secrets,
            lambda inner: (
                st.lists(inner, min_size=1, max_size=2)
                | st.dictionaries(odd_keys, inner, min_size=1, max_size=3)
                | st.dictionaries(secrets, inner, min_size=1, max_size=1)
            ),
            max_leaves=4,
        )
    )


@st.composite
def messages_with_secrets(draw: st.DrawFn) -> Plain:
    """A message that is nearly right, with secrets anywhere but in what a client says in public."""
    name = draw(st.sampled_from(["connect", "challenge", "disconnect", "other"]))
    data: dict[str, Any] = {**connect_data(join_token=TOKEN), "reason": "enough"}
    for key in draw(st.lists(odd_keys, max_size=4)):
        place = draw(st.sampled_from([data, data["user"], data["client_app"]]))
        if isinstance(place, msgspec.Struct):
            name_of_place = "user" if place is data["user"] else "client_app"
            place = data[name_of_place] = msgspec.to_builtins(place)
        place[key] = draw(objects_of_secrets())
    changes: Plain = draw(st.dictionaries(odd_keys, objects_of_secrets(), max_size=2))
    kind = draw(st.sampled_from(["request", "request", "request", "reply", "message"]))
    status = draw(st.sampled_from(["success", "failed"]))
    plain = request(name, data, draw(st.integers(0, 9)), **{**changes, "type": kind, "status": status})
    return plain if draw(st.booleans()) else _as_plain(draw(mutations(_as_plain(plain))))


def _as_plain(value: Any) -> Plain:
    plain: Plain = msgspec.json.decode(msgspec.json.encode(value))
    return plain


@st.composite
def payloads_with_secrets(draw: st.DrawFn, codec: Codec) -> str | bytes:
    """Such a message as a payload: whole, cut short, damaged, escaped, with keys twice, in the other encoding."""
    plain = draw(messages_with_secrets())
    other = CODECS["bson" if isinstance(codec, JsonCodec) else "json"]
    how = draw(st.sampled_from(["whole", "whole", "cut", "damaged", "escaped", "twice", "wrong kind", "spaced", "big"]))
    payload = pack(other if how == "wrong kind" else codec, plain)
    match how:
        case "cut":
            return payload[: draw(st.integers(0, len(payload)))]
        case "damaged" if isinstance(payload, bytes):
            place = draw(st.integers(0, len(payload) - 1))
            return payload[:place] + bytes([draw(st.integers(0, 255))]) + payload[place + 1 :]
        case "damaged" if isinstance(payload, str):
            place = draw(st.integers(0, len(payload) - 1))
            return payload[:place] + draw(st.characters()) + payload[place + 1 :]
        case "escaped" if isinstance(payload, str):
            return payload.replace("j", "\\u006a").replace("A", "\\u0041")
        case "twice" if isinstance(payload, str):
            return payload[:-1] + ',"data":{}' + draw(st.sampled_from(["}", ',"challenge":1,"challenge":null}']))
        case "spaced" if isinstance(payload, str):
            return json.dumps(msgspec.to_builtins(plain), indent=2)
        case "big":
            return payload + " " * 70_000 if isinstance(payload, str) else payload + bytes(70_000)
    return payload


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_secret_is_found(codec: Codec, data: st.DataObject) -> None:
    sink = MemorySink()
    before = data.draw(st.sampled_from([[], [CHALLENGE], [CHALLENGE, WITH_SECRETS]]))
    given = data.draw(st.lists(payloads_with_secrets(codec), min_size=1, max_size=4))
    converse(record(codec, sink, max_message_bytes_before_auth=60_000), [*(pack(codec, p) for p in before), *given])
    check(sink)


PUBLIC: list[Any] = [
    lambda said: request(said[:64] or "x", {}, 4),
    lambda said: request("disconnect", {"reason": f"I said {said}."}, 4),
    lambda said: request("connect", connect_data(client_app=_app(description=said)), 4),
    lambda said: request("connect", connect_data(client_app=_app(capabilities=[said[:64]])), 4),
    lambda said: request("connect", connect_data(client_app=_app(extensions={said[:64]: [1]})), 4),
    lambda said: request("connect", connect_data(user=_user(home_server_url=f"wss://{said}")), 4),
    lambda said: request("connect", connect_data(user=_user(name=said[:64])), 4),
    lambda said: request("connect", connect_data(user=_user(type=said)), 4),
    lambda said: request("connect", connect_data(user=_user(home_server={"key": said, "format": "x"})), 4),
    lambda said: request("connect", connect_data(user=_user(pubkey={"key": said, "format": "x"})), 4),
    lambda said: request("x", {}, 4, time=said),
    lambda said: request("x", {}, 4, type=said),
    lambda said: request("x", {}, 4, status=said),
]


def _app(**changes: object) -> Plain:
    return {**_as_plain(CONNECT["data"]["client_app"]), **changes}


def _user(**changes: object) -> Plain:
    return {**_as_plain(CONNECT["data"]["user"]), **changes}


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@pytest.mark.parametrize("way", range(len(PUBLIC)))
@pytest.mark.parametrize("said", [TOKEN, PROOF, base64.urlsafe_b64encode(RAW_PROOF).decode(), RAW_PROOF.hex()])
@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "leaves"])
def test_a_secret_said_in_public_is_not_found(codec: Codec, way: int, said: str, leaves: bool) -> None:
    sink = MemorySink()
    said_in_public = PUBLIC[way](said)
    first = [CHALLENGE, WITH_SECRETS, *([DISCONNECT] if leaves else [])]
    converse(record(codec, sink), [pack(codec, plain) for plain in (*first, said_in_public)])
    secrets_that_fit = SECRETS if len(said) <= 64 or way not in (0, 3, 4, 6) else SECRETS[1:]
    for secret in secrets_that_fit:
        assert not is_found(secret, sink.written)
    assert sink.replay().difference is None


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_comes_replays(codec: Codec, data: st.DataObject) -> None:
    sink = MemorySink()
    given = data.draw(st.lists(payloads(codec, [CHALLENGE, CONNECT, DISCONNECT]), max_size=6))
    converse(record(codec, sink), [*(pack(codec, CHALLENGE) for _ in range(data.draw(st.integers(0, 1)))), *given])
    assert sink.replay().difference is None
    # A "secret" such as 000000 stands in the time as well: then the transcript is cut, rather than that it shows one.
    assert sink.ended[0] in (None, "a message that says something else without its secrets")
