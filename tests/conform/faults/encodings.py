"""Faults in JSON and BSON, both ways."""

import json
from datetime import datetime
from typing import Any

from tests.conform.faults.seeding import seeds
from tests.conform.reference import encodings
from tests.conform.reference.encodings import Bson, Json, LenientReader, MalformedError
from tests.independent import bson


def first_wins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    return dict(reversed(pairs))


@seeds("E14")
class FirstOfDuplicatesWins(Json):
    """Of two keys of one name the first counts."""

    def parse(self, payload: str) -> object:
        return json.loads(payload, object_pairs_hook=first_wins)


@seeds("E14")
class RefusesDuplicates(Json):
    """A message with two keys of one name is malformed."""

    def parse(self, payload: str) -> object:
        def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
            if len(dict(pairs)) < len(pairs):
                raise ValueError("a key is there twice")
            return dict(pairs)

        return json.loads(payload, object_pairs_hook=unique)


@seeds("E20")
class TakesNan(Json):
    """`NaN` and `Infinity` are taken for numbers."""

    def parse(self, payload: str) -> object:
        return json.loads(payload)


@seeds("E21", "E9")
class TakesLoneSurrogates(Json):
    """Half a character is taken for one."""

    def parse(self, payload: str) -> object:
        return json.loads(payload, parse_constant=encodings.refuse_constant)


@seeds("E19")
class TakesAByteOrderMark(Json):
    """A byte order mark may come before the JSON."""

    def parse(self, payload: str) -> object:
        return super().parse(payload.removeprefix("\ufeff"))


@seeds("E1")
class TakesTrailingCommas(Json):
    """JSON may be sloppy: a comma may stand before a closing brace."""

    def parse(self, payload: str) -> object:
        return super().parse(payload.replace(",}", "}").replace(", }", "}"))


@seeds("E1")
class ReadsTheFirstObject(Json):
    """What comes behind the JSON is not looked at."""

    def parse(self, payload: str) -> object:
        return json.JSONDecoder().raw_decode(payload.lstrip())[0]


@seeds("E17")
class NestsWithoutBound(Json):
    """A message may be nested as deep as the decoder can bear."""

    def check_depth(self, plain: object) -> None:
        return


@seeds("E16")
class NestsLittle(Json):
    """A message that is nested six deep is refused."""

    def check_depth(self, plain: object) -> None:
        level = [plain]
        for _ in range(5):
            level = [item for one in level if isinstance(one, dict | list) for item in encodings.contents(one)]
        if any(isinstance(item, dict | list) for item in level):
            raise MalformedError("nested too deep")


@seeds("E17", encodings=("bson",))
class NestsBsonWithoutBound(Bson):
    """A BSON document may be nested as deep as the decoder can bear."""

    def check_depth(self, plain: object) -> None:
        return


@seeds("E7")
class WritesFractions(Json):
    """The conversation of a reply is `2.0`."""

    def encode(self, plain: dict[str, Any]) -> str:
        return super().encode({**plain, "conversation": float(plain["conversation"])})


@seeds("E7")
class WritesFractionsOfVersions(Json):
    """The version of an extension is `2.0`."""

    def encode(self, plain: dict[str, Any]) -> str:
        extensions = plain["data"].get("server_app", {}).get("extensions", {})
        for name, versions in extensions.items():
            extensions[name] = [float(version) for version in versions]
        return super().encode(plain)


@seeds("E7", encodings=("bson",))
class WritesDoubles(Bson):
    """The conversation of a reply is a double."""

    def encode(self, plain: dict[str, Any]) -> bytes:
        return super().encode({**plain, "conversation": float(plain["conversation"])})


@seeds("E7", encodings=("bson",))
class WritesBigNumbersAsDoubles(Bson):
    """A conversation above 2147483647 comes back as a double."""

    def encode(self, plain: dict[str, Any]) -> bytes:
        number = plain["conversation"]
        return super().encode({**plain, "conversation": float(number) if number >= 2**31 else number})


@seeds("V22", encodings=("bson",))
class WritesDatetimes(Bson):
    """The server's `time` is a BSON datetime."""

    def encode(self, plain: dict[str, Any]) -> bytes:
        return super().encode({**plain, "time": datetime.fromisoformat(plain["time"])})


@seeds("M14", encodings=("bson",))
class WritesBinary(Bson):
    """The signature is a BSON binary."""

    def encode(self, plain: dict[str, Any]) -> bytes:
        data = dict(plain["data"])
        if "challenge_response" in data:
            signature = data["challenge_response"].encode()
            data["challenge_response"] = bson.Raw(5, len(signature).to_bytes(4, "little") + b"\0" + signature)
        return super().encode({**plain, "data": data})


@seeds("E23", encodings=("bson",))
class SendsTwoDocuments(Bson):
    """A message holds a reply twice."""

    def encode(self, plain: dict[str, Any]) -> bytes:
        return super().encode(plain) * 2


@seeds("E23", encodings=("bson",))
class ReadsTheFirstDocument(Bson):
    """What comes behind a BSON document is not looked at."""

    def parse(self, payload: bytes) -> object:
        return super().parse(payload[: int.from_bytes(payload[:4], "little")])


class _NoDates(LenientReader):
    def value(self, tag: int) -> object:
        value = super().value(tag)
        return bson.Raw(tag, b"") if isinstance(value, datetime) else value


@seeds("V21", encodings=("bson",))
class ReadsNoDatetimes(Bson):
    """A `time` that is a BSON datetime is refused."""

    def parse(self, payload: bytes) -> object:
        return bson.decode(payload, reader=_NoDates)


class _EndlessCalendar(LenientReader):
    def value(self, tag: int) -> object:
        value = super().value(tag)
        return datetime.max if tag == bson.DATETIME and isinstance(value, bson.Raw) else value


@seeds("V21", encodings=("bson",))
class ReadsEveryDatetime(Bson):
    """A `time` that is a BSON datetime may be of the year 10000."""

    def parse(self, payload: bytes) -> object:
        return bson.decode(payload, reader=_EndlessCalendar)


class _SmallNumbers(LenientReader):
    def value(self, tag: int) -> object:
        value = super().value(tag)
        return bson.Raw(tag, b"") if tag == bson.INT64 else value


@seeds("E5", encodings=("bson",))
class ReadsSmallIntegersAlone(Bson):
    """A 64-bit integer is refused."""

    def parse(self, payload: bytes) -> object:
        return bson.decode(payload, reader=_SmallNumbers)


class _AnyNumbers(LenientReader):
    def value(self, tag: int) -> object:
        return bson.Reader.value(self, tag) if tag == bson.DOUBLE else super().value(tag)


@seeds("E25", encodings=("bson",))
class ReadsInfinity(Bson):
    """A double may be infinite."""

    def parse(self, payload: bytes) -> object:
        return bson.decode(payload, reader=_AnyNumbers)


@seeds("E24", encodings=("bson",))
class ClosesForForeignTypes(Bson):
    """A request with a value of another type is closed with 1007, where it is to be answered."""

    def parse(self, payload: bytes) -> object:
        return bson.decode(payload)


@seeds("E1", encodings=("bson",))
class TakesJsonForBson(Bson):
    """A binary message may hold JSON."""

    def parse(self, payload: bytes) -> object:
        return json.loads(payload) if payload.startswith(b"{") else super().parse(payload)


@seeds("E3")
class CutsFractions(Json):
    """The fraction of a number is cut off where an integer is due."""

    def parse(self, payload: str) -> object:
        return json.loads(payload, parse_float=lambda text: int(float(text)))


@seeds("E6")
class TakesWholeFractions(Json):
    """`2.0` is an integer."""

    def parse(self, payload: str) -> object:
        def read(text: str) -> float:
            number = float(text)
            return int(number) if number.is_integer() else number

        return json.loads(payload, parse_float=read)


@seeds("E15")
class WritesTheStatusTwice(Json):
    """A reply has the key `status` twice."""

    def encode(self, plain: dict[str, Any]) -> str:
        return super().encode(plain).replace('"status":', '"status": "unknown_error", "status":')


class _MendedText(LenientReader):
    def string(self) -> str:
        return self.take(self.integer("<i"))[:-1].decode(errors="replace")


@seeds("E29", "E9", encodings=("bson",))
class MendsText(Bson):
    """What is not UTF-8 in a string is replaced."""

    def parse(self, payload: bytes) -> object:
        return bson.decode(payload, reader=_MendedText)
