"""Payloads <-> plain objects, with nothing checked: what stands in a message, whether or not it is an envelope."""

from typing import Any

import msgspec

try:
    import bson
except ImportError:  # the extra `bson` is not installed, so no payload is bytes
    bson = None  # type: ignore[assignment]
else:
    _OPTIONS: bson.CodecOptions[dict[str, Any]] = bson.CodecOptions(tz_aware=True)


class NotPlainError(ValueError):
    """A payload has no plain object in it, or a plain object has no payload."""


def read_plain(payload: str | bytes) -> Any:
    """Read JSON from text, BSON from bytes; the last of duplicate keys wins. Raises `NotPlainError`."""
    return read_bson(payload) if isinstance(payload, bytes) else _read_json(payload)


def write_plain(plain: object, kind: type[str] | type[bytes]) -> str | bytes:
    """Write a plain object as JSON text, or as BSON. Raises `NotPlainError`."""
    return _write_bson(plain) if kind is bytes else _write_json(plain)


def read_bson(payload: bytes) -> Any:
    """Read BSON, with whatever types it has. Raises `NotPlainError`."""
    try:
        return bson.decode(payload, _OPTIONS)
    except (bson.errors.BSONError, OverflowError, ValueError, RecursionError):
        raise NotPlainError("no BSON that Python has types for") from None


def _read_json(payload: str) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise NotPlainError("no JSON") from None


def _write_json(plain: object) -> str:
    try:
        return msgspec.json.encode(plain).decode()
    except (msgspec.EncodeError, UnicodeError, TypeError, ValueError, RecursionError):
        raise NotPlainError("JSON cannot say it") from None


def _write_bson(plain: Any) -> bytes:
    try:
        return bson.encode(plain)
    except (bson.errors.BSONError, OverflowError, TypeError, ValueError, RecursionError):
        raise NotPlainError("BSON cannot say it") from None
