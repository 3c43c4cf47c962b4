"""The HTTP request that opens a WebSocket: checked here, whole (docs/protocol.md, "Transport").

trio-websocket and wsproto raise on bytes that are not ASCII in several headers, and on a refusal that cannot be sent.
So the plain adapter is given a request that is written anew, from values that were checked.
"""

import base64
import binascii
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

import h11
from wsproto.utilities import generate_accept_token

from ric0_trio.protocol import PATH
from ric0_trio.protocol.codec import Codec, choose_codec

_SHOWN_CHARS: Final = 200

_TOKEN: Final = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]++"
_USUAL_HEAD: Final = re.compile(  # nothing in it is tried twice: a stranger would choose how often
    rb"GET ([!-~]++) HTTP/1\.1\r\n((?:" + _TOKEN + rb":[\t -~]*+\r\n)*+)\r\n"
)
_LEFT_TO_H11: Final = frozenset({b"content-length", b"transfer-encoding"})


@dataclass(frozen=True)
class Upgrade:
    """A request that can be answered with 101."""

    codec: Codec
    subprotocol: str | None
    """What the 101 answer names: None when the client offered nothing, and gets `json`."""
    key: bytes

    def head(self) -> bytes:
        """The request as trio-websocket shall see it."""
        offer = f"Sec-WebSocket-Protocol: {self.subprotocol}\r\n" if self.subprotocol else ""
        return (
            f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {self.key.decode('ascii')}\r\n{offer}\r\n"
        ).encode("ascii")

    def acceptance(self) -> bytes:
        """The answer: 101 (RFC 6455 section 4.2.2)."""
        choice = f"Sec-WebSocket-Protocol: {self.subprotocol}\r\n" if self.subprotocol else ""
        return (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {generate_accept_token(self.key).decode('ascii')}\r\n{choice}\r\n"
        ).encode("ascii")


@dataclass(frozen=True)
class HttpRefusal:
    """The answer to a request that opens no WebSocket here."""

    status: int
    text: str
    headers: Sequence[tuple[str, str]] = field(default=())
    limit: str | None = None
    """Which limit was reached, if that is why."""

    def response(self) -> bytes:
        """The whole HTTP response, after which the connection is closed."""
        body = f"{self.text}\n".encode()
        connection = h11.Connection(h11.SERVER)
        headers = [
            *self.headers,
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        parts = (h11.Response(status_code=self.status, headers=headers), h11.Data(body), h11.EndOfMessage())
        return b"".join(connection.send(part) or b"" for part in parts)


class HttpRequest:
    """A well-formed HTTP request."""

    def __init__(
        self, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], *, not_ascii: str | None = None
    ) -> None:
        """`headers` have names in lower case."""
        self.method = method
        self.not_ascii = not_ascii
        """The name of a header whose value is not ASCII, if there is one."""
        self.path = target.partition(b"?")[0]
        self._headers: dict[bytes, list[bytes]] = {}
        for name, value in headers:
            self._headers.setdefault(name, []).append(value)

    def all(self, wanted: bytes) -> list[bytes]:
        """The values of a header (in lower case), one for each time that it is there."""
        return self._headers.get(wanted, [])

    def elements(self, wanted: bytes) -> list[str]:
        """The elements of a header that is a comma-separated list."""
        text = b",".join(self.all(wanted)).decode("latin-1")
        return [element for part in text.split(",") if (element := part.strip())]

    def has_token(self, wanted: bytes, token: str) -> bool:
        """Whether a list of tokens, which compare without regard to case, has this one (in lower case)."""
        return token in (element.lower() for element in self.elements(wanted))

    @property
    def forwarded_for(self) -> list[str]:
        """Through whom the request says that it came, the nearest last."""
        return self.elements(b"x-forwarded-for")


def parse_request(head: bytes) -> HttpRequest | HttpRefusal:
    """Take an HTTP head, which ends in its blank line. Nothing in it raises."""
    return _parse_usual(head) or _parse_with_h11(head)


def _parse_usual(head: bytes) -> HttpRequest | None:
    """What h11 would say, if it is a request as they nearly all are; or None."""
    match = _USUAL_HEAD.fullmatch(head)
    if match is None:
        return None
    target, lines = match.groups()
    parted = (line.partition(b":") for line in lines.split(b"\r\n")[:-1])
    headers = [(name.lower(), value.strip(b" \t")) for name, _, value in parted]
    names = [name for name, _ in headers]
    if names.count(b"host") != 1 or not _LEFT_TO_H11.isdisjoint(names):
        return None
    return HttpRequest(b"GET", target, headers)


def _parse_with_h11(head: bytes) -> HttpRequest | HttpRefusal:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=len(head))
    connection.receive_data(head)
    try:
        request = connection.next_event()
    except h11.RemoteProtocolError as error:
        return HttpRefusal(400, f"not a valid HTTP/1.1 request: {str(error)[:_SHOWN_CHARS]}")
    if not isinstance(request, h11.Request) or request.http_version != b"1.1":
        return HttpRefusal(400, "expected an HTTP/1.1 request")
    if connection.trailing_data[0]:  # h11 also takes bare line feeds for the end: what follows would be hidden
        return HttpRefusal(400, "expected lines that end in CR LF")
    headers = list(request.headers)
    not_ascii = next((name.decode("ascii") for name, value in headers if not value.isascii()), None)
    return HttpRequest(request.method, request.target, headers, not_ascii=not_ascii)


def check_request(
    request: HttpRequest, codecs: Sequence[Codec], allowed_origins: Collection[str]
) -> Upgrade | HttpRefusal:
    """Decide what to answer. `allowed_origins` are in lower case. Nothing in the request raises."""
    if request.not_ascii is not None:
        return HttpRefusal(400, f"the header {request.not_ascii[:_SHOWN_CHARS]} is not ASCII")
    if request.path != PATH.encode():
        return HttpRefusal(404, f"nothing here; the chat is at {PATH}")
    if request.method != b"GET":
        return HttpRefusal(405, "a WebSocket is opened with GET", [("Allow", "GET")])
    if request.all(b"transfer-encoding") or request.all(b"content-length") not in ([], [b"0"]):
        return HttpRefusal(400, "a WebSocket is opened without a body")  # a proxy could take it for something else
    if not request.has_token(b"connection", "upgrade") or not request.has_token(b"upgrade", "websocket"):
        return HttpRefusal(426, "only WebSockets are served here", [("Upgrade", "websocket")])
    if request.all(b"sec-websocket-version") != [b"13"]:
        return HttpRefusal(426, "expected Sec-WebSocket-Version: 13", [("Sec-WebSocket-Version", "13")])
    key = request.all(b"sec-websocket-key")
    if len(key) != 1 or not _is_nonce(key[0]):
        return HttpRefusal(400, "expected one Sec-WebSocket-Key: 16 bytes in base64")
    for origin in request.all(b"origin"):  # browsers send it, for the page that asks; other programs do not
        if normal_origin(origin.decode("ascii")) not in allowed_origins:
            return HttpRefusal(403, "pages of that origin may not connect here", limit="allowed_origins")
    offered = request.elements(b"sec-websocket-protocol")
    codec = choose_codec(offered, codecs)
    if codec is None:
        spoken = " and ".join(codec.subprotocol for codec in codecs)
        return HttpRefusal(400, f"no known subprotocol offered: there are json and bson; this server has {spoken}")
    return Upgrade(codec, codec.subprotocol if offered else None, key[0])


def normal_origin(origin: str) -> str:
    """An origin as browsers send it: in lower case, and without the port that goes without saying."""
    scheme, colon, rest = origin.lower().partition("://")
    return scheme + colon + rest.removesuffix({"https": ":443", "http": ":80"}.get(scheme, ":"))


def _is_nonce(value: bytes) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == 16
    except binascii.Error:
        return False
