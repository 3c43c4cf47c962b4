"""JSON and BSON between payloads and plain objects, read by other code than the package's own codecs."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

try:
    import bson
except ImportError:  # the extra `bson` is not installed
    bson = None  # type: ignore[assignment]

Plain = dict[str, Any]
"""A message as plain objects: dict, list, str, int, float, bool and None; and what only BSON has."""


class UnreadableError(Exception):
    """A payload that is not well-formed. The text says why."""


@dataclass(frozen=True)
class Encoding:
    """One way to write messages down."""

    name: str
    """The subprotocol."""
    payload_type: type[str] | type[bytes]
    encode: Callable[[Plain], str | bytes]
    decode: Callable[[Any], Any]
    """Takes a payload of that type. Raises `UnreadableError`."""


def _decode_json(payload: str) -> Any:
    def refuse(word: str) -> None:
        raise ValueError(f"{word} is not JSON")

    try:
        return json.loads(payload, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"no well-formed JSON ({error})") from None


def _encode_bson(plain: Plain) -> bytes:
    return bytes(bson.encode(plain))


def _decode_bson(payload: bytes) -> Any:
    try:
        return bson.decode(payload)
    except (bson.errors.BSONError, RecursionError, ValueError, OverflowError) as error:
        raise UnreadableError(f"no well-formed BSON ({error})") from None


JSON: Final = Encoding("json", str, json.dumps, _decode_json)
BSON: Final = Encoding("bson", bytes, _encode_bson, _decode_bson)

AVAILABLE: Final[dict[str, Encoding]] = {"json": JSON} if bson is None else {"json": JSON, "bson": BSON}
"""Those that can be used here, by name: BSON needs pymongo."""
