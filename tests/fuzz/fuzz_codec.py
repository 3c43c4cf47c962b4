"""What decodes is what docs/protocol.md says, and whatever does not raises `DecodeError` alone.

The first line of an input says what the rest is: `json`, text as it comes; `bson`, bytes as they come; or, after
anything else, lines that change the good message of that letter (`messages.py`), which is then read in both encodings.
JSON that has a short way (`usual_json.py`) is read by the long one, too.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import msgspec

from ric0_trio.protocol import (
    BadRequest,
    BsonCodec,
    Codec,
    DecodeError,
    Envelope,
    JsonCodec,
    Message,
    Reply,
    Request,
    SoftwareVersion,
)
from ric0_trio.protocol.usual_json import read_usual_request
from tests.fuzz import messages
from tests.fuzz.readers import MalformedError, Reading, read_bson, read_json
from tests.fuzz.rules import UNDECODABLE, Outcome, WrongError, everything_in, in_utc, outcome_of, time_of
from tests.independent import bson

WORDS = ("json\n", "bson\n", *(f"\n{change}" for change in messages.CHANGES), *messages.WORDS)
JSON = JsonCodec()
MOST_PROBLEM_CHARS = 300


@cache
def bson_codec() -> BsonCodec:
    return BsonCodec()


def target(data: bytes) -> None:
    first, _, rest = data.partition(b"\n")
    if first == b"json":
        check_json(rest.decode("utf-8", "surrogateescape"))
        check_short_way(rest)
        decode(JSON, rest)
    elif first == b"bson":
        check_bson(rest)
    else:
        plain = messages.good(first.decode("latin-1")[:1])
        for line in rest.decode("utf-8", "replace").split("\n"):
            messages.change(plain, line)
        check_both(plain)


def check_both(plain: dict[str, Any]) -> None:
    """One object means one thing, however it is encoded."""
    try:
        text = json.dumps(plain, allow_nan=False)
    except (RecursionError, ValueError):
        return  # not to be had: nested as no encoder does it, or infinite
    found = check_json(text)
    if any("\0" in key for key in keys_of(plain)):
        return
    try:
        binary = bson.encode(plain)
    except (UnicodeEncodeError, struct.error, RecursionError):
        return  # a lone surrogate, an integer of more than 64 bits, or nested too deep for our own encoder
    assert check_bson(binary) == found


def check_json(payload: str) -> Outcome:
    check_short_way(payload)
    found = decode(JSON, payload)
    if payload.isascii():
        assert decode(JSON, payload.encode()) == found
    return check(found, lambda: read_json(payload))


def check_short_way(payload: str | bytes) -> None:
    usual = read_usual_request(payload)
    if usual is not None:
        meant = JSON.decode_any(payload)
        assert usual == meant
        assert usual.time.utcoffset() == meant.time.utcoffset()


def check_bson(payload: bytes) -> Outcome:
    return check(decode(bson_codec(), payload), lambda: read_bson(payload))


@dataclass(frozen=True)
class Decoded:
    """What the codec gave: an envelope, or a problem, or both."""

    outcome: Outcome
    envelope: Envelope | None
    problem: str = ""


def decode(codec: Codec, payload: str | bytes) -> Decoded:
    try:
        envelope = codec.decode(payload)
    except DecodeError as error:
        found = Decoded(UNDECODABLE, None, str(error))
    else:
        if not isinstance(envelope, BadRequest):
            check_sent_again(codec, envelope)
            return Decoded(understood(envelope), envelope)
        found = Decoded(("bad", envelope.name, envelope.conversation), envelope, envelope.problem)
    assert 0 < len(found.problem) <= MOST_PROBLEM_CHARS
    return found


def check_sent_again(codec: Codec, envelope: Message | Request | Reply) -> None:
    if in_utc(envelope.time) is not None:
        payload = codec.encode(envelope)
        assert isinstance(payload, codec.payload_type)
        assert codec.decode(payload) == envelope


def check(found: Decoded, read: Callable[[], Reading]) -> Outcome:
    try:
        reading = read()
    except MalformedError:
        reading = Reading((), may_be_refused=True)
    meant = [outcome_of(plain) for plain in reading.plains]
    assert found.outcome in meant or (reading.may_be_refused and found.outcome == UNDECODABLE), (found, meant)
    for plain in reading.plains:
        check_secrets(found.problem, plain)
    if isinstance(found.envelope, Message | Request | Reply):
        times = [plain["time"] for plain in reading.plains if isinstance(plain, dict)]
        assert any(is_near(found.envelope.time, time) for time in times)
    return found.outcome


def check_secrets(problem: str, plain: object) -> None:
    """A proof and a join token go into no log, unless the client has put them elsewhere, too."""
    texts = texts_in(plain)
    for secret in secrets_in(plain):
        assert secret not in problem or sum(secret in text for text in texts) > 1


def is_near(one: datetime, sent: object) -> bool:
    """Whether a time and what was sent for it differ by rounding alone."""
    try:
        other = time_of(sent)
    except WrongError:
        return False
    difference = abs(one.replace(tzinfo=None) - other.replace(tzinfo=None))
    return difference <= timedelta(microseconds=1) and one.utcoffset() == other.utcoffset()


def texts_in(plain: object) -> list[str]:
    """Every string, and every key."""
    return [value for value in everything_in(plain) if isinstance(value, str)] + keys_of(plain)


def keys_of(plain: object) -> list[str]:
    return [key for value in everything_in(plain) if isinstance(value, dict) for key in value]


def secrets_in(plain: object) -> list[str]:
    """A proof and a join token, if they are where they belong, and are no word that is found anywhere."""
    data = plain.get("data") if isinstance(plain, dict) else None
    values = [data.get(key) for key in ("challenge", "join_token")] if isinstance(data, dict) else []
    return [value for value in values if isinstance(value, str) and len(value) >= 8]


def understood(envelope: Message | Request | Reply) -> Outcome:
    kind = type(envelope).__name__.lower()
    if isinstance(envelope, Message):
        return "valid", kind, envelope.name, None, None, None
    status = envelope.status if isinstance(envelope, Reply) else None
    return "valid", kind, envelope.name, envelope.conversation, status, without_nulls(envelope.data)


def without_nulls(value: Any) -> Any:
    match value:
        case SoftwareVersion():
            return without_nulls({**msgspec.structs.asdict(value), "patch": value.patch or 0})
        case msgspec.Struct():
            return without_nulls(msgspec.structs.asdict(value))
        case dict():
            return {name: without_nulls(item) for name, item in value.items() if item is not None}
        case list():
            return [without_nulls(item) for item in value]
    return value
