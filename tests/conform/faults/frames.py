"""Faults in WebSocket frames."""

from tests.conform.faults.seeding import seeds
from tests.conform.reference.frames import (
    BINARY,
    CONTINUATION,
    PING,
    TEXT,
    Frames,
    Header,
    RuleBrokenError,
    TooBigError,
)


@seeds("T10")
class AnswersInBinary(Frames):
    """JSON is sent in binary messages."""

    async def send(self, payload: str | bytes) -> None:
        await self.send_frame(BINARY, payload.encode() if isinstance(payload, str) else payload)


@seeds("T10", encodings=("bson",))
class AnswersInText(Frames):
    """BSON is sent in messages that say that they are text."""

    async def send(self, payload: str | bytes) -> None:
        await self.send_frame(TEXT, payload.encode() if isinstance(payload, str) else payload)


@seeds("T20")
class MasksItsFrames(Frames):
    """The server masks what it sends."""

    def frame(self, opcode: int, payload: bytes) -> bytes:
        plain = super().frame(opcode, payload)
        begin = len(plain) - len(payload)
        return plain[:1] + bytes((plain[1] | 0x80,)) + plain[2:begin] + bytes(4) + payload


@seeds("T20")
class SetsAReservedBit(Frames):
    """Messages are marked as compressed."""

    def frame(self, opcode: int, payload: bytes) -> bytes:
        plain = super().frame(opcode, payload)
        return bytes((plain[0] | 0x40,)) + plain[1:] if opcode in (TEXT, BINARY) else plain


@seeds("T20")
class WritesLongLengths(Frames):
    """Every length is written in eight bytes."""

    def frame(self, opcode: int, payload: bytes) -> bytes:
        return bytes((0x80 | opcode, 127)) + len(payload).to_bytes(8) + payload


@seeds("T22")
class TakesUnmaskedFrames(Frames):
    """Frames need no mask."""

    def check_mask(self, header: Header) -> None:
        return


@seeds("T23")
class TakesReservedBits(Frames):
    """Reserved bits are not looked at."""

    def check_reserved(self, header: Header) -> None:
        return


@seeds("T24")
class TakesUnknownFrames(Frames):
    """Frames of an unknown kind are taken for text."""

    def check_kind(self, header: Header) -> None:
        return

    async def take_control(self, opcode: int, payload: bytes) -> None:
        if opcode <= 10:
            await super().take_control(opcode, payload)


@seeds("T25", "T26")
class TakesLongControlFrames(Frames):
    """A ping may be long, and in pieces."""

    def check_control(self, header: Header) -> None:
        return


@seeds("T27", "T28")
class TakesLoosePieces(Frames):
    """A fragment may continue nothing, and a new message begin in the middle of another."""

    def check_order(self, header: Header) -> None:
        return

    def join(self, header: Header, payload: bytes) -> str | bytes | None:
        if self._message is None and header.opcode == CONTINUATION:
            return self.read_text(payload)
        return super().join(header, payload)


@seeds("T12")
class RefusesPieces(Frames):
    """A message has to come in one frame."""

    def check_order(self, header: Header) -> None:
        if not header.is_final:
            raise RuleBrokenError(1002, "no fragments here")


@seeds("T12")
class TakesEachPieceForAMessage(Frames):
    """Fragments are not joined."""

    def check_order(self, header: Header) -> None:
        return

    def join(self, header: Header, payload: bytes) -> str | bytes | None:
        self._message = None
        return self.read_text(payload)


@seeds("T13")
class HearsNoPingBetweenPieces(Frames):
    """A ping between two fragments is a fault."""

    def check_control(self, header: Header) -> None:
        super().check_control(header)
        if self._message is not None:
            raise RuleBrokenError(1002, "the message is not over")


@seeds("T15")
class SendsNoPong(Frames):
    """Pings are not answered."""

    async def pong(self, payload: bytes) -> None:
        return


@seeds("T15")
class SendsEmptyPongs(Frames):
    """A pong does not repeat what was in the ping."""

    async def pong(self, payload: bytes) -> None:
        await super().pong(b"")


@seeds("T16")
class AnswersPongs(Frames):
    """A pong that nobody asked for is answered with a pong."""

    async def take_control(self, opcode: int, payload: bytes) -> None:
        await super().take_control(PING if opcode == 10 else opcode, payload)


@seeds("B14")
class NeverPings(Frames):
    """A client that is silent is never pinged."""

    ping_after_s = 1e6


@seeds("B15")
class KeepsTheDead(Frames):
    """A client that answers no ping is kept."""

    dead_after_s = 1e6


@seeds("B15")
class GivesNoTimeForPongs(Frames):
    """A client that answers no ping is closed on after two seconds more."""

    dead_after_s = 2.0


@seeds("B14")
class PingsLate(Frames):
    """A silence of half a minute more is not answered with a ping."""

    ping_after_s = 55.0


@seeds("T30")
class ReplacesBadText(Frames):
    """Text that is not UTF-8 is mended."""

    def read_text(self, payload: bytes) -> str:
        return payload.decode(errors="replace")


@seeds("T30")
class BlamesTheProtocolForBadText(Frames):
    """Text that is not UTF-8 is closed with 1002."""

    def read_text(self, payload: bytes) -> str:
        try:
            return super().read_text(payload)
        except RuleBrokenError as broken:
            raise RuleBrokenError(1002, broken.reason) from None


@seeds("B6", "B7")
class TakesMessagesOfAnySize(Frames):
    """There is no bound on the size of a message."""

    def check_size(self, header: Header) -> None:
        return


@seeds("T14")
class MeasuresPiecesAlone(Frames):
    """The bound on the size is for each fragment."""

    def check_size(self, header: Header) -> None:
        if header.length > self._max_bytes():
            raise TooBigError


@seeds("T14")
class CountsCharacters(Frames):
    """The bound on the size of text counts characters."""

    def check_size(self, header: Header) -> None:
        if header.length > 4 * self._max_bytes():
            raise TooBigError

    def read_text(self, payload: bytes) -> str:
        text = super().read_text(payload)
        if len(text) > self._max_bytes():
            raise TooBigError
        return text


@seeds("B6", "B7")
class TakesOneByteLess(Frames):
    """A message of exactly the bound is too big."""

    def check_size(self, header: Header) -> None:
        super().check_size(header)
        if header.length >= self._max_bytes():
            raise TooBigError


@seeds("B6", "B7")
class TakesOneByteMore(Frames):
    """A message may be one byte over the bound."""

    def check_size(self, header: Header) -> None:
        if header.length > self._max_bytes() + 1:
            raise TooBigError
