"""JSON and BSON: payload <-> envelope (docs/protocol.md, "Envelope" and "Encodings").

Both go through plain objects (dict, list, str, int, float, bool, None), so every rule of the envelope is written
once, and the last of duplicate keys wins in both. What a peer sends raises `DecodeError` and nothing else.
"""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from ric0_trio.protocol.errors import DecodeError
from ric0_trio.protocol.messages import (
    MAX_LABEL_CHARS,
    REPLY_DATA,
    REQUEST_DATA,
    BadRequest,
    ConversationId,
    Empty,
    Envelope,
    JsonObject,
    Label,
    Message,
    RefusalReply,
    Reply,
    ReplyData,
    Request,
    RequestData,
    Status,
)

try:
    import bson
except ImportError:  # the extra `bson` is not installed
    bson = None  # type: ignore[assignment]

MAX_DEPTH: Final = 32
"""How deep objects and lists may be nested, the envelope among them."""

_MAX_PROBLEM_CHARS: Final = 200
_CONTAINERS: Final = (dict, list)
_TOO_DEEP: Final = f"nested more than {MAX_DEPTH} deep"

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,32})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


class _MessageHead(msgspec.Struct):
    """The keys that every envelope has."""

    name: Label
    time: Annotated[datetime, Meta(tz=True)]
    data: JsonObject


class _RequestHead(_MessageHead):
    conversation: ConversationId


class _ReplyHead(_MessageHead):
    conversation: ConversationId
    status: Label


# Looked up by hand: msgspec keeps what it knows of a struct, but works a union out anew at each call.
_HEADS: Final = {"message": _MessageHead, "request": _RequestHead, "reply": _ReplyHead}


class _BadHead(msgspec.Struct):
    """As much of a bad request as an answer needs."""

    type: Literal["request"]
    conversation: ConversationId
    name: Any = None


def parse_envelope(plain: object) -> Envelope:
    """Make an envelope of a decoded object. Raises `DecodeError` when it is none, and no request to answer."""
    try:
        return _parse_strictly(plain)
    except (msgspec.ValidationError, DecodeError) as error:
        return _salvage_request(plain, _clip(error))


def _clip(error: Exception) -> str:
    """What was wrong, for a log; msgspec repeats a wrong value, however long."""
    return str(error)[:_MAX_PROBLEM_CHARS]


def _salvage_request(plain: object, problem: str) -> BadRequest:
    try:
        bad = msgspec.convert(plain, _BadHead)
    except msgspec.ValidationError:
        raise DecodeError(problem) from None
    usable = isinstance(bad.name, str) and 1 <= len(bad.name) <= MAX_LABEL_CHARS
    return BadRequest(bad.name if usable else "", bad.conversation, problem)


def _parse_strictly(plain: object) -> Envelope:
    if not isinstance(plain, dict):
        raise DecodeError("expected an object")
    kind = plain.get("type")
    if not isinstance(kind, str) or kind not in _HEADS:
        raise DecodeError("`type` is none of message, request and reply")
    head = msgspec.convert(_with_usable_time(plain), _HEADS[kind])
    match head:
        case _RequestHead(name, time, data, conversation):
            if conversation % 2:
                raise DecodeError("`conversation` is odd; a client's requests have even ones")
            request_data: type[RequestData] = REQUEST_DATA.get(name, Empty)
            return Request(time, name, conversation, _convert_data(data, request_data))
        case _ReplyHead(name, time, data, conversation, status):
            reply_data: type[ReplyData] = RefusalReply
            if status == Status.SUCCESS:
                reply_data = REPLY_DATA.get(name, Empty)
            return Reply(time, name, conversation, status, _convert_data(data, reply_data))
        case _:
            return Message(head.time, head.name)


_T = TypeVar("_T")


def _convert_data(data: JsonObject, kind: type[_T]) -> _T:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise DecodeError(_clip(error).replace("`$", "`$.data")) from None


def _with_usable_time(plain: JsonObject) -> JsonObject:
    # msgspec is laxer than RFC 3339: it takes a space for the T, and an offset without its colon.
    time = plain.get("time")
    if isinstance(time, str):
        if not _RFC3339.fullmatch(time):
            raise DecodeError("`time` is no RFC 3339 date-time with an offset")
        if ":59:60" in time:  # Python has no leap seconds
            return {**plain, "time": time.replace(":59:60", ":59:59", 1)}
    return plain


def build_envelope(envelope: Message | Request | Reply) -> JsonObject:
    """Make the plain object that is sent for `envelope`: the mirror of `parse_envelope`."""
    time = envelope.time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    plain: JsonObject = {"time": time, "type": type(envelope).__name__.lower(), "name": envelope.name}
    if isinstance(envelope, Message):
        return {**plain, "data": {}}
    plain["conversation"] = envelope.conversation
    if isinstance(envelope, Reply):
        plain["status"] = envelope.status
    plain["data"] = envelope.data
    return plain


class Codec(ABC):
    """One encoding of envelopes, which is one WebSocket subprotocol. Codecs have no state."""

    subprotocol: ClassVar[str]
    """The name offered in `Sec-WebSocket-Protocol`."""
    payload_type: ClassVar[type[str] | type[bytes]]
    """The kind of WebSocket message that carries it: `str` for text, `bytes` for binary."""

    @abstractmethod
    def decode(self, payload: str | bytes) -> Envelope:
        """Decode a payload of the codec's own `payload_type`.

        Raises `DecodeError`, and nothing else, when it is neither a valid envelope nor a request to answer.
        """

    @abstractmethod
    def encode(self, envelope: Message | Request | Reply) -> str | bytes:
        """Encode an envelope, its time as UTC with microseconds."""


class JsonCodec(Codec):
    """Text messages of JSON (RFC 8259): UTF-8, no byte order mark."""

    subprotocol = "json"
    payload_type = str

    def decode(self, payload: str | bytes) -> Envelope:
        try:
            plain = msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise DecodeError(f"no valid JSON: {_clip(error)}") from None
        if isinstance(payload, bytes) or payload.count("{") + payload.count("[") > MAX_DEPTH:
            _check_depth(plain)
        return parse_envelope(plain)

    def encode(self, envelope: Message | Request | Reply) -> str:
        return msgspec.json.encode(build_envelope(envelope)).decode()


class BsonCodec(Codec):
    """Binary messages of BSON, with the types that JSON has, and a datetime for `time`.

    Raises `ImportError` when pymongo's `bson` is not installed (the extra `bson`).
    """

    subprotocol = "bson"
    payload_type = bytes

    def __init__(self) -> None:
        if bson is None:
            raise ImportError("BSON needs pymongo: install ric0-trio[bson]")
        # Dates that Python has not come as an exotic type: one in `time` is a bad request, no bad encoding.
        self._options: bson.CodecOptions[JsonObject] = bson.CodecOptions(
            tz_aware=True, datetime_conversion=bson.DatetimeConversion.DATETIME_AUTO
        )

    def decode(self, payload: str | bytes) -> Envelope:
        try:
            document: JsonObject = bson.decode(payload, self._options)  # type: ignore[arg-type]
        except bson.errors.BSONError:  # its text repeats what came, which can be a proof
            raise DecodeError("no valid BSON") from None
        try:
            plain = {key: _to_json_type(value, is_time=key == "time") for key, value in document.items()}
        except RecursionError:
            raise DecodeError(_TOO_DEEP) from None
        except DecodeError as error:
            _check_depth(document)
            # Code is a str to Python, and must not pass for a name or a type.
            plain = {key: value for key, value in document.items() if not isinstance(value, bson.Code)}
            return _salvage_request(plain, str(error))
        _check_depth(plain)
        return parse_envelope(plain)

    def encode(self, envelope: Message | Request | Reply) -> bytes:
        return bson.encode(msgspec.to_builtins(build_envelope(envelope)))


def _check_depth(plain: object) -> None:
    """Raise `DecodeError` when `plain` is nested too deep: how deep a decoder goes differs with Python.

    Level by level: a message can be thousands of containers wide, and a call for each would be what costs most.
    """
    level: list[Any] = [plain] if type(plain) in _CONTAINERS else []
    for _ in range(MAX_DEPTH):
        contents = (one.values() if type(one) is dict else one for one in level)
        level = [item for items in contents for item in items if type(item) in _CONTAINERS]
    if level:
        raise DecodeError(_TOO_DEEP)


def _to_json_type(value: object, *, is_time: bool = False) -> object:
    """Copy a BSON value as the plain type that JSON would give. Raises `DecodeError` for what JSON has not."""
    match value:
        case None | str() | bool() if not isinstance(value, bson.Code):
            return value
        case int():  # BSON's 64-bit integers come as a subclass
            return int(value)
        case float() if math.isfinite(value):
            return value
        case bson.DBRef():  # an object with the keys $ref and $id
            return _to_json_type(value.as_doc())
        case dict():
            return {key: _to_json_type(item) for key, item in value.items()}
        case list():
            return [_to_json_type(item) for item in value]
        case datetime() if is_time:
            return value
    raise DecodeError(f"a value of the type {type(value).__name__}, which JSON has not")


def size_of(payload: str | bytes) -> int:
    """How many bytes a payload has on the wire: text in UTF-8, whatever it holds."""
    if isinstance(payload, bytes) or payload.isascii():
        return len(payload)
    return len(payload.encode("utf-8", "surrogatepass"))


def available_codecs() -> tuple[Codec, ...]:
    """Every codec that can be used here, the preferred first: `bson` when it is installed, and `json`."""
    return (JsonCodec(),) if bson is None else (BsonCodec(), JsonCodec())


def choose_codec(offered: Sequence[str], codecs: Sequence[Codec]) -> Codec | None:
    """Choose the first of `codecs` that was offered; `json` when nothing was; None when nothing fits."""
    wanted = offered or [JsonCodec.subprotocol]
    return next((codec for codec in codecs if codec.subprotocol in wanted), None)
