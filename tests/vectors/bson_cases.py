"""What only BSON can get wrong: its other types, and documents that are none."""

import math
import struct
from datetime import UTC, datetime
from typing import Any

from tests.independent import bson
from tests.independent.bson import Raw
from tests.vectors.cases import Vector
from tests.vectors.envelopes import MESSAGE, MISSING, REPLY, REQUEST, TIME, UNDECODABLE, bad_request, bson_vector, valid
from tests.vectors.message_cases import CONNECT, USER

PLAIN = bson.encode(REQUEST.but())
EXPECTED = valid(REQUEST.but())
EMPTY = bson.encode({})

# Types that JSON does not have: https://bsonspec.org/spec.html. Left out are the deprecated symbol and undefined, which
# libraries hand over as text and null: docs/protocol.md allows both that and a refusal.
EXOTIC = {
    "binary": Raw(0x05, struct.pack("<iB", 4, 0) + b"abcd"),
    "a UUID": Raw(0x05, struct.pack("<iB", 16, 4) + bytes(16)),
    "an object id": Raw(0x07, bytes(12)),
    "a datetime": Raw(0x09, struct.pack("<q", 0)),
    "a regular expression": Raw(0x0B, b"a\0i\0"),
    "a database pointer": Raw(0x0C, bson.string(b"a") + bytes(12)),
    "JavaScript": Raw(0x0D, bson.string(b"a")),
    "JavaScript with a scope": Raw(0x0F, struct.pack("<i", 4 + 6 + len(EMPTY)) + bson.string(b"a") + EMPTY),
    "a timestamp": Raw(0x11, struct.pack("<q", 2)),
    "a decimal": Raw(0x13, (2).to_bytes(8, "little") + bytes.fromhex("0000000000004030")),
    "the least key": Raw(0xFF, b""),
    "the greatest key": Raw(0x7F, b""),
}


def vectors() -> list[Vector]:
    return [*_valid(), *_datetimes(), *_exotic(), *_under_unknown_keys(), *_not_bson()]


def _valid() -> list[Vector]:
    wide = Raw(bson.INT64, struct.pack("<q", 2))
    version = {"type": "release", "major": wide, "minor": 2}
    connect = CONNECT | {"client_app": {"name": "client", "version": version, "capabilities": [], "extensions": {}}}
    pointer = REQUEST.but(data={"$ref": "users", "$id": "a"})
    half = REQUEST.but(data={"$ref": 5, "$id": 1})
    note = MESSAGE.but(data={"$ref": "users", "$id": "a", "$db": "b"})
    understood = connect | {"client_app": _with_version({"type": "release", "major": 2, "minor": 2, "patch": 0})}
    return [
        _vector("A conversation id of 64 bits.", {"conversation": wide}, EXPECTED),
        bson_vector(
            "A version number of 64 bits.",
            bson.encode(REQUEST.but(name="connect", data=connect)),
            valid(REQUEST.but(name="connect", data=understood)),
        ),
        bson_vector(
            "Keys that look like a database reference are keys.", bson.encode(pointer), valid(pointer, data={})
        ),
        bson_vector("So are keys that look like half of one.", bson.encode(half), valid(half, data={})),
        bson_vector("A whole one in a message.", bson.encode(note), valid(note, data=MISSING)),
    ]


def _with_version(version: dict[str, Any]) -> dict[str, Any]:
    return {"name": "client", "version": version, "capabilities": [], "extensions": {}}


def _datetimes() -> list[Vector]:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    far = {"after the year 9999": 253402300800000, "before the year 1": -62135596800001}
    limits = {"highest": 2**63 - 1, "lowest": -(2**63)}
    return [
        _vector("A datetime for the time.", {"time": moment}, valid(REQUEST.but(time="2026-01-02T03:04:05.678000Z"))),
        _vector(
            "A datetime before 1970 for the time.",
            {"time": Raw(bson.DATETIME, struct.pack("<q", -1))},
            valid(REQUEST.but(time="1969-12-31T23:59:59.999000Z")),
        ),
        *(
            _vector(
                f"A datetime {shows} for the time: RFC 3339 has no such.", {"time": _milliseconds(at)}, bad_request()
            )
            for shows, at in far.items()
        ),
        *(
            _vector(f"The {shows} number of milliseconds for the time.", {"time": _milliseconds(at)}, bad_request())
            for shows, at in limits.items()
        ),
    ]


def _milliseconds(count: int) -> Raw:
    return Raw(bson.DATETIME, struct.pack("<q", count))


def _exotic() -> list[Vector]:
    """Only what JSON has may stand for a known key, and beside it the datetime for `time`."""
    challenge = REQUEST.but(name="challenge")
    found = []
    for shows, raw in EXOTIC.items():
        found += [
            _vector(f"For the reason: {shows}.", {"data": {"reason": raw}}, bad_request()),
            _vector(f"For the id: {shows}.", {"conversation": raw}, UNDECODABLE),
            _vector(f"For the name: {shows}.", {"name": raw}, bad_request(None)),
            _vector(f"For the type: {shows}.", {"type": raw}, UNDECODABLE),
            _vector(f"For the data: {shows}.", {"data": raw}, bad_request()),
        ]
        if shows != "a datetime":
            found.append(_vector(f"For the time: {shows}.", {"time": raw}, bad_request()))
    binary = Raw(0x05, struct.pack("<iB", 32, 0) + bytes(range(32)))
    user = {"client_app": _with_version({"type": "dev", "major": 0, "minor": 1}), "challenge": CONNECT["challenge"]}
    return [
        *found,
        bson_vector(
            "For a challenge: its bytes as binary.",
            bson.encode(challenge | {"data": {"challenge": binary}}),
            bad_request("challenge"),
        ),
        bson_vector(
            "For a user's name: JavaScript.",
            bson.encode(REQUEST.but(name="connect", data=user | {"user": USER | {"name": EXOTIC["JavaScript"]}})),
            bad_request("connect"),
        ),
        _vector(
            "For the name: its text as JavaScript.", {"name": Raw(0x0D, bson.string(b"disconnect"))}, bad_request(None)
        ),
    ]


def _under_unknown_keys() -> list[Vector]:
    """What is no value here is none under a key that nobody knows, either."""
    numbers = {"NaN": math.nan, "infinity": math.inf, "minus infinity": -math.inf}
    strange: dict[str, Any] = EXOTIC | numbers
    kinds = {"message": MESSAGE, "reply": REPLY}
    return [
        *(
            _vector(f"For the reason: {shows}.", {"data": {"reason": number}}, bad_request())
            for shows, number in numbers.items()
        ),
        *(_vector(f"For the id: {shows}.", {"conversation": number}, UNDECODABLE) for shows, number in numbers.items()),
        *(_vector(f"Under an unknown key: {shows}.", {"x": value}, bad_request()) for shows, value in strange.items()),
        *(
            _vector(f"Deep under an unknown key of the data: {shows}.", {"data": {"x": [{"y": value}]}}, bad_request())
            for shows, value in strange.items()
        ),
        *(
            bson_vector(
                f"Under an unknown key of a {kind}: {shows}.", bson.encode(template.but(x=strange[shows])), UNDECODABLE
            )
            for kind, template in kinds.items()
            for shows in ("binary", "a datetime", "NaN")
        ),
        _vector(
            "Under the key `status`, unknown to a request: an object id.",
            {"status": EXOTIC["an object id"]},
            bad_request(),
        ),
        _vector("Under an unknown key: a double that is finite.", {"x": 1.7976931348623157e308}, EXPECTED),
    ]


def _not_bson() -> list[Vector]:
    """Bytes that are no document have no usable id, however much of a request they look like."""
    size = len(PLAIN)
    elements = PLAIN[4:-1]
    spoilt = {
        "No bytes.": b"",
        "Four bytes.": PLAIN[:4],
        "The length alone, of an empty document.": b"\5\0\0\0",
        "A byte missing.": PLAIN[:-1],
        "Half of it missing.": PLAIN[: size // 2],
        "A zero byte after it.": PLAIN + b"\0",
        "A second document after it.": PLAIN + PLAIN,
        "A length one too high.": struct.pack("<i", size + 1) + PLAIN[4:],
        "A length one too low.": struct.pack("<i", size - 1) + PLAIN[4:],
        "A length of zero.": struct.pack("<i", 0) + PLAIN[4:],
        "A negative length.": struct.pack("<i", -size) + PLAIN[4:],
        "The highest length.": struct.pack("<i", 2**31 - 1) + PLAIN[4:],
        "The length in the other byte order.": struct.pack(">i", size) + PLAIN[4:],
        "No zero byte at the end.": PLAIN[:-1] + b"\1",
        "A type that BSON does not have.": _extended(elements, b"\x20x\0"),
        "A key without an end.": _extended(elements, b"\x0axxxx"),
        "A key that is not UTF-8.": _extended(elements, b"\x0a\xff\0"),
        "A value cut short.": _extended(elements, b"\x12x\0abcd"),
        "A string that is not UTF-8.": _extended(elements, bson.element("x", Raw(0x02, bson.string(b"\xff")))),
        "A string with half of a surrogate pair.": _extended(
            elements, bson.element("x", Raw(0x02, bson.string(b"\xed\xa0\x80")))
        ),
        "A string of no length.": _extended(elements, bson.element("x", Raw(0x02, struct.pack("<i", 0)))),
        "A string of negative length.": _extended(
            elements, bson.element("x", Raw(0x02, struct.pack("<i", -1) + b"\0"))
        ),
        "A string longer than the document.": _extended(
            elements, bson.element("x", Raw(0x02, struct.pack("<i", 2**31 - 1) + b"\0"))
        ),
        "A string without a zero byte at its end.": _extended(
            elements, bson.element("x", Raw(0x02, struct.pack("<i", 2) + b"ab"))
        ),
        "A boolean that is 2.": _extended(elements, bson.element("x", Raw(0x08, b"\2"))),
        "A document in it that is longer than it.": _extended(
            elements, bson.element("x", Raw(0x03, struct.pack("<i", 4096) + b"\0"))
        ),
        "JSON.": b'{"time": "%s", "type": "request"}' % TIME.encode(),
        "Zero bytes only.": bytes(64),
    }
    deep = EMPTY
    for _ in range(1500):
        deep = bson.frame(bson.element("x", Raw(bson.DOCUMENT, deep)))
    return [
        *(bson_vector(shows, payload, UNDECODABLE) for shows, payload in spoilt.items()),
        _vector("1,500 documents within each other.", {"x": Raw(bson.DOCUMENT, deep)}, UNDECODABLE),
        bson_vector("An empty document.", EMPTY, UNDECODABLE),
        bson_vector("A list of one envelope.", bson.encode({"0": REQUEST.but()}), UNDECODABLE),
    ]


def _extended(elements: bytes, more: bytes) -> bytes:
    return bson.frame(elements + more)


def _vector(shows: str, change: dict[str, Any], expected: Vector) -> Vector:
    return bson_vector(shows, bson.encode(REQUEST.but(**change)), expected)
