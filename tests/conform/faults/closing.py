"""Faults in how a connection ends."""

import trio

from tests.conform.faults.seeding import seeds
from tests.conform.reference.frames import CLOSE, TEXT, Frames


@seeds("T21")
class HangsUp(Frames):
    """The server cuts TCP where a Close frame is due."""

    async def close(self, code: int, reason: str, timeout_s: float) -> None:
        await trio.lowlevel.checkpoint()


@seeds("B1", "B15")
class ClosesLate(Frames):
    """The Close frame comes five seconds late."""

    async def close(self, code: int, reason: str, timeout_s: float) -> None:
        await trio.sleep(5)
        await super().close(code, reason, timeout_s)


@seeds("T22", "S0")
class NeverCloses(Frames):
    """Where the connection is to be closed, nothing happens."""

    async def close(self, code: int, reason: str, timeout_s: float) -> None:
        await trio.sleep(600)


@seeds("C2")
class ClosesWithoutCode(Frames):
    """A Close frame has no code."""

    async def send_close(self, code: int, reason: str) -> None:
        await self.send_frame(CLOSE, b"")


@seeds("T11", "E1")
class ClosesNormally(Frames):
    """Every Close has the code 1000."""

    async def send_close(self, code: int, reason: str) -> None:
        await super().send_close(1000, reason)


@seeds("T11", "E1")
class BlamesTheProtocol(Frames):
    """Every Close has the code 1002."""

    async def send_close(self, code: int, reason: str) -> None:
        await super().send_close(1002, reason)


@seeds("T11", "E1", "T22")
class BlamesThePolicy(Frames):
    """Every Close has the code 1008."""

    async def send_close(self, code: int, reason: str) -> None:
        await super().send_close(1008, reason)


@seeds("C4")
class TellsAtLength(Frames):
    """The reason of a Close is longer than a control frame can be."""

    async def send_close(self, code: int, reason: str) -> None:
        await super().send_close(code, reason + 40 * " and so on")


@seeds("C4")
class ReasonsInLatin1(Frames):
    """The reason of a Close is not UTF-8."""

    async def send_close(self, code: int, reason: str) -> None:
        await self.send_frame(CLOSE, code.to_bytes(2) + "désolé".encode("latin-1"))


@seeds("C3")
class TalksAfterClose(Frames):
    """A message follows the Close frame."""

    async def send_close(self, code: int, reason: str) -> None:
        await super().send_close(code, reason)
        await self.send_frame(TEXT, b"{}")


@seeds("C3")
class ClosesTwice(Frames):
    """A second Close frame follows the first."""

    async def send_close(self, code: int, reason: str) -> None:
        await super().send_close(code, reason)
        await super().send_close(code, reason)


@seeds("B16", "B17")
class KeepsTcpOpen(Frames):
    """TCP stays open for a minute after the Close frame."""

    async def close(self, code: int, reason: str, timeout_s: float) -> None:
        await super().close(code, reason, timeout_s)
        await trio.sleep(60)


@seeds("B16", "B17")
class WaitsForAnswerToClose(Frames):
    """A client that does not answer the Close frame is waited for."""

    async def close(self, code: int, reason: str, timeout_s: float) -> None:
        await super().close(code, reason, 600)


@seeds("C1", "S36-OPEN", "S36-CHALLENGED", "S36-CONNECTED", "S36-DISCONNECTED")
class DoesNotAnswerClose(Frames):
    """The client's Close frame is not answered."""

    async def answer_close(self, code: int | None) -> None:
        await trio.lowlevel.checkpoint()


@seeds("C1", "M40")
class AnswersCloseWithAnotherCode(Frames):
    """The client's Close with 1000 is answered with 1008."""

    async def answer_close(self, code: int | None) -> None:
        await super().answer_close(1008)


@seeds("C1")
class StaysAfterClose(Frames):
    """TCP stays open after both have closed."""

    async def answer_close(self, code: int | None) -> None:
        await super().answer_close(code)
        await trio.sleep(60)


@seeds("T29")
class TakesEveryCloseCode(Frames):
    """A Close frame of the client's may have any code, and half of one."""

    def read_close(self, payload: bytes) -> int | None:
        return 1000 if payload else None
