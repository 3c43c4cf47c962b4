"""One connection: it sends what its script says, and gives the script each whole reply."""

import errno
import math
import socket
import ssl
import struct
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from ric0_trio.load.loop import Loop
from ric0_trio.load.people import Script
from ric0_trio.load.streams import READ_BYTES, Target, TlsStream
from ric0_trio.load.wire import (
    CLOSE,
    CUT_OFF,
    HEAD_END,
    MAX_HEAD_BYTES,
    UPGRADED,
    FailedError,
    Opcode,
    close_kind,
    head_kind,
    is_whole_message,
    pong,
    split_frame,
)

REPLY_TIMEOUT_S: Final = 10.0

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time


class Owner(Protocol):
    """Who is told what becomes of a connection."""

    def on_parked(self, connection: "Connection") -> None:
        """Its script waits for `go_on`."""

    def on_ended(self, connection: "Connection", kind: str | None) -> None:
        """It was closed as it should be, or else what went wrong, by its kind."""


class Connection:
    """A client's side of a connection, from `begin` to its end."""

    __slots__ = (
        "_first", "_has_close", "_is_closing", "_is_shaking_hands", "_is_upgraded", "_loop", "_owner", "_receive",
        "_rest", "_script", "_send", "_socket", "_target", "_tls", "deadline", "due", "pings",
    )  # fmt: skip

    def __init__(self, loop: Loop, target: Target, script: Script, owner: Owner, due: float) -> None:
        self.due = due
        """When what it is at should have begun, by the loop's clock."""
        self.deadline = math.inf
        """When an answer is late."""
        self.pings = 0
        """How many the server has sent."""
        self._loop = loop
        self._target = target
        self._script = script
        self._owner = owner
        self._first = self._rest = b""
        self._is_closing = self._has_close = self._is_upgraded = self._is_shaking_hands = False
        self._tls: TlsStream | None = None
        self._socket = plain = socket.socket(target.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._send: Callable[[bytes], int] = plain.send
        self._receive: Callable[[int], bytes] = plain.recv

    def begin(self) -> None:
        """Connect. The owner is told nothing before this returns."""
        plain, target = self._socket, self._target
        self.deadline = self._loop.now + REPLY_TIMEOUT_S
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            problem = plain.connect_ex(target.place)
            if problem not in (0, errno.EINPROGRESS):
                raise OSError(problem, "")
            if target.tls is None:
                self._first = next(self._script) or b""
            else:
                self._tls = tls = TlsStream(plain, target, target.tls)
                self._send, self._receive = tls.send, tls.receive
                self._is_shaking_hands = True
                self._first = tls.hello()
            plain.send(self._first)  # over loopback it is connected by now
        except BlockingIOError:
            self._loop.watch(plain.fileno(), self, is_writing=True)
        except OSError as error:
            self._loop.call_at(self._loop.now, partial(self._end, _kind(error)))
        else:
            self._first = b""
            self._loop.watch(plain.fileno(), self)

    @property
    def is_parked(self) -> bool:
        """Whether its script waits for `go_on`."""
        return self.deadline == math.inf

    def go_on(self) -> None:
        """Let a script go on that is parked."""
        try:
            self._answer(b"")
        except FailedError as failed:
            self._end(failed.kind)
        except OSError as error:
            self._end(_kind(error))

    def reset(self) -> None:
        """Cut it off. The owner is not told."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._close()

    def on_late(self) -> None:
        self._end("timeout")

    def on_ready(self, events: int) -> None:
        """Read, and answer: of all that the load does, this is the most."""
        try:
            if self._first or self._is_shaking_hands:
                self._open()
                return
            data = self._receive(READ_BYTES)
            if not data:
                self._end(None if self._has_close else CUT_OFF)
            elif not self._is_upgraded:
                self._take_head(self._rest + data)
            elif not self._rest and is_whole_message(data):
                self._answer(data)
            else:
                self._take_frames(self._rest + data)
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except FailedError as failed:
            self._end(failed.kind)
        except OSError as error:
            self._end(None if self._has_close else _kind(error))

    def _open(self) -> None:
        if self._first:
            self._socket.send(self._first)
            self._first = b""
            self._loop.watch_reading(self._socket.fileno())
        elif self._tls is not None and self._tls.shake_hands():
            self._is_shaking_hands = False
            self._transmit(next(self._script) or b"")

    def _take_head(self, data: bytes) -> None:
        head, end, rest = data.partition(HEAD_END)
        if not end and len(data) < MAX_HEAD_BYTES:
            self._rest = data
        elif not end or not head.startswith(UPGRADED):
            raise FailedError(head_kind(head) if end else "no_http")
        else:
            self._rest, self._is_upgraded = rest, True
            if self._tls is not None:
                self._tls.keep_ticket()
            self._answer(head)

    def _take_frames(self, data: bytes) -> None:
        while (found := split_frame(data)) is not None:
            opcode, payload, data = found
            self._rest = data
            match opcode:
                case Opcode.TEXT | Opcode.BINARY:
                    self._answer(payload)
                case Opcode.PING:
                    self.pings += 1
                    self._transmit(pong(payload))
                case Opcode.CLOSE if self._is_closing:
                    self._has_close = True
                case Opcode.CLOSE:
                    raise FailedError(close_kind(payload))
        self._rest = data

    def _answer(self, reply: bytes) -> None:
        if self._is_closing:
            return  # what the server says after all has been said
        said = self._script.send(reply)
        if said:
            self.deadline = self._loop.now + REPLY_TIMEOUT_S
            self._is_closing = said is CLOSE
            self._transmit(said)
        elif said is None:
            self.deadline = math.inf
            self._owner.on_parked(self)

    def _transmit(self, data: bytes) -> None:
        if self._send(data) != len(data):
            raise FailedError("send_blocked")

    def _end(self, kind: str | None) -> None:
        if self._socket.fileno() >= 0:
            self._close()
            self._owner.on_ended(self, kind)

    def _close(self) -> None:
        self._is_closing = True
        self._loop.forget(self._socket.fileno())
        self._socket.close()
        self._script.close()


def _kind(error: OSError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return "tls_certificate"
        case ssl.SSLEOFError():
            return CUT_OFF
        case ssl.SSLError():
            return f"tls_{(error.reason or 'failed').lower()}"
        case ConnectionRefusedError():
            return "refused"
        case ConnectionResetError() | BrokenPipeError():
            return CUT_OFF
        case _:
            return errno.errorcode.get(error.errno or 0, "oserror").lower()
