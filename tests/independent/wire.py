"""One WebSocket on a blocking TLS socket, in one thread.

`websockets.sync` reads in a thread of its own while it writes in the caller's: two threads on one TLS object, which
Python 3.11 does not guard. On a busy machine about one handshake in a thousand then never ends. So the framing is
websockets', from its sans-IO half, and the socket is ours.
"""

import select
import socket
import ssl
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

PATIENCE_S = 30.0


class ClosedError(Exception):
    """The server closed: with which code, or None when it left without a Close frame."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(f"closed with {code}: {reason}")
        self.code = code
        self.reason = reason


class WebSocket:
    def __init__(
        self, url: str, ca: Path, subprotocol: str, *, source: str | None = None, headers: Mapping[str, str]
    ) -> None:
        self._protocol = ClientProtocol(parse_uri(url), subprotocols=[Subprotocol(subprotocol)])
        self._messages: deque[str | bytes] = deque()
        self._fragments: list[Frame] = []
        self._pings = 0
        self._stream = _open(url, ca, source)
        try:
            self._upgrade(headers)
        except BaseException:
            self._stream.close()
            raise

    @property
    def subprotocol(self) -> str | None:
        return self._protocol.subprotocol

    @property
    def stream(self) -> socket.socket:
        return self._stream

    def send(self, payload: str | bytes) -> None:
        if isinstance(payload, str):
            self._protocol.send_text(payload.encode())
        else:
            self._protocol.send_binary(payload)
        self._flush()

    def receive(self) -> str | bytes:
        while not self._messages and self._protocol.state is not State.CLOSED:
            self._read()
        if self._messages:
            return self._messages.popleft()
        self.abandon()
        close = self._protocol.close_rcvd
        raise ClosedError(close.code if close else None, close.reason if close else "")

    def receive_ping(self) -> None:
        """Wait for a ping, which is answered. What else comes is kept."""
        before = self._pings
        while self._pings == before:
            if self._protocol.state is State.CLOSED:
                raise ClosedError(None, "")
            self._read()

    def wait_for_news(self) -> None:
        """Wait until something has come, and leave it unread."""
        if not select.select([self._stream], [], [], PATIENCE_S)[0]:
            raise TimeoutError

    def close(self, code: int = 1000) -> int | None:
        """Close, read what is left, and return the code that the server answered with."""
        if self._protocol.close_sent is None:
            self._protocol.send_close(code)
            self._flush()
        try:
            while True:
                self.receive()
        except ClosedError as closed:
            return closed.code

    def abandon(self) -> None:
        """Drop the connection without a word."""
        self._stream.close()

    def _upgrade(self, headers: Mapping[str, str]) -> None:
        request = self._protocol.connect()
        request.headers.update(headers)
        self._protocol.send_request(request)
        self._flush()
        while self._protocol.state is State.CONNECTING and self._protocol.handshake_exc is None:
            self._read()
        if self._protocol.handshake_exc is not None:
            raise self._protocol.handshake_exc

    def _read(self) -> None:
        try:
            received = self._stream.recv(65536)
        except (ConnectionError, ssl.SSLError):
            received = b""
        if received:
            self._protocol.receive_data(received)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._collect(event)
        self._flush()

    def _collect(self, frame: Frame) -> None:
        self._pings += frame.opcode is Opcode.PING
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        self._fragments.append(frame)
        if frame.fin:
            whole = b"".join(bytes(fragment.data) for fragment in self._fragments)
            is_text = self._fragments[0].opcode is Opcode.TEXT
            self._messages.append(whole.decode() if is_text else whole)
            self._fragments.clear()

    def _flush(self) -> None:
        for chunk in self._protocol.data_to_send():
            try:
                # An empty chunk asks for a half-close, which TLS does not have: closing comes soon after.
                self._stream.sendall(chunk)
            except (ConnectionError, ssl.SSLError):  # what came before its end can still be read, and tells why
                return


class _Stream(ssl.SSLSocket):
    """Python keeps one open that is reset before it begins."""

    def __del__(self) -> None:
        self.close()


def tls_context(ca: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca))
    context.sslsocket_class = _Stream
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _open(url: str, ca: Path, source: str | None) -> socket.socket:
    parts = urlsplit(url)
    own = None if source is None else (source, 0)
    stream = socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE_S, source_address=own)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if parts.scheme != "wss":
        return stream
    try:
        return tls_context(ca).wrap_socket(stream, server_hostname=parts.hostname)
    except BaseException:
        stream.close()
        raise
