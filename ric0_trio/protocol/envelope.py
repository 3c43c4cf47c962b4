"""Plain objects <-> envelopes: every rule of the envelope, for all encodings (docs/protocol.md, "Envelope").

A plain object is what a decoder gives: dict, list, str, int, float, bool and None, and a datetime where BSON has one.
"""

import re
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Final, Literal, TypeVar

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

_WRONG_VALUE: Final = re.compile(r"(?<=Invalid enum value) .*(?= - at `)", re.DOTALL)

RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,32})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
"""The form of a `time`. msgspec is laxer: it takes a space for the T, and an offset without its colon."""


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
        return salvage_request(plain, tell_problem(error))


def tell_problem(error: Exception) -> str:
    """What was wrong, for a log; msgspec repeats a wrong value, which can be a secret, of any length."""
    return _WRONG_VALUE.sub("", str(error))


def salvage_request(plain: object, problem: str) -> BadRequest:
    """Keep what an answer needs of a request that has a `problem`. Raises `DecodeError` when it has not even that."""
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
    if isinstance(head, _RequestHead):
        if head.conversation % 2:
            raise DecodeError("`conversation` is odd; a client's requests have even ones")
        request_data: type[RequestData] = REQUEST_DATA.get(head.name, Empty)
        return Request(head.time, head.name, head.conversation, _convert_data(head.data, request_data))
    if isinstance(head, _ReplyHead):
        reply_data: type[ReplyData] = RefusalReply
        if head.status == Status.SUCCESS:
            reply_data = REPLY_DATA.get(head.name, Empty)
        return Reply(head.time, head.name, head.conversation, head.status, _convert_data(head.data, reply_data))
    return Message(head.time, head.name)


_T = TypeVar("_T", bound=msgspec.Struct)


def _convert_data(data: JsonObject, kind: type[_T]) -> _T:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError:  # perhaps for a key that is not known here
        known = _without_unknown_keys(data, kind)
    try:
        return msgspec.convert(known, kind)
    except msgspec.ValidationError as error:
        raise DecodeError(tell_problem(error).replace("`$", "`$.data")) from None


def _without_unknown_keys(plain: JsonObject, kind: type[msgspec.Struct]) -> JsonObject:
    """Copy what was sent for a `kind` as far as it is known here, at every level: anything else is to be ignored."""
    inside = _known_keys(kind)
    return {
        key: _without_unknown_keys(value, inner) if (inner := inside[key]) and isinstance(value, dict) else value
        for key, value in plain.items()
        if key in inside
    }


@cache
def _known_keys(kind: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct] | None]:
    """Each key of a structure, with the structure that belongs there, if it is one."""
    fields = msgspec.structs.fields(kind)
    return {field.name: field.type if isinstance(field.type, type(msgspec.Struct)) else None for field in fields}


def _with_usable_time(plain: JsonObject) -> JsonObject:
    time = plain.get("time")
    if isinstance(time, str):
        if not RFC3339.fullmatch(time):
            raise DecodeError("`time` is no RFC 3339 date-time with an offset")
        if ":59:60" in time:  # Python has no leap seconds
            return {**plain, "time": time.replace(":59:60", ":59:59")}
    return plain


def build_envelope(envelope: Message | Request | Reply) -> JsonObject:
    """Make the plain object that is sent for `envelope`: the mirror of `parse_envelope`."""
    time, name = _sent_time(envelope.time), envelope.name
    if isinstance(envelope, Message):
        return {"time": time, "type": "message", "name": name, "data": {}}
    conversation, data = envelope.conversation, envelope.data
    if isinstance(envelope, Request):
        return {"time": time, "type": "request", "name": name, "conversation": conversation, "data": data}
    status = envelope.status
    return {"time": time, "type": "reply", "name": name, "conversation": conversation, "status": status, "data": data}


def _sent_time(time: datetime) -> datetime | str:
    # msgspec writes one in a twentieth of isoformat's time, but leaves out microseconds that are 0.
    utc = time.astimezone(UTC)
    return utc if utc.microsecond else msgspec.to_builtins(utc).replace("Z", ".000000Z")
