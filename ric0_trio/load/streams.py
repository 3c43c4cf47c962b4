"""The bytes of one connection in TLS, on a socket that never waits; and where connections lead."""

import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

READ_BYTES: Final = 16 * 1024


@dataclass
class Target:
    """Where connections lead, and what they share."""

    family: socket.AddressFamily
    place: tuple[Any, ...]
    """As the system takes it."""
    host: str
    tls: ssl.SSLContext | None
    resumes: bool
    ticket: ssl.SSLSession | None = None
    """What resumes a TLS session, over and over: each that is looked at costs as much as it spares."""
    resumed: int = 0
    """How many handshakes were resumed."""


class TlsStream:
    """TLS in memory: what is sent right after the handshake goes out in one piece with the handshake's end."""

    __slots__ = ("_incoming", "_outgoing", "_socket", "_target", "_tls")

    def __init__(self, plain: socket.socket, target: Target, context: ssl.SSLContext) -> None:
        self._socket = plain
        self._target = target
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        host = target.host.encode()  # text would be looked at as an international name each time
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host, session=target.ticket)

    def hello(self) -> bytes:
        """What begins the handshake."""
        with suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()
        return self._outgoing.read()

    def shake_hands(self) -> bool:
        """Read, and go on with the handshake; True when it is done. Raises `OSError`."""
        self._fill()
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            if self._outgoing.pending:
                self._socket.send(self._outgoing.read())
            return False
        self._target.resumed += bool(self._tls.session_reused)
        return True

    def send(self, data: bytes) -> int:
        """Send it whole, or nothing. Raises `OSError`."""
        self._tls.write(data)
        records = self._outgoing.read()
        return len(data) if self._socket.send(records) == len(records) else 0

    def receive(self, size: int) -> bytes:
        """What has come; nothing when TCP has ended. Raises `OSError`, which `ssl.SSLWantReadError` is, too."""
        is_over = not self._fill()
        data = self._tls.read(size)
        while self._incoming.pending:
            try:
                more = self._tls.read(size)
            except ssl.SSLWantReadError:
                break
            if not more:
                self._confirm_end()
                break
            data += more
        if not data and not is_over:
            self._confirm_end()
            raise BlockingIOError
        return data

    def keep_ticket(self) -> None:
        """Keep what resumes this session, unless it is itself resumed. Servers send it before all else."""
        if self._target.resumes and not self._tls.session_reused:
            session = self._tls.session
            if session is not None and session.has_ticket:
                self._target.ticket = session

    def _confirm_end(self) -> None:
        """TLS has ended: say so too, as some servers wait for it; then the server ends TCP, and keeps the TIME_WAIT."""
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        self._socket.send(self._outgoing.read())

    def _fill(self) -> bool:
        raw = self._socket.recv(READ_BYTES)
        if raw:
            self._incoming.write(raw)
        else:
            self._incoming.write_eof()
        return bool(raw)
