"""BSON by hand (bsonspec.org, version 1.1), for the types that the protocol sends; `Raw` writes any other."""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

DOUBLE, STRING, DOCUMENT, ARRAY, BOOLEAN, DATETIME, NULL, INT32, INT64 = 1, 2, 3, 4, 8, 9, 10, 16, 18
SENT = {DOUBLE, STRING, DOCUMENT, ARRAY, BOOLEAN, DATETIME, NULL, INT32, INT64}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BsonError(ValueError):
    """The bytes are not one BSON document of the types known here."""


@dataclass(frozen=True)
class Raw:
    """A value written as it is: how a test sends what an honest client has no reason to."""

    tag: int
    payload: bytes


def encode(document: dict[str, Any]) -> bytes:
    return frame(b"".join(element(name, value) for name, value in document.items()))


def frame(elements: bytes) -> bytes:
    return struct.pack("<i", len(elements) + 5) + elements + b"\0"


def element(name: str, value: object) -> bytes:
    raw = _raw(value)
    return bytes([raw.tag]) + name.encode() + b"\0" + raw.payload


def string(text: bytes) -> bytes:
    return struct.pack("<i", len(text) + 1) + text + b"\0"


def _raw(value: object) -> Raw:
    match value:
        case Raw():
            return value
        case None:
            return Raw(NULL, b"")
        case bool():
            return Raw(BOOLEAN, bytes([value]))
        case int() if -(2**31) <= value < 2**31:
            return Raw(INT32, struct.pack("<i", value))
        case int():
            return Raw(INT64, struct.pack("<q", value))
        case float():
            return Raw(DOUBLE, struct.pack("<d", value))
        case str():
            return Raw(STRING, string(value.encode()))
        case datetime():
            return Raw(DATETIME, struct.pack("<q", (value - EPOCH) // timedelta(milliseconds=1)))
        case list():
            return Raw(ARRAY, encode({str(index): item for index, item in enumerate(value)}))
        case dict():
            return Raw(DOCUMENT, encode(value))
    raise BsonError(f"no BSON type is known here for {type(value).__name__}")


def decode(payload: bytes, reader: "type[Reader] | None" = None) -> dict[str, Any]:
    reading = (reader or Reader)(payload)
    document = reading.document()
    if reading.position != len(payload):
        raise BsonError("bytes follow the document")
    return document


class Reader:
    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.position = 0

    def document(self) -> dict[str, Any]:
        end = self.position + self.integer("<i")
        found: dict[str, Any] = {}
        while tag := self.take(1)[0]:
            name = self.name()
            found[name] = self.value(tag)
        if self.position != end:
            raise BsonError("a document does not end where its length says")
        return found

    def value(self, tag: int) -> object:
        match tag:
            case 1:
                return struct.unpack("<d", self.take(8))[0]
            case 2:
                return self.string()
            case 3:
                return self.document()
            case 4:
                return list(self.document().values())
            case 8:
                return self.boolean()
            case 9:
                return EPOCH + timedelta(milliseconds=self.integer("<q"))
            case 10:
                return None
            case 16:
                return self.integer("<i")
            case 18:
                return self.integer("<q")
        raise BsonError(f"type 0x{tag:02x} is not one that the protocol sends")

    def take(self, count: int) -> bytes:
        taken = self.payload[self.position : self.position + count]
        if count < 0 or len(taken) != count:
            raise BsonError("the document is cut short")
        self.position += count
        return taken

    def integer(self, layout: str) -> int:
        number: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return number

    def boolean(self) -> bool:
        byte = self.take(1)[0]
        if byte > 1:
            raise BsonError("a boolean is 0 or 1")
        return bool(byte)

    def name(self) -> str:
        end = self.payload.find(b"\0", self.position)
        if end < 0:
            raise BsonError("a name has no end")
        text = self.take(end - self.position)
        self.take(1)
        return _text(text)

    def string(self) -> str:
        text = self.take(self.integer("<i"))
        if not text.endswith(b"\0"):
            raise BsonError("a string has no end")
        return _text(text[:-1])


def _text(encoded: bytes) -> str:
    try:
        return encoded.decode()
    except UnicodeDecodeError as problem:
        raise BsonError("text is not UTF-8") from problem
