"""What a server may do, though some of it is what it SHOULD NOT: it breaks no MUST by it."""

from typing import Any

from tests.conform.reference.encodings import Json
from tests.conform.reference.frames import BINARY, CONTINUATION, TEXT, Frames
from tests.conform.reference.server import HONEST
from tests.conform.reference.session import Deeds, Session


class StaysSilent(Session):
    """What needs authentication is ignored before it, and the connection goes on."""

    def ignore(self) -> Deeds:
        return []


class CutsOff(Frames):
    """What is against RFC 6455 ends the connection without a Close frame."""

    async def close(self, code: int, reason: str, timeout_s: float) -> None:
        if code != 1002:
            await super().close(code, reason, timeout_s)


class SpeaksInPieces(CutsOff):
    """A message is sent in fragments, one of which is empty."""

    async def send(self, payload: str | bytes) -> None:
        opcode, raw = (TEXT, payload.encode()) if isinstance(payload, str) else (BINARY, payload)
        for piece in (raw[:20], b""):
            first, *rest = self.frame(opcode, piece)
            await self._stream.send_all(bytes([first & 0x7F, *rest]))
            opcode = CONTINUATION
        await self.send_frame(CONTINUATION, raw[20:])


class TakesWholeFractions(Json):
    """`2.0` is an integer."""

    def parse(self, payload: str) -> object:
        return without_fractions(super().parse(payload))


def without_fractions(plain: Any) -> Any:
    match plain:
        case dict():
            return {key: without_fractions(value) for key, value in plain.items()}
        case list():
            return [without_fractions(value) for value in plain]
        case float() if plain.is_integer():
            return int(plain)
    return plain


LIBERAL = HONEST.but(StaysSilent).but(SpeaksInPieces).but(TakesWholeFractions)
"""A server that takes every liberty."""
