"""What decodes to what, and the traps of the libraries beneath."""

import importlib.util
import json
import sys
from datetime import UTC, datetime, timedelta, timezone
from types import ModuleType

import pytest

from ric0_trio.protocol import (
    BadRequest,
    ChallengeRequest,
    Codec,
    ConnectReply,
    ConnectRequest,
    DecodeError,
    DisconnectRequest,
    Empty,
    JsonCodec,
    Message,
    RefusalReply,
    Reply,
    Request,
    ServerInfo,
    available_codecs,
    choose_codec,
)
from ric0_trio.protocol import (
    codec as codec_module,
)
from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    SERVER_APP,
    SERVER_KEY,
    START_TEXT,
    Plain,
    connect_data,
    pack,
    request,
    unpack,
)
from tests.protocol.pair import CODECS

JSON = JsonCodec()
WHEN = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
NEW_YORK = timezone(timedelta(hours=-5))
WELCOME = ConnectReply(SERVER_APP, ServerInfo(pubkey=SERVER_KEY.public, url="wss://chat.example", name="Example"))


# Each way, by one table

ENVELOPES = [
    (
        Message(WHEN, "typing"),
        {"time": "2023-11-14T22:13:20.000000Z", "type": "message", "name": "typing", "data": {}},
    ),
    (
        Request(WHEN.astimezone(NEW_YORK), "disconnect", 4294967294, DisconnectRequest("bye")),
        {
            "time": "2023-11-14T22:13:20.000000Z",
            "type": "request",
            "name": "disconnect",
            "conversation": 4294967294,
            "data": {"reason": "bye"},
        },
    ),
    (
        Reply(WHEN.replace(microsecond=5), "connect", 0, "disallowed_user", RefusalReply(None, "banned")),
        {
            "time": "2023-11-14T22:13:20.000005Z",
            "type": "reply",
            "name": "connect",
            "conversation": 0,
            "status": "disallowed_user",
            "data": {"disallowed_user_reason": "banned"},
        },
    ),
    (
        Reply(WHEN, "poll", 1, "success", Empty()),
        {
            "time": "2023-11-14T22:13:20.000000Z",
            "type": "reply",
            "name": "poll",
            "conversation": 1,
            "status": "success",
            "data": {},
        },
    ),
]


@pytest.mark.parametrize(("envelope", "plain"), ENVELOPES)
def test_both_ways(codec: Codec, envelope: Message | Request | Reply, plain: Plain) -> None:
    assert unpack(codec, codec.encode(envelope)) == plain
    assert codec.decode(pack(codec, plain)) == envelope
    assert codec.decode(pack(codec, {"unknown": [1, {"key": None}], **plain})) == envelope


@pytest.mark.parametrize("value", [None, "odd", -1, 2.5, [], {}])
def test_a_key_that_belongs_to_another_type_is_unknown(codec: Codec, value: object) -> None:
    """Unknown keys are ignored, everywhere: a message has no `conversation`, and a request no `status`."""
    message = {"time": START_TEXT, "type": "message", "name": "typing", "data": {}}
    assert codec.decode(pack(codec, {**message, "conversation": value, "status": value})) == Message(WHEN, "typing")
    assert isinstance(codec.decode(pack(codec, {**CHALLENGE, "status": value})), Request)


def test_the_data_is_typed_by_the_name(codec: Codec) -> None:
    kinds = [type(codec.decode(pack(codec, plain)).data) for plain in (CHALLENGE, CONNECT, DISCONNECT)]  # type: ignore[union-attr]
    assert kinds == [ChallengeRequest, ConnectRequest, DisconnectRequest]
    welcome = codec.decode(codec.encode(Reply(WHEN, "connect", 2, "success", WELCOME)))
    assert isinstance(welcome, Reply)
    assert welcome.data == WELCOME


def test_a_bad_request_says_where(codec: Codec) -> None:
    bad = codec.decode(pack(codec, request("connect", connect_data(user={"name": 5}), 2)))
    assert isinstance(bad, BadRequest)
    assert bad.problem == "Expected `str`, got `int` - at `$.data.user.name`"


# Time

TIMES = {
    "2023-11-14T22:13:20Z": True,
    "2023-11-14t22:13:20z": True,
    "2023-11-14T22:13:20.123456Z": True,
    "2023-11-14T22:13:20.123456789Z": True,
    "2023-11-14T22:13:20+14:00": True,
    "2023-11-14T22:13:20-00:00": True,
    "0001-01-01T00:00:00+23:59": True,
    "2016-12-31T23:59:60Z": True,  # a leap second
    "2016-12-31T18:59:60.5-05:00": True,
    "2016-12-31T23:58:60Z": False,
    "2016-12-31T23:59:61Z": False,
    "2023-11-14T22:13:20+0100": False,
    "2023-11-14T22:13:20+01": False,
    "2023-11-14T22:13:20.Z": False,
    "2023-11-14T22:13:20,5Z": False,
    "2023-11-14T22:13:20Z\n": False,
    "\uff12023-11-14T22:13:20Z": False,
    "+2023-11-14T22:13:20Z": False,
    "9999-12-31T23:59:59-23:59": True,
    "9999-12-31T23:59:59.9999999Z": False,
    "0000-01-01T00:00:00Z": False,
    "2023-11-14 22:13:20Z": False,
    "2023-11-14_22:13:20Z": False,
    "2023-11-14T22:13:20": False,
    "2023-11-14T22:13Z": False,
    "2023-11-14T24:00:00Z": False,
    "2023-02-29T00:00:00Z": False,
    "2023-11-14T22:13:20+24:00": False,
    "20231114T221320Z": False,
    "2023-11-14": False,
    "1700000000": False,
    "": False,
}


@pytest.mark.parametrize(("text", "valid"), list(TIMES.items()))
def test_the_forms_of_time(codec: Codec, text: str, valid: bool) -> None:
    decoded = codec.decode(pack(codec, {**CHALLENGE, "time": text}))
    assert isinstance(decoded, Request if valid else BadRequest)


# Traps of JSON, by msgspec


def nested(depth: int, open_: str, close: str) -> str:
    return open_ * depth + "1" + close * depth


@pytest.mark.parametrize("depth", [10, 400, 900, 985, 990, 995, 1000, 1005, 5000])
@pytest.mark.parametrize(("open_", "close"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("key", ["data", "name", "type", "time", "conversation", "unknown"])
def test_deep_json_never_raises_anything_else(depth: int, open_: str, close: str, key: str) -> None:
    rest = '"type":"request","name":"x","conversation":2,"time":"2023-11-14T22:13:20Z","data":{}'
    try:
        decoded = JSON.decode(f'{{{rest},"{key}":{nested(depth, open_, close)}}}')
    except DecodeError:
        return
    assert isinstance(decoded, Request | BadRequest)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff{}",
        '{"name": "\ud800"}',  # text that cannot be UTF-8
        r'{"name": "\ud800"}',
        r'{"name": "\udc00\ud800"}',
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": 1e400}',
        '{"a": ' + "1" * 5000 + "}",
        '{"a": 01}',
        '{"a": 1,}',
        "{'a': 1}",
        '{"a": 1} ',
        '{"a": 1} {}',
        '{"a": "\n"}',
        '{"a": "\x00"}',
        "/* */ {}",
        "",
    ],
)
def test_what_is_no_json_envelope(text: str) -> None:
    with pytest.raises(DecodeError):
        JSON.decode(text)


def test_bytes_that_are_no_utf8() -> None:
    with pytest.raises(DecodeError, match="no valid JSON"):
        JSON.decode(b'{"name": "\xff"}')


@pytest.mark.parametrize("first", ["5", "null", '{"key": []}', '"reply"'])
def test_the_last_of_duplicate_json_keys_wins(first: str) -> None:
    rest = f'"name":"x","conversation":2,"time":"{START_TEXT}","data":{{}}'
    assert isinstance(JSON.decode(f'{{"type":{first},"type":"request",{rest}}}'), Request)
    for key, value in (("conversation", "2"), ("name", '"x"'), ("time", f'"{START_TEXT}"'), ("data", "{}")):
        if first != '{"key": []}' or key != "data":
            text = f'{{"{key}":{first},"type":"request",{rest},"{key}":{value}}}'
            assert isinstance(JSON.decode(text), Request)
    with pytest.raises(DecodeError):
        JSON.decode(f'{{"type":"request","type":{first},{rest}}}')


def test_the_last_of_duplicate_keys_wins_in_the_data() -> None:
    data = '{"reason": 5, "reason": "bye"}'
    decoded = JSON.decode(
        f'{{"type":"request","name":"disconnect","conversation":2,"time":"{START_TEXT}","data":{data}}}'
    )
    assert isinstance(decoded, Request)
    assert decoded.data == DisconnectRequest("bye")


# Which codec


def test_bson_is_chosen_when_it_is_offered_and_available() -> None:
    everything = [CODECS[name] for name in ("bson", "json") if name in CODECS]
    names = {
        (): "json",
        ("json",): "json",
        ("bson",): "bson" if "bson" in CODECS else None,
        ("json", "bson"): "bson" if "bson" in CODECS else "json",
        ("chat", "json"): "json",
        ("chat",): None,
        ("JSON",): None,
    }
    for offered, expected in names.items():
        chosen = choose_codec(offered, everything)
        assert (chosen and chosen.subprotocol) == expected
    assert choose_codec(("bson",), [JSON]) is None


def without_bson(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Load a second copy of the module, as it is where pymongo is not installed."""
    monkeypatch.setitem(sys.modules, "bson", None)
    spec = importlib.util.spec_from_file_location("codec_without_bson", codec_module.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_pymongo_there_is_json_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    module = without_bson(monkeypatch)
    assert [codec.subprotocol for codec in module.available_codecs()] == ["json"]
    with pytest.raises(ImportError, match=r"^BSON needs pymongo: install ric0-trio\[bson\]$"):
        module.BsonCodec()


def test_the_preferred_codec_comes_first() -> None:
    assert [codec.subprotocol for codec in available_codecs()] == list(CODECS)
    assert list(CODECS) == (["bson", "json"] if importlib.util.find_spec("bson") else ["json"])


def test_what_was_wrong_is_told_without_the_wrong_value(codec: Codec) -> None:
    """It is for a log: no secret that was put in the wrong place is to get there, nor text of any length."""
    plain = json.loads(str(pack(JsonCodec(), CONNECT)))
    plain["data"]["user"]["type"] = "s3cret' - at `$.token`" * 600
    bad = codec.decode(pack(codec, plain))
    assert isinstance(bad, BadRequest)
    assert bad.problem == "Invalid enum value - at `$.data.user.type`"
