"""JSON and BSON: payload <-> envelope (docs/protocol.md, "Encodings").

Both go through plain objects, whose rules are in `envelope.py`, so the last of duplicate keys wins in both; JSON has a
short way beside that for the usual requests. What a peer sends raises `DecodeError` and nothing else.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

import msgspec

from ric0_trio.protocol.envelope import build_envelope, parse_envelope, salvage_request, tell_problem
from ric0_trio.protocol.errors import DecodeError
from ric0_trio.protocol.messages import Envelope, JsonObject, Message, Reply, Request
from ric0_trio.protocol.usual_json import read_usual_request

try:
    import bson
except ImportError:  # the extra `bson` is not installed
    bson = None  # type: ignore[assignment]

MAX_DEPTH: Final = 32
"""How deep objects and lists may be nested, the envelope among them."""

_CONTAINERS: Final = (dict, list)
_SCALARS: Final = (str, int, bool, type(None))
_TOO_DEEP: Final = f"nested more than {MAX_DEPTH} deep"


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
        return read_usual_request(payload) or self.decode_any(payload)

    def decode_any(self, payload: str | bytes) -> Envelope:
        """Decode by way of plain objects: what `decode` gives, with whatever has no short way."""
        try:
            plain = msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise DecodeError(f"no valid JSON: {tell_problem(error)}") from None
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
            return salvage_request(plain, str(error))
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
        if not level:
            return
    raise DecodeError(_TOO_DEEP)


def _to_json_type(value: object, *, is_time: bool = False) -> object:
    """Copy a BSON value as the plain type that JSON would give. Raises `DecodeError` for what JSON has not."""
    if type(value) in _SCALARS:  # most are, and a match takes longer to tell
        return value
    match value:
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
