"""An HTTP head is found wherever it is cut; what opens a WebSocket is right in every point; a refusal is HTTP.

The first line of an input has the sizes of the pieces in which the rest comes (`pieces.py`).
"""

import base64
import re
from collections.abc import Sequence

import h11
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import Request

from ric0_trio.protocol import PATH, Codec, JsonCodec, available_codecs
from ric0_trio.server.upgrade import HttpRefusal, Upgrade, check_request, parse_request
from ric0_trio.transport.head import HeadTooBigError, read_head
from tests.fuzz.pieces import MOST_PIECE_BYTES, PieceStream, split

MAX_BYTES = 1024
ORIGIN = b"https://chat.example"
WORDS = (
    *("GET ", "POST ", "HEAD ", "/ric0_chat", "?", " HTTP/1.1", " HTTP/1.0", "\r\n", "\r\n\r\n", "\n\n", "\r\n ", "\t"),
    *("Host: ", "Upgrade: ", "Connection: ", "Sec-WebSocket-Version: ", "Sec-WebSocket-Key: ", "Origin: "),
    *("Sec-WebSocket-Protocol: ", "Sec-WebSocket-Extensions: ", "X-Forwarded-For: ", "Content-Length: "),
    *("Transfer-Encoding: chunked", "Expect: 100-continue", "websocket", "keep-alive", "AAECAwQFBgcICQoLDA0ODw=="),
    *("json", "bson", ", ", "13", "8", "0", "https://chat.example", "null", "localhost", "\x00", "\x7f"),
)
_MOST_REFUSAL_BYTES = 512
_LINE_END = re.compile(rb"\r?\n")


# What is under test, in one place


async def _read(stream: trio.abc.ReceiveStream) -> tuple[bytes, bytes]:
    return await read_head(stream, MAX_BYTES)


def _check(head: bytes, codecs: Sequence[Codec]) -> Upgrade | HttpRefusal:
    request = parse_request(head)
    if isinstance(request, HttpRefusal):
        return request
    assert all(request.forwarded_for)  # it is asked for before anything else
    return check_request(request, codecs, {ORIGIN.decode()})


def target(data: bytes) -> None:
    whole, pieces = split(data)
    head = check_read(whole, pieces)
    if head is not None:
        for codecs in (available_codecs(), (JsonCodec(),)):
            answer = _check(head, codecs)
            if isinstance(answer, Upgrade):
                check_upgrade(answer, head, codecs)
            else:
                check_refusal(answer)


def check_read(whole: bytes, pieces: list[bytes]) -> bytes | None:
    stream = PieceStream(pieces)
    end = whole.find(b"\r\n\r\n") + 4
    has_end = end >= 4
    reading = _read(stream)
    try:
        reading.send(None)
    except StopIteration as done:
        head, behind = done.value
    except HeadTooBigError:
        assert end > MAX_BYTES or (not has_end and len(whole) >= MAX_BYTES)
        assert len(stream.given) < MAX_BYTES + MOST_PIECE_BYTES
        return None
    except trio.BrokenResourceError:
        assert not has_end
        assert len(whole) < MAX_BYTES
        return None
    else:
        raise AssertionError("it waits for something else than the stream")
    assert has_end
    assert end <= MAX_BYTES
    assert (head, head + behind) == (whole[:end], stream.given)
    assert isinstance(head, bytes)
    return head


def check_upgrade(upgrade: Upgrade, head: bytes, codecs: Sequence[Codec]) -> None:
    """What was asked for is a WebSocket, by all that the page says; what is passed on says that, and no more."""
    assert upgrade.codec in codecs
    assert upgrade.codec.subprotocol == (upgrade.subprotocol or "json")
    target, headers = _read_request(head)
    assert target.partition("?")[0] == PATH
    assert headers["sec-websocket-key"] == [upgrade.key.decode()]
    assert len(base64.b64decode(upgrade.key, validate=True)) == 16
    assert headers["sec-websocket-version"] == ["13"]
    assert "websocket" in _elements(headers, "upgrade", lower=True)
    assert "upgrade" in _elements(headers, "connection", lower=True)
    assert all(origin.lower() == ORIGIN.decode() for origin in headers.get("origin", []))
    offered = _elements(headers, "sec-websocket-protocol")
    assert upgrade.subprotocol == next((c.subprotocol for c in codecs if c.subprotocol in offered), None)
    assert upgrade.subprotocol or not offered
    passed_on = upgrade.head()
    assert passed_on.isascii()
    assert passed_on.count(b"\r\n") == (8 if offered else 7)
    assert passed_on.find(b"\r\n\r\n") == len(passed_on) - 4
    server = WSConnection(ConnectionType.SERVER)
    server.receive_data(passed_on)
    (event,) = server.events()
    assert isinstance(event, Request)
    assert (event.target, event.subprotocols) == (PATH, [upgrade.subprotocol] if upgrade.subprotocol else [])


def _read_request(head: bytes) -> tuple[str, dict[str, list[str]]]:
    """Read a head once more, without a library: its target and headers."""
    first, *lines = _LINE_END.split(head)
    method, target, version = first.split(b" ")
    assert (method, version) == (b"GET", b"HTTP/1.1")
    assert lines[-2:] == [b"", b""]
    assert b"" not in lines[:-2]
    assert all(line.isascii() for line in lines)
    headers: dict[str, list[str]] = {}
    name = ""
    for line in lines[:-2]:
        if line[:1] in b" \t":
            headers[name][-1] = f"{headers[name][-1]} {line.decode()}".strip(" \t")
        else:
            name, _, value = line.decode().partition(":")
            name = name.lower()
            headers.setdefault(name, []).append(value.strip(" \t"))
    return target.decode(), headers


def _elements(headers: dict[str, list[str]], name: str, *, lower: bool = False) -> list[str]:
    elements = [element.strip() for value in headers.get(name, []) for element in value.split(",")]
    return [element.lower() if lower else element for element in elements if element]


def check_refusal(refusal: HttpRefusal) -> None:
    """A client understands the whole of it, and that nothing follows."""
    sent = refusal.response()
    assert len(sent) <= _MOST_REFUSAL_BYTES
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target=PATH, headers=[("Host", "chat.example")]))
    client.send(h11.EndOfMessage())
    client.receive_data(sent)
    client.receive_data(b"")
    response, body, end, *more = iter(client.next_event, h11.ConnectionClosed())
    assert isinstance(response, h11.Response)
    assert response.status_code == refusal.status
    assert 400 <= refusal.status < 600
    assert isinstance(body, h11.Data)
    assert bytes(body.data).decode() == f"{refusal.text}\n"
    assert bytes(body.data[:-1]).decode("ascii").isprintable()
    assert isinstance(end, h11.EndOfMessage)
    assert not more
    assert client.trailing_data == (b"", True)
