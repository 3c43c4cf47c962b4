"""The one request of an admin connection: read and checked here, whole, before Hypercorn sees any of it.

Hypercorn 0.18 goes over to HTTP/2 or a WebSocket for whoever asks, in plain text as well, and raises when they ask
badly; and it waits for ever when a body is not read. So it is given a request that was written anew.
"""

import re
from typing import Final

import trio

from ric0_trio.server.upgrade import HttpRefusal, HttpRequest, parse_request
from ric0_trio.transport.head import HeadTooBigError, read_head
from ric0_trio.transport.loopback import is_loopback

MAX_HEAD_BYTES: Final = 8 * 1024

_HOST: Final = re.compile(r"(?:\[(?P<ipv6>[^\]]*)\]|(?P<host>[^:]*))(?::\d*)?")
_PASSED_ON: Final = (b"host", b"authorization", b"accept")


async def take_request(stream: trio.abc.ReceiveStream, *, is_tcp: bool) -> bytes | HttpRefusal:
    """Read a request, and give its head as Hypercorn shall see it; or say why it is refused.

    The caller bounds the time. Raises `trio.BrokenResourceError` when the client leaves before the end of the head.
    """
    try:
        head, _ = await read_head(stream, MAX_HEAD_BYTES)
    except HeadTooBigError:
        return HttpRefusal(431, f"expected a head of at most {MAX_HEAD_BYTES} bytes")
    request = parse_request(head)
    if isinstance(request, HttpRefusal):
        return request
    if request.not_ascii is not None:
        return HttpRefusal(400, "a header is not ASCII")
    # A web page can have its own name resolve to 127.0.0.1, and its script would then be let read what is here. The
    # browser still says that name in Host. (No page reaches a unix socket.)
    if is_tcp and not all(_is_loopback_host(host.decode("ascii")) for host in request.all(b"host")):
        return HttpRefusal(421, "expected localhost, or an address of this machine's loopback, as the Host")
    return _write_anew(request)


def _is_loopback_host(host: str) -> bool:
    match = _HOST.fullmatch(host.lower())
    return match is not None and is_loopback(match["ipv6"] or match["host"] or "")


def _write_anew(request: HttpRequest) -> bytes:
    headers = [b"%b: %b\r\n" % (name, value) for name in _PASSED_ON for value in request.all(name)]
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (request.method, request.path, b"".join(headers))


class OneRequestStream(trio.abc.HalfCloseableStream):
    """A stream whose reader sees one head, and no more. That it is closed is only noted, and ends the reading."""

    def __init__(self, stream: trio.SocketStream, head: bytes) -> None:
        self.socket = stream.socket  # Hypercorn asks it who is there
        self._stream = stream
        self._head = head
        self._closed = trio.Event()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        head, self._head = self._head, b""
        if not head:
            await self._closed.wait()
            raise trio.ClosedResourceError
        return head

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def aclose(self) -> None:
        self._closed.set()
        await trio.lowlevel.checkpoint()
