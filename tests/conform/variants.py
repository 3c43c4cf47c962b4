"""Servers that are right in another way than the reference server is: what the page leaves open."""

import struct
from typing import Any

import trio

from tests.conform.reference.encodings import Bson
from tests.conform.reference.frames import Frames, Header
from tests.independent import bson


class MeasuresTheFinishedMessage(Frames):
    """The size of a message in fragments is looked at when it is whole."""

    def check_size(self, header: Header) -> None:
        if header.is_final:
            super().check_size(header)


class PingsOftener(Frames):
    """A silence of two seconds is answered with a ping; who answers none is closed on as late as elsewhere."""

    ping_after_s = 2.0
    dead_after_s = 33.0


class AnswersSlowly(Frames):
    """It takes a second and a half for each message."""

    async def receive(self) -> str | bytes:
        message = await super().receive()
        await trio.sleep(1.5)
        return message


class WritesEveryIntegerInEightBytes(Bson):
    """Every integer is an int64."""

    def encode(self, plain: dict[str, Any]) -> bytes:
        return bson.encode({key: widen(value) for key, value in plain.items()})


def widen(value: object) -> object:
    match value:
        case dict():
            return {key: widen(inner) for key, inner in value.items()}
        case list():
            return [widen(inner) for inner in value]
        case bool():
            return value
        case int():
            return bson.Raw(bson.INT64, struct.pack("<q", value))
    return value


VARIANTS: tuple[type[Any], ...] = (
    MeasuresTheFinishedMessage,
    PingsOftener,
    WritesEveryIntegerInEightBytes,
)
"""Parts of a server, each in place of the reference server's own."""
