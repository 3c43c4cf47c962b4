"""A WebSocket to the server under test: anything can be sent on it, and what comes is read frame by frame."""

from dataclasses import dataclass
from typing import Final

import trio

from ric0_trio.conform.evidence import Evidence
from ric0_trio.conform.frames import (
    MAX_MESSAGE_BYTES,
    BadFrameError,
    Frame,
    FrameParser,
    Opcode,
    make_close,
    make_frame,
    make_message,
)
from ric0_trio.conform.outcomes import EndedError, FailedError, NotRunError

ANSWER_S: Final = 8.0
"""How long a server is waited for: it has 5 s for a question of its own."""

SEND_S: Final = 10.0
_CHUNK_BYTES: Final = 64 * 1024
_TRY_AGAIN_LATER: Final = 1013
_NO_STATUS: Final = 1005


@dataclass(frozen=True)
class Closed:
    """The end of a connection."""

    code: int | None
    """Of its Close frame: 1005 when that has none; None when there was no Close frame."""
    reason: bytes = b""

    def __str__(self) -> str:
        if self.code is None:
            return "the end of the connection, without a Close frame"
        return f"Close {self.code} {self.reason.decode('utf-8', 'replace')!r}"


@dataclass(frozen=True)
class Ping:
    """A ping of the server's."""

    payload: bytes

    def __str__(self) -> str:
        return f"a ping with {self.payload!r}"


@dataclass(frozen=True)
class Pong:
    """A pong of the server's."""

    payload: bytes

    def __str__(self) -> str:
        return f"a pong with {self.payload!r}"


Event = str | bytes | Ping | Pong | Closed


class WebSocket:
    """One connection, after its upgrade."""

    def __init__(self, stream: trio.abc.Stream, evidence: Evidence, number: int, rest: bytes) -> None:
        """`rest` is what came behind the server's 101; `number` is the connection's, in the evidence."""
        self._stream = stream
        self._evidence = evidence
        self._number = number
        self._frames = FrameParser()
        self._frames.feed(rest)
        self._message = bytearray()
        self._kind: Opcode | None = None
        """Of the message that has begun: pings and pongs may come between its fragments."""
        self._closed: Closed | None = None
        self._given_back: str | bytes | Closed | None = None
        self.opened_at: Final = trio.current_time()
        """When the 101 answer had come."""
        self.answers_close = True
        """Whether the server's Close frame is answered."""

    def note(self, what: str, text: str = "") -> None:
        """Add to the evidence."""
        self._evidence.note(self._number, what, text)

    async def send_raw(self, data: bytes, what: str) -> None:
        """Send bytes; `what` they are is for the evidence. That the server is gone shows when it is read from."""
        self.note(f"-> {what}")
        try:
            with trio.fail_after(SEND_S):
                await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.note("   (it could not be sent: the connection is gone)")
        except trio.TooSlowError:
            raise FailedError("that the server reads what it is sent", f"no room to send for {SEND_S:g} s") from None

    async def send_payload(self, payload: str | bytes, shown: str | None = None) -> None:
        """Send one whole message. It is shown as it is, if nothing else is `shown`."""
        kind = "text" if isinstance(payload, str) else "binary"
        text = repr(payload[:200]) if shown is None else shown
        await self.send_raw(make_message(payload), f"{kind}, {len(payload)} long: {self._evidence.show(text)}")

    async def send_ping(self, payload: bytes = b"") -> None:
        """Send a ping."""
        await self.send_raw(make_frame(Opcode.PING, payload), f"ping {payload!r}")

    async def send_close(self, code: int | None = 1000) -> None:
        """Send a Close frame."""
        await self.send_raw(make_close(code), f"Close {code or '(empty)'}")

    async def next_event(self, expected: str, within_s: float = ANSWER_S) -> Event:
        """Wait for whatever comes next. Raises `FailedError` when nothing does, or what RFC 6455 does not allow."""
        try:
            with trio.fail_after(within_s):
                return await self._next_event()
        except trio.TooSlowError:
            self.note(f"   (nothing came for {round(within_s, 1):g} s)")
            raise FailedError(expected, f"nothing for {round(within_s, 1):g} s, and the connection is open") from None
        except BadFrameError as error:
            self.note("<- a bad frame", str(error))
            raise FailedError(f"{expected}, in frames as RFC 6455 has them", str(error)) from None

    async def receive(self, expected: str, within_s: float = ANSWER_S) -> str | bytes | Closed:
        """Wait for a message, or the end; pings are answered, and pongs passed over."""
        if (given_back := self._given_back) is not None:
            self._given_back = None
            return given_back
        deadline = trio.current_time() + within_s
        while True:
            match await self.next_event(expected, max(0.0, deadline - trio.current_time())):
                case Ping(payload):
                    await self.send_raw(make_frame(Opcode.PONG, payload), f"pong {payload!r}")
                case Pong():
                    continue
                case message_or_end:
                    return message_or_end

    def give_back(self, came: str | bytes | Closed) -> None:
        """Have the next `receive` give this again."""
        self._given_back = came

    def unexpected(self, expected: str, came: Event) -> EndedError:
        """Make what is to be raised for something else than was expected: no failure, where the server is too busy."""
        if isinstance(came, Closed) and came.code == _TRY_AGAIN_LATER:
            return NotRunError("the server closed with 1013, too busy: exempt this address from its bounds")
        return FailedError(expected, self.tell(came))

    def tell(self, came: Event) -> str:
        """How something else than was expected is told."""
        if isinstance(came, str | bytes):
            return f"a message: {self._evidence.show(self._show_payload(came))}"
        return self._evidence.show(str(came))

    def _show_payload(self, payload: str | bytes) -> str:
        return repr(payload[:300])

    async def expect_close(self, *codes: int, within_s: float = ANSWER_S, may_cut: bool = False) -> Closed:
        """See that the server closes with one of these codes and says nothing before; `may_cut`: or without a frame."""
        expected = f"Close {' or '.join(map(str, codes))}{', or a cut' if may_cut else ''}"
        came = await self.receive(expected, within_s)
        if isinstance(came, Closed) and (came.code in codes or (may_cut and came.code is None)):
            return came
        raise self.unexpected(expected, came)

    async def expect_end(self, within_s: float = ANSWER_S) -> None:
        """See that TCP ends, and that nothing comes before: after the server's Close."""
        expected = "the end of the TCP connection, and nothing before"
        more = self._frames.rest
        with trio.move_on_after(within_s) as waiting:
            more = more or await self._read_some()
        if waiting.cancelled_caught:
            raise FailedError(expected, f"nothing for {round(within_s, 1):g} s, and it is open")
        if more:
            raise FailedError(expected, f"{len(more)} more bytes: {more[:40]!r}")

    async def _next_event(self) -> Event:
        while True:
            frame = await self._next_frame()
            match frame:
                case Closed():
                    return frame
                case Frame(Opcode.PING):
                    self.note(f"<- ping {frame.payload!r}")
                    return Ping(frame.payload)
                case Frame(Opcode.PONG):
                    self.note(f"<- pong {frame.payload!r}")
                    return Pong(frame.payload)
                case Frame(Opcode.CLOSE):
                    return await self._end(frame.payload)
            if (frame.opcode is Opcode.CONTINUATION) != (self._kind is not None):
                raise BadFrameError("fragments of a message that do not fit together")
            self._kind = self._kind or frame.opcode
            self._message += frame.payload
            if len(self._message) > MAX_MESSAGE_BYTES:
                raise BadFrameError("a message without end")
            if frame.is_last:
                return self._take_message()

    def _take_message(self) -> str | bytes:
        kind, payload = self._kind, bytes(self._message)
        self._kind = None
        self._message.clear()
        if kind is Opcode.BINARY:
            return payload
        try:
            return payload.decode()
        except UnicodeDecodeError:
            raise BadFrameError("text that is not UTF-8") from None

    async def _end(self, payload: bytes) -> Closed:
        if len(payload) == 1:
            raise BadFrameError("a Close frame of one byte")
        code = int.from_bytes(payload[:2]) if payload else _NO_STATUS
        self._closed = Closed(code, payload[2:])
        self.note("<-", str(self._closed))
        if self.answers_close:
            await self.send_close(None if code == _NO_STATUS else code)
        return self._closed

    async def _next_frame(self) -> Frame | Closed:
        while (frame := self._frames.next()) is None:
            data = b"" if self._closed else await self._read_some()
            if not data:
                self.note("<- the end of the connection")
                self._closed = self._closed or Closed(None)
                return Closed(None)
            self._frames.feed(data)
        return frame

    async def _read_some(self) -> bytes:
        try:
            return bytes(await self._stream.receive_some(_CHUNK_BYTES))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return b""
