"""JSON and BSON, read once more without the code under test."""

import json
import math
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fuzz.rules import Exotic

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MalformedError(ValueError):
    """The payload is no JSON, or no BSON, and so undecodable."""


@dataclass(frozen=True)
class Reading:
    """What a payload may be taken for. docs/protocol.md leaves a little open, and libraries differ there."""

    plains: tuple[object, ...]
    may_be_refused: bool


def read_json(payload: str) -> Reading:
    """Read JSON. A number that is too large for the usual types may be refused."""
    doubts: list[str] = []

    def real(digits: str) -> float | None:
        value = float(digits)
        if not math.isfinite(value):
            doubts.append(digits)
        return value

    def integer(digits: str) -> int | float:
        if len(digits) < 20 and -(2**63) <= (value := int(digits)) < 2**63:
            return value
        doubts.append(digits)
        return math.inf

    def refuse(word: str) -> None:
        raise MalformedError(word)

    try:
        plain: object = json.loads(payload, parse_float=real, parse_int=integer, parse_constant=refuse)
        json.dumps(plain, ensure_ascii=False).encode()  # there may be no lone surrogate
    except (ValueError, RecursionError) as error:
        raise MalformedError(str(error)) from None
    return Reading((plain,), may_be_refused=bool(doubts))


def read_bson(payload: bytes) -> Reading:
    """Read BSON (bsonspec.org). Libraries look further into other types than is done here, and may find them wrong."""
    readers = [_BsonReader(payload, takes_deprecated=takes) for takes in (False, True)]
    return Reading(tuple(reader.read() for reader in readers), readers[0].is_exotic)


class _BsonReader:
    def __init__(self, payload: bytes, *, takes_deprecated: bool) -> None:
        self.payload = payload
        self.takes_deprecated = takes_deprecated
        self.position = 0
        self.is_exotic = False

    def read(self) -> dict[str, Any]:
        try:
            document = dict(self.elements())
        except (UnicodeDecodeError, RecursionError) as error:
            raise MalformedError(str(error)) from None
        if self.position != len(self.payload):
            raise MalformedError("bytes follow the document")
        return document

    def elements(self, *, named: bool = True) -> list[tuple[str, Any]]:
        end = self.position + self.unpack("<i")
        found = []
        while tag := self.take(1)[0]:
            name = self.c_string()
            found.append((name.decode() if named else "", self.value(tag)))
        if self.position != end:
            raise MalformedError("a document does not end where its length says")
        return found

    def value(self, tag: int) -> Any:
        match tag:
            case 0x01:
                number: float = self.unpack("<d")
                return number if math.isfinite(number) else Exotic()
            case 0x02:
                return self.string().decode()
            case 0x03:
                return dict(self.elements())
            case 0x04:
                return [value for _, value in self.elements(named=False)]
            case 0x08:
                return self.boolean()
            case 0x09:
                return self.datetime()
            case 0x0A:
                return None
            case 0x10:
                return self.unpack("<i")
            case 0x12:
                return self.unpack("<q")
        return self.exotic(tag)

    def exotic(self, tag: int) -> str | Exotic | None:
        self.is_exotic = True
        match tag:
            case 0x06 if self.takes_deprecated:
                return None
            case 0x0E if self.takes_deprecated:
                return self.string().decode()
            case 0x05:
                self.take(1 + self.unpack("<i"))
            case 0x07 | 0x11 | 0x13:
                self.take({0x07: 12, 0x11: 8, 0x13: 16}[tag])
            case 0x0B:
                self.c_string()
                self.c_string()
            case 0x0C:
                self.string()
                self.take(12)
            case 0x0D | 0x0E:
                self.string()
            case 0x0F:
                self.take(4)
                self.string()
                self.elements()
            case 0x06 | 0x7F | 0xFF:
                pass
            case _:
                raise MalformedError(f"no type 0x{tag:02x}")
        return Exotic()

    def datetime(self) -> datetime | Exotic:
        try:
            return _EPOCH + timedelta(milliseconds=self.unpack("<q"))
        except OverflowError:
            return Exotic()

    def take(self, count: int) -> bytes:
        taken = self.payload[self.position : self.position + count]
        if count < 0 or len(taken) != count:
            raise MalformedError("cut short")
        self.position += count
        return taken

    def unpack(self, layout: str) -> Any:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def boolean(self) -> bool:
        byte = self.take(1)[0]
        if byte > 1:
            raise MalformedError("a boolean is 0 or 1")
        return bool(byte)

    def c_string(self) -> bytes:
        end = self.payload.find(b"\0", self.position)
        return self.take(end + 1 - self.position)[:-1]

    def string(self) -> bytes:
        text = self.take(self.unpack("<i"))
        if not text.endswith(b"\0"):
            raise MalformedError("a string has no end")
        return text[:-1]
