"""A received message as a line: written anew without its secrets, if that says the same to the core; else withheld."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec

from ric0_trio.protocol import BadRequest, Codec, DecodeError, Envelope, Message, Reply, Request
from ric0_trio.protocol.codec import size_of
from ric0_trio.protocol.envelope import build_envelope
from ric0_trio.transcript.conceal import Concealer
from ric0_trio.transcript.format import (
    MAX_WITHHELD_BYTES,
    BadReading,
    ReceiveBson,
    ReceiveJson,
    ReceiveWithheld,
    Undecodable,
)
from ric0_trio.transcript.plain import NotPlainError, read_plain, write_plain

# What is wrong with the encoding itself, in words of the decoders' own; others can repeat what came.
_HARMLESS: Final = re.compile(r"no valid (JSON: [A-Za-z :-]+(\(byte \d+\))?|BSON)|nested more than \d+ deep")
_WITHHELD: Final = "withheld"

Received = ReceiveJson | ReceiveBson | ReceiveWithheld


class UnwritableError(Exception):
    """A message cannot stand in a transcript in any way. Its text says why."""


class Writer:
    """Writes what one connection receives."""

    def __init__(self, codec: Codec, concealer: Concealer) -> None:
        self._codec = codec
        self._concealer = concealer

    def write(self, payload: str | bytes, at: float, max_bytes: int) -> Received:
        """Write a message of which the session takes `max_bytes`. Raises `UnwritableError`."""
        size = size_of(payload)
        if not isinstance(payload, self._codec.payload_type) or size > max_bytes:
            return _withhold(payload, size, at)
        reading = _read(self._codec, payload)
        shown = self._write_anew(payload, reading, max_bytes)
        if isinstance(shown, str):
            return ReceiveJson(at=at, message=msgspec.Raw(shown.encode()))
        if isinstance(shown, bytes):
            return ReceiveBson(at=at, message=shown, reads=read_plain(shown))
        return _withhold(payload, size, at, self._describe(reading))

    def _write_anew(self, payload: str | bytes, reading: Envelope | DecodeError, max_bytes: int) -> str | bytes | None:
        """Write it without its secrets; None when that cannot be done, or does not decode to the same."""
        shown = self._conceal(partial(read_plain, payload))
        if shown is None and not isinstance(reading, DecodeError | BadRequest):
            shown = self._conceal(partial(_plain, reading))  # there was too much that is not known here
        if shown is None or size_of(shown) > max_bytes or not self._is_same(reading, _read(self._codec, shown)):
            return None
        return shown

    def _conceal(self, read: Callable[[], Any]) -> str | bytes | None:
        try:
            return write_plain(self._concealer.conceal_message(read()), self._codec.payload_type)
        except NotPlainError:
            return None

    def _is_same(self, reading: Envelope | DecodeError, other: Envelope | DecodeError) -> bool:
        """Whether two messages say the same, but for the secrets of the first."""
        if type(reading) is not type(other):
            return False
        if isinstance(reading, BadRequest) and isinstance(other, BadRequest):
            return (self._concealer.show(reading.name), reading.conversation) == (other.name, other.conversation)
        if isinstance(reading, BadRequest | DecodeError) or isinstance(other, BadRequest | DecodeError):
            return True
        return bool(self._concealer.conceal_message(_plain(reading)) == _plain(other))

    def _describe(self, reading: Envelope | DecodeError) -> Undecodable | BadReading:
        match reading:
            case DecodeError():
                return Undecodable(problem=str(reading) if _HARMLESS.fullmatch(str(reading)) else _WITHHELD)
            case BadRequest(name, conversation):
                return BadReading(name=self._concealer.show(name), conversation=conversation, problem=_WITHHELD)
        raise UnwritableError("a message that says something else without its secrets")


def _withhold(
    payload: str | bytes, size: int, at: float, reads: Undecodable | BadReading | None = None
) -> ReceiveWithheld:
    if size > MAX_WITHHELD_BYTES:
        raise UnwritableError(f"a message of more than {MAX_WITHHELD_BYTES} bytes")
    return ReceiveWithheld(at=at, kind="text" if isinstance(payload, str) else "binary", bytes=size, reads=reads)


def _read(codec: Codec, payload: str | bytes) -> Envelope | DecodeError:
    try:
        return codec.decode(payload)
    except DecodeError as error:
        return DecodeError(str(error))  # one that was raised is in a cycle with its frames, which hold the connection


def _plain(envelope: Message | Request | Reply) -> Any:
    """What an envelope says, as far as it is known here."""
    return msgspec.to_builtins(build_envelope(envelope))
