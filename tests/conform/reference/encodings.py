"""JSON and BSON: payload <-> plain objects."""

import json
import math
from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any

from tests.independent import bson

MAX_DEPTH = 32


class MalformedError(Exception):
    """The payload is not well-formed."""


class Encoding(ABC):
    """One encoding. In BSON a `Raw` stands for a value of a type that is not allowed."""

    kind: type[str] | type[bytes]

    def decode(self, payload: Any) -> object:
        try:
            plain = self.parse(payload)
        except (ValueError, RecursionError) as problem:
            raise MalformedError(str(problem)) from problem
        self.check_depth(plain)
        return plain

    @abstractmethod
    def parse(self, payload: Any) -> object: ...

    @abstractmethod
    def encode(self, plain: dict[str, Any]) -> str | bytes: ...

    def check_depth(self, plain: object) -> None:
        level = [plain] if isinstance(plain, dict | list) else []
        for _ in range(MAX_DEPTH):
            level = [item for one in level for item in contents(one) if isinstance(item, dict | list)]
        if level:
            raise MalformedError("nested too deep")


class Json(Encoding):
    kind = str

    def parse(self, payload: str) -> object:
        plain = json.loads(payload, parse_constant=refuse_constant, parse_float=parse_float)
        json.dumps(plain, ensure_ascii=False).encode()  # raises for lone surrogates
        return plain

    def encode(self, plain: dict[str, Any]) -> str:
        return json.dumps(plain)


class Bson(Encoding):
    kind = bytes

    def parse(self, payload: bytes) -> object:
        return bson.decode(payload, reader=LenientReader)

    def encode(self, plain: dict[str, Any]) -> bytes:
        return bson.encode(plain)


class LenientReader(bson.Reader):
    """Also reads the types that the protocol does not send: it refuses them, but may have to answer."""

    def value(self, tag: int) -> object:
        match tag:
            case bson.DOUBLE:
                number = super().value(tag)
                return number if isinstance(number, float) and math.isfinite(number) else bson.Raw(tag, b"")
            case bson.DATETIME:
                begin = self.position
                try:
                    return super().value(tag)
                except OverflowError:  # a year that Python has not
                    return bson.Raw(tag, self.payload[begin : self.position])
        return super().value(tag) if tag in bson.SENT else self.exotic(tag)

    def exotic(self, tag: int) -> bson.Raw:
        begin = self.position
        match tag:
            case 5:  # binary
                self.take(self.integer("<i") + 1)
            case 6 | 127 | 255:  # undefined, the greatest key, the least
                pass
            case 7:  # object id
                self.take(12)
            case 11:  # regular expression
                self.name()
                self.name()
            case 12:  # pointer
                self.string()
                self.take(12)
            case 13 | 14:  # code, symbol
                self.string()
            case 15:  # code with its scope
                self.take(self.integer("<i") - 4)
            case 17:  # time stamp
                self.take(8)
            case 19:  # decimal
                self.take(16)
            case _:
                raise bson.BsonError(f"there is no type 0x{tag:02x}")
        return bson.Raw(tag, self.payload[begin : self.position])


def has_foreign_value(plain: object, *, is_time: bool = False) -> bool:
    """Whether a value is of a type that the protocol has not. A datetime is allowed for the envelope's `time` alone."""
    if isinstance(plain, dict):
        return any(has_foreign_value(value) for value in plain.values())
    if isinstance(plain, list):
        return any(map(has_foreign_value, plain))
    return isinstance(plain, bson.Raw | datetime) and not (is_time and isinstance(plain, datetime))


def contents(container: Any) -> list[Any]:
    return list(container.values()) if isinstance(container, dict) else container


def refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def parse_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number that no double can hold")
    return number
