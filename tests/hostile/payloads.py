"""Messages that are bombs, or lies: what is sent as JSON and as BSON, and what comes of it."""

import struct
from collections.abc import Callable

import msgspec

from ric0_trio.protocol import CloseCode, State, Status
from ric0_trio.testing import CHALLENGE, CONNECT, NONCE, Plain, base64_of

Outcome = CloseCode | Status
"""The Close, or the reply, that a message gets."""
Outcomes = Outcome | dict[State, Outcome]
"""Before and after authentication, where these differ."""

GOOD, BAD, UNDECODABLE = Status.SUCCESS, Status.INVALID_MESSAGE, CloseCode.NOT_DECODABLE
ROOM = 512
"""What the rest of a message takes, at most."""


# JSON. Each bomb is as large as it may be.


def with_unknown(value: str) -> str:
    """A good request, but for what an unknown key has."""
    return f'{msgspec.json.encode(CHALLENGE).decode()[:-1]},"unknown":{value}}}'


def with_key(key: str, value: str) -> str:
    """A good request, but for one key of the envelope."""
    return with_unknown("0").replace('"unknown":0', f'"{key}":{value}')


def with_data(value: str) -> str:
    return with_key("data", value)


def repeated(first: str, piece: str, last: str) -> Callable[[int], str]:
    """As many pieces as there is room for."""
    return lambda size: first + piece * ((size - len(first) - len(last)) // len(piece)) + last


def nested(begin: str, end: str, depth: int | None = None) -> Callable[[int], str]:
    def build(size: int) -> str:
        levels = depth or (size - ROOM) // len(begin + end)
        return with_unknown(begin * levels + "0" + end * levels)

    return build


def filled(first: str, piece: str, last: str, wrap: Callable[[str], str] = with_unknown) -> Callable[[int], str]:
    fill = repeated(first, piece, last)
    return lambda size: wrap(fill(size - ROOM))


JSON: dict[str, tuple[Callable[[int], str], Outcomes]] = {
    "lists without end": (lambda size: "[" * size, UNDECODABLE),
    "objects without end": (repeated("", '{"a":', ""), UNDECODABLE),
    "lists as deep as there is room": (nested("[", "]"), UNDECODABLE),
    "objects as deep as there is room": (nested('{"a":', "}"), UNDECODABLE),
    "lists that are one too deep": (nested("[", "]", 32), UNDECODABLE),
    "lists that are just not too deep": (nested("[", "]", 31), GOOD),
    "a wide list": (filled("[0", ",0", "]"), GOOD),
    "a wide list of lists": (filled("[[]", ",[]", "]"), GOOD),
    "a wide object": (lambda size: with_unknown(_object(size - ROOM)), GOOD),
    "one key again and again": (filled('{"a":0', ',"a":0', "}"), GOOD),
    "the envelope's keys again and again": (filled("0", ',"type":"request"', ""), GOOD),
    "the last of duplicates": (lambda _: with_key("type", '"nothing"'), UNDECODABLE),
    "an integer of thousands of digits": (filled("", "9", ""), UNDECODABLE),
    "a fraction of thousands of digits": (filled("0.", "9", ""), GOOD),
    "an exponent of thousands of digits": (filled("1e", "9", ""), UNDECODABLE),
    "a number that no double holds": (lambda _: with_unknown("1e400"), UNDECODABLE),
    "not a number": (lambda _: with_unknown("NaN"), UNDECODABLE),
    "infinity": (lambda _: with_unknown("-Infinity"), UNDECODABLE),
    "escapes": (filled('"', "\\u0000", '"'), GOOD),
    "pairs of surrogates": (filled('"', "\\ud83d\\ude00", '"'), GOOD),
    "half a pair": (lambda _: with_unknown('"\\ud83d"'), UNDECODABLE),
    "the other half": (filled('"', "\\ude00", '"'), UNDECODABLE),
    "no such escape": (lambda _: with_unknown('"\\x00"'), UNDECODABLE),
    "a byte order mark": (lambda _: "\ufeff" + with_unknown("0"), UNDECODABLE),
    "white space alone": (lambda size: " " * size, UNDECODABLE),
    "white space around": (lambda size: with_unknown("0").ljust(size), GOOD),
    "two messages in one": (lambda _: with_unknown("0") * 2, UNDECODABLE),
    "a string that does not end": (lambda size: '"'.ljust(size, "x"), UNDECODABLE),
    "a time of thousands of digits": (filled('"2026-01-02T03:04:05.', "9", 'Z"', lambda v: with_key("time", v)), BAD),
    "a name of thousands of letters": (
        filled('"', "x", '"', lambda v: with_key("name", v)),
        {State.OPEN: CloseCode.POLICY, State.CONNECTED: BAD},
    ),
    "a conversation beyond 32 bits": (lambda _: with_key("conversation", "4294967296"), UNDECODABLE),
    "a conversation beyond 64 bits": (lambda _: with_key("conversation", "1" + "0" * 30), UNDECODABLE),
    "a conversation with a fraction": (lambda _: with_key("conversation", "0.5"), UNDECODABLE),
    "a conversation below zero": (lambda _: with_key("conversation", "-2"), UNDECODABLE),
    "data that is a wide list": (filled("[0", ",0", "]", with_data), BAD),
    "a challenge as long as a message": (
        filled('{"challenge":"', "AAAA", '"}', with_data),
        {State.OPEN: Status.INVALID_CHALLENGE, State.CONNECTED: BAD},
    ),
    "a challenge of escapes": (filled('{"challenge":"', "\\u0041", '"}', with_data), Status.INVALID_CHALLENGE),
}


def _object(size: int) -> str:
    return "{" + ",".join(f'"{number:05}":0' for number in range((size - 2) // 10)) + "}"


# BSON, whose lengths can lie.


def document(*elements: bytes, length: int | None = None) -> bytes:
    body = b"".join(elements) + b"\0"
    return struct.pack("<i", len(body) + 4 if length is None else length) + body


def element(kind: int, value: bytes, key: bytes = b"unknown") -> bytes:
    return bytes([kind]) + key + b"\0" + value


def text_element(key: str, text: str) -> bytes:
    encoded = text.encode()
    return element(0x02, struct.pack("<i", len(encoded) + 1) + encoded + b"\0", key.encode())


EMPTY = document()
ENVELOPE = b"".join(
    [
        text_element("time", str(CHALLENGE["time"])),
        text_element("type", "request"),
        text_element("name", "challenge"),
        element(0x10, struct.pack("<i", 0), b"conversation"),
        element(0x03, document(text_element("challenge", base64_of(NONCE))), b"data"),
    ]
)


def bson_with(kind: int, value: bytes) -> bytes:
    """A good request, but for what an unknown key has."""
    return document(ENVELOPE, element(kind, value))


def bson_nested(depth: int, kind: int) -> bytes:
    inner = EMPTY
    for _ in range(depth - 1):
        inner = document(element(kind, inner, b"0"))
    return bson_with(kind, inner)


def _string(length: int, content: bytes = b"x\0") -> bytes:
    return struct.pack("<i", length) + content


LIES = [-(2**31), -1, 0, 1, 4, 2**31 - 1]

BSON: dict[str, tuple[bytes, Outcome]] = {
    "nothing": (b"", UNDECODABLE),
    "less than a length": (b"\5\0\0", UNDECODABLE),
    "an empty document": (EMPTY, UNDECODABLE),
    "JSON": (msgspec.json.encode(CHALLENGE), UNDECODABLE),
    "the request itself": (document(ENVELOPE), GOOD),
    "two requests in one": (document(ENVELOPE) * 2, UNDECODABLE),
    "a document that does not end in NUL": (document(ENVELOPE)[:-1] + b"\1", UNDECODABLE),
    "an unknown key twice": (document(ENVELOPE, element(0x0A, b"") * 2), GOOD),
    "a key that does not end": (document(ENVELOPE, b"\x0aunknown"), UNDECODABLE),
    "NUL in a key": (document(ENVELOPE, element(0x0A, b"", b"a\0b")), UNDECODABLE),
    "NUL in a string": (bson_with(0x02, _string(4, b"a\0b\0")), GOOD),
    "a key that is not UTF-8": (document(ENVELOPE, element(0x0A, b"", b"\xff")), UNDECODABLE),
    "a string that is not UTF-8": (bson_with(0x02, _string(2, b"\xff\0")), UNDECODABLE),
    "a string without its NUL": (bson_with(0x02, _string(1, b"x")), UNDECODABLE),
    **{f"a length of {lie}": (document(ENVELOPE, length=lie), UNDECODABLE) for lie in LIES},
    **{f"a string of length {lie}": (bson_with(0x02, _string(lie)), UNDECODABLE) for lie in LIES},
    **{f"an inner length of {lie}": (bson_with(0x03, document(length=lie)), UNDECODABLE) for lie in LIES},
    **{f"a list of length {lie}": (bson_with(0x04, document(length=lie)), UNDECODABLE) for lie in LIES},
    **{
        f"a binary of length {lie}": (bson_with(0x05, struct.pack("<i", lie) + b"\0"), UNDECODABLE)
        for lie in LIES
        if lie
    },
    **{f"type {kind:#04x}": (bson_with(kind, b"\0" * 16), UNDECODABLE) for kind in (0x00, 0x14, 0x42, 0x80, 0xFE)},
    "documents 1,500 deep": (bson_nested(1500, 0x03), UNDECODABLE),
    "lists 1,500 deep": (bson_nested(1500, 0x04), UNDECODABLE),
    "documents that are one too deep": (bson_nested(32, 0x03), UNDECODABLE),
    "a wide list": (bson_with(0x04, document(*(element(0x0A, b"", b"") for _ in range(4000)))), GOOD),
    "not a number": (bson_with(0x01, struct.pack("<d", float("nan"))), BAD),
    "infinity": (bson_with(0x01, struct.pack("<d", float("inf"))), BAD),
    "an object id": (bson_with(0x07, bytes(12)), BAD),
    "a boolean of 2": (bson_with(0x08, b"\2"), UNDECODABLE),
    "a date": (bson_with(0x09, bytes(8)), BAD),
    "a date beyond all calendars": (bson_with(0x09, struct.pack("<q", 2**63 - 1)), BAD),
    "a regular expression": (bson_with(0x0B, b"(a+)+$\0\0"), BAD),
    "a pointer": (bson_with(0x0C, _string(2) + bytes(12)), BAD),
    "code": (bson_with(0x0D, _string(2)), BAD),
    "code with a scope that lies": (bson_with(0x0F, struct.pack("<i", 2**31 - 1) + _string(2) + EMPTY), UNDECODABLE),
    "a timestamp": (bson_with(0x11, bytes(8)), BAD),
    "a decimal": (bson_with(0x13, bytes(16)), BAD),
    "the smallest key": (bson_with(0xFF, b""), BAD),
    "the largest key": (bson_with(0x7F, b""), BAD),
}


# Requests whose values are bombs, in both encodings.


def connecting(**changes: object) -> Plain:
    """A good `connect`, but for one key of the user."""
    user = CONNECT["data"]["user"]
    return {**CONNECT, "data": {**CONNECT["data"], "user": {**user, **changes}}}


def app_with(**changes: object) -> Plain:
    app = CONNECT["data"]["client_app"]
    return {**CONNECT, "data": {**CONNECT["data"], "client_app": {**app, **changes}}}


REQUESTS: dict[str, tuple[Plain, Outcome]] = {
    "1,000 capabilities": (app_with(capabilities=["x"] * 1000), BAD),
    "800 extensions": (app_with(extensions={str(number): [1] for number in range(800)}), BAD),
    "a name of 5,000 letters": (connecting(name="a" * 5000), BAD),
    "a name of marks": (connecting(name="a" + "\N{COMBINING ACUTE ACCENT}" * 60), BAD),
    "a name that grows when it is composed": (connecting(name="\N{TIBETAN VOWEL SIGN II}" * 64), BAD),
    "a name that moves the cursor": (connecting(name="\x1b[2J"), BAD),
    "a key of 12,000 letters": (connecting(pubkey={"key": "A" * 12_000, "format": "ed25519-sha512"}), BAD),
    "a conversation of ours": (CONNECT | {"conversation": 1}, BAD),
}
