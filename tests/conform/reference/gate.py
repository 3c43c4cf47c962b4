"""The HTTP request that opens a WebSocket: 101, or a refusal."""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field

import h11
import trio

PATH = b"/ric0_chat"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
END = b"\r\n\r\n"


@dataclass(frozen=True)
class Refusal:
    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()

    def response(self) -> bytes:
        return respond(self.status, [*self.headers, ("Content-Type", "text/plain")], self.text.encode() + b"\n")


@dataclass(frozen=True)
class Upgrade:
    response: bytes
    encoding: str
    early: bytes
    """What came behind the head already."""


@dataclass
class Request:
    method: bytes
    path: bytes
    headers: dict[bytes, list[bytes]] = field(default_factory=dict)
    """By their names in lower case."""

    def elements(self, name: bytes) -> list[bytes]:
        """The elements of a header that is a list."""
        parts = b",".join(self.headers.get(name, [])).split(b",")
        return [part.strip() for part in parts if part.strip()]

    def has_token(self, name: bytes, token: bytes) -> bool:
        return token in [element.lower() for element in self.elements(name)]


class Gate:
    """Reads one head and decides. The caller bounds the time by `timeout_s`."""

    timeout_s = 10.0
    """From the first byte of TLS to the end of the head."""
    max_head_bytes = 8 * 1024

    async def open(self, stream: trio.abc.ReceiveStream) -> Upgrade | Refusal:
        head = bytearray()
        while END not in head:
            if len(head) > self.max_head_bytes:
                return Refusal(431, "the head is too large")
            chunk = await stream.receive_some(1024)
            if not chunk:
                raise trio.BrokenResourceError("the client left")
            head += chunk
        end = head.index(END) + len(END)
        if end > self.max_head_bytes:
            return Refusal(431, "the head is too large")
        return self.decide(bytes(head[:end]), bytes(head[end:]))

    def decide(self, head: bytes, early: bytes) -> Upgrade | Refusal:
        request = self.parse(head)
        if isinstance(request, Refusal):
            return request
        checks = (
            self.check_ascii,
            self.check_path,
            self.check_method,
            self.check_upgrade,
            self.check_version,
            self.check_key,
            self.check_origin,
            self.check_offer,
        )
        for check in checks:
            refusal = check(request)
            if refusal is not None:
                return refusal
        offered = request.elements(b"sec-websocket-protocol")
        encoding = self.choose(offered)
        headers = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", self.accept(request.headers[b"sec-websocket-key"][0])),
            *self.name_choice(offered, encoding),
        ]
        return Upgrade(self.switch(headers), encoding, early)

    def parse(self, head: bytes) -> Request | Refusal:
        parser = h11.Connection(h11.SERVER)
        parser.receive_data(head)
        try:
            event = parser.next_event()
        except h11.RemoteProtocolError as error:
            return Refusal(400, f"not HTTP/1.1: {error}")
        if not isinstance(event, h11.Request) or event.http_version != b"1.1" or parser.trailing_data[0]:
            return Refusal(400, "not HTTP/1.1")
        request = Request(event.method, event.target.partition(b"?")[0])
        for name, value in event.headers:
            request.headers.setdefault(name, []).append(value)
        return request

    def check_ascii(self, request: Request) -> Refusal | None:
        is_ascii = all(value.isascii() for values in request.headers.values() for value in values)
        return None if is_ascii else Refusal(400, "a header is not ASCII")

    def check_path(self, request: Request) -> Refusal | None:
        return None if request.path == PATH else Refusal(404, "the chat is at /ric0_chat")

    def check_method(self, request: Request) -> Refusal | None:
        return None if request.method == b"GET" else Refusal(405, "GET it", (("Allow", "GET"),))

    def check_upgrade(self, request: Request) -> Refusal | None:
        if request.has_token(b"connection", b"upgrade") and request.has_token(b"upgrade", b"websocket"):
            return None
        return Refusal(426, "this is for WebSockets", (("Upgrade", "websocket"),))

    def check_version(self, request: Request) -> Refusal | None:
        if request.headers.get(b"sec-websocket-version") == [b"13"]:
            return None
        return Refusal(426, "version 13 is spoken here", (("Sec-WebSocket-Version", "13"),))

    def check_key(self, request: Request) -> Refusal | None:
        keys = request.headers.get(b"sec-websocket-key", [])
        return None if len(keys) == 1 and is_nonce(keys[0]) else Refusal(400, "no good Sec-WebSocket-Key")

    def check_origin(self, request: Request) -> Refusal | None:
        return Refusal(403, "no web pages") if b"origin" in request.headers else None

    def check_offer(self, request: Request) -> Refusal | None:
        offered = request.elements(b"sec-websocket-protocol")
        if not offered or {b"bson", b"json"}.intersection(offered):
            return None
        return Refusal(400, "neither bson nor json is offered")

    def choose(self, offered: list[bytes]) -> str:
        return "bson" if b"bson" in offered else "json"

    def accept(self, key: bytes) -> str:
        return base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest()).decode()

    def name_choice(self, offered: list[bytes], encoding: str) -> list[tuple[str, str]]:
        return [("Sec-WebSocket-Protocol", encoding)] if offered else []

    def switch(self, headers: list[tuple[str, str]]) -> bytes:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        return f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode()


def respond(status: int, headers: list[tuple[str, str]], body: bytes) -> bytes:
    ending = [("Content-Length", str(len(body))), ("Connection", "close")]
    lines = "".join(f"{name}: {value}\r\n" for name, value in [*headers, *ending])
    return f"HTTP/1.1 {status} Refused\r\n{lines}\r\n".encode() + body


def is_nonce(value: bytes) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == 16
    except binascii.Error:
        return False
