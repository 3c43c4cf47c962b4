"""Every string, list and integer has a bound; a null stands for an absent optional key, and for no other."""

from typing import Any

import msgspec
import pytest

from ric0_trio.protocol import BadRequest, Codec, DecodeError, Envelope, Reply, Request
from ric0_trio.testing import CHALLENGE, CONNECT, DISCONNECT, Plain, connect_data, pack, request
from tests.protocol.client_at import GOOD_SIGNED, GOOD_WELCOME, reply
from tests.protocol.pair import without

OPAQUE = {"key": "AAAA", "format": "x"}
REFUSAL = reply("connect", "disallowed_user", {}, 2)

# Where, in which message; what fits; and what does not
BOUNDS: list[tuple[Plain, str, object, object]] = [
    (CHALLENGE, "name", "n" * 64, "n" * 65),
    (CHALLENGE, "conversation", 2**32 - 2, 2**32),
    (CHALLENGE, "data.challenge", "A" * 16_384, "A" * 16_385),
    (CONNECT, "data.challenge", "A" * 1024, "A" * 1025),
    (CONNECT, "data.join_token", "é" * 256, "é" * 257),
    (CONNECT, "data.user.name", "n" * 64, "n" * 65),
    *((CONNECT, "data.user.type", kind, "robot") for kind in ("user", "bot", "log_relay")),
    (CONNECT, "data.user.home_server_url", "u" * 2048, "u" * 2049),
    (CONNECT, "data.user.home_server_url", "u", ""),
    (CONNECT, "data.user.pubkey", {**OPAQUE, "key": "A" * 1024}, {**OPAQUE, "key": "A" * 1028}),
    (CONNECT, "data.user.pubkey", {**OPAQUE, "key": "AAAA"}, {**OPAQUE, "key": ""}),
    (CONNECT, "data.user.pubkey", {**OPAQUE, "format": "f" * 64}, {**OPAQUE, "format": "f" * 65}),
    (CONNECT, "data.user.home_server", {**OPAQUE, "format": "f"}, {**OPAQUE, "format": ""}),
    (DISCONNECT, "data.reason", "é" * 512, "é" * 513),
    (GOOD_SIGNED, "status", "success", ""),
    (GOOD_SIGNED, "conversation", 2**32 - 1, 2**32),
    (GOOD_SIGNED, "conversation", 0, -1),
    (GOOD_SIGNED, "data.challenge_response", "A" * 1024, "A" * 1025),
    (GOOD_WELCOME, "data.server_identity.url", "u" * 2048, "u" * 2049),
    (GOOD_WELCOME, "data.server_identity.name", "n" * 64, "n" * 65),
    (GOOD_WELCOME, "data.server_identity.description", "d" * 512, "d" * 513),
    (REFUSAL, "status", "s" * 64, "s" * 65),
    (REFUSAL, "data.disallowed_user_reason", "r" * 512, "r" * 513),
    (REFUSAL, "data.disallowed_client_reason", "r" * 512, "r" * 513),
]

OPTIONAL = [
    (CONNECT, "data.join_token"),
    (CONNECT, "data.user.home_server_url"),
    (DISCONNECT, "data.reason"),
    (GOOD_WELCOME, "data.server_identity.description"),
    (REFUSAL, "data.disallowed_user_reason"),
    (REFUSAL, "data.disallowed_client_reason"),
]
REQUIRED = [
    *((CONNECT, f"data.{key}") for key in ("client_app", "user", "challenge")),
    *((CONNECT, f"data.user.{key}") for key in ("name", "type", "pubkey", "home_server")),
    *((CONNECT, f"data.user.pubkey.{key}") for key in ("key", "format")),
    (CHALLENGE, "data.challenge"),
    *((GOOD_SIGNED, f"data.{key}") for key in ("pubkey", "challenge_response")),
    *((GOOD_WELCOME, f"data.{key}") for key in ("server_app", "server_identity")),
    *((GOOD_WELCOME, f"data.server_identity.{key}") for key in ("pubkey", "url", "name")),
]


def replaced(plain: Plain, path: str, value: object) -> Plain:
    changed: Plain = msgspec.json.decode(msgspec.json.encode(plain))
    *way, last = path.split(".")
    place: Any = changed
    for key in way:
        place = place[key]
    place[last] = value
    return changed


def decode(codec: Codec, plain: Plain) -> Envelope | None:
    """What a payload decodes to, or None."""
    try:
        return codec.decode(pack(codec, plain))
    except DecodeError:
        return None


@pytest.mark.parametrize(("plain", "path", "fits", "breaks"), BOUNDS)
def test_a_bound(codec: Codec, plain: Plain, path: str, fits: object, breaks: object) -> None:
    assert isinstance(decode(codec, replaced(plain, path, fits)), Request | Reply)
    assert isinstance(decode(codec, replaced(plain, path, breaks)), BadRequest | None)


@pytest.mark.parametrize(("plain", "path"), OPTIONAL)
def test_null_is_absence_where_absence_is_allowed(codec: Codec, plain: Plain, path: str) -> None:
    decoded = decode(codec, replaced(plain, path, None))
    assert isinstance(decoded, Request | Reply)
    assert decoded == decode(codec, plain)


@pytest.mark.parametrize(("plain", "path"), REQUIRED)
def test_null_is_refused_where_a_value_is_due(codec: Codec, plain: Plain, path: str) -> None:
    assert isinstance(decode(codec, replaced(plain, path, None)), BadRequest | None)


@pytest.mark.parametrize(
    ("name", "kept"),
    [("n", "n"), ("n" * 64, "n" * 64), ("n" * 65, ""), ("", ""), (5, ""), (None, "")],
)
def test_a_bad_request_keeps_a_name_that_can_be_repeated(codec: Codec, name: object, kept: str) -> None:
    bad = decode(codec, {**CHALLENGE, "name": name, "data": None})
    assert isinstance(bad, BadRequest)
    assert (bad.name, bad.conversation) == (kept, 0)


# Programs, which both sides describe alike

VERSION = {"type": "release", "major": 1, "minor": 2}
APP = {"name": "client", "version": VERSION, "capabilities": [], "extensions": {}}
MAX_COUNT = 2**31 - 1
GOOD_APPS: list[Plain] = [
    APP,
    {**APP, "description": None, "unknown": 1},
    {**APP, "description": "d" * 512},
    {**APP, "name": "n" * 64},
    {**APP, "capabilities": ["c" * 64] * 64},
    {**APP, "extensions": {f"e{n}": [MAX_COUNT] * 16 for n in range(64)}},
    {**APP, "extensions": {"e": []}},
    {**APP, "version": {**VERSION, "patch": None, "vcs_id": None, "display": None}},
    {**APP, "version": {**VERSION, "patch": MAX_COUNT, "vcs_id": "v" * 128, "display": ""}},
]
BAD_APPS: list[Plain] = [
    *({**APP, key: None} for key in APP),
    *(without(APP, key) for key in APP),
    {**APP, "description": "d" * 513},
    {**APP, "name": ""},
    {**APP, "name": "n" * 65},
    {**APP, "capabilities": ["c"] * 65},
    {**APP, "capabilities": [""]},
    {**APP, "capabilities": ["c" * 65]},
    {**APP, "capabilities": "files"},
    {**APP, "extensions": {f"e{n}": [1] for n in range(65)}},
    {**APP, "extensions": {"e": [1] * 17}},
    {**APP, "extensions": {"e": [MAX_COUNT + 1]}},
    {**APP, "extensions": {"e": [-1]}},
    {**APP, "extensions": {"e": [1.0]}},
    {**APP, "extensions": {"e": [True]}},
    {**APP, "extensions": {"": [1]}},
    {**APP, "extensions": {"e": 1}},
    *({**APP, "version": {**VERSION, key: None}} for key in VERSION),
    *({**APP, "version": {**VERSION, "major": bad}} for bad in (-1, MAX_COUNT + 1, 1.0, True, "1")),
    {**APP, "version": {**VERSION, "patch": 1.5}},
    {**APP, "version": {**VERSION, "type": "rc"}},
    {**APP, "version": {**VERSION, "vcs_id": "v" * 129}},
]


@pytest.mark.parametrize("app", GOOD_APPS)
def test_an_app_within_bounds(codec: Codec, app: Plain) -> None:
    decoded = codec.decode(pack(codec, request("connect", connect_data(client_app=app))))
    assert isinstance(decoded, Request)


@pytest.mark.parametrize("app", BAD_APPS)
def test_an_app_out_of_bounds(codec: Codec, app: Plain) -> None:
    decoded = codec.decode(pack(codec, request("connect", connect_data(client_app=app))))
    assert isinstance(decoded, BadRequest)
