"""A server that plays a part, well or badly, on a plain loopback socket, and notes all that its client does.

It shares nothing with the client but the codecs' payloads: the HTTP head is written by hand, and frames are wsproto's.
"""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import NoReturn, cast

import trio
from wsproto.frame_protocol import FrameProtocol, Opcode

from ric0_trio.protocol import Codec, PrivateKey, PublicKey
from ric0_trio.testing import SERVER_KEY, Plain, challenge_reply_data, connect_reply_data, pack, reply, unpack
from tests.client.stage import listen
from tests.protocol.pair import CODECS

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
JSON = CODECS["json"]


class HungUpError(Exception):
    """The client closed, or is gone."""


class Peer:
    """One client, as the server sees it."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.head = b""
        """The client's HTTP request."""
        self.asked: list[Plain] = []
        """Every message of the client."""
        self.closed: tuple[int, str] | None = None
        """How the client closed the WebSocket; None when it did not."""
        self.codec: Codec = JSON
        self._stream = stream
        self._frames = FrameProtocol(client=False, extensions=[])

    # The upgrade

    async def read_head(self) -> None:
        while b"\r\n\r\n" not in self.head:
            self.head += await self._read()

    async def upgrade(self, codec: Codec = JSON) -> None:
        self.codec = codec
        await self.read_head()
        await self.send_bytes(self.answer())

    def answer(self, **changes: str | None) -> bytes:
        """A 101 to the request, good but for the changes; None leaves a header out."""
        match = re.search(rb"(?i)sec-websocket-key: *([^\r]+)", self.head)
        assert match is not None
        accept = base64.b64encode(hashlib.sha1(match[1] + GUID, usedforsecurity=False).digest()).decode()
        headers: dict[str, str | None] = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Accept": accept,
            "Sec-WebSocket-Protocol": self.codec.subprotocol,
        }
        headers |= {name.replace("_", "-"): value for name, value in changes.items()}
        lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return "\r\n".join(["HTTP/1.1 101 Switching Protocols", *lines, "", ""]).encode("latin-1")

    # Messages

    async def next_request(self) -> Plain:
        """The client's next message."""
        before = len(self.asked)
        while len(self.asked) == before:
            await self._take(await self._read())
        return self.asked[-1]

    async def reply(self, request: Plain, data: object, status: str = "success", **changes: object) -> None:
        await self.send(reply(request, data, status, **changes))

    async def send(self, plain: object) -> None:
        await self.send_payload(pack(self.codec, plain))

    async def send_payload(self, payload: str | bytes) -> None:
        await self.send_bytes(bytes(FrameProtocol(client=False, extensions=[]).send_data(payload, fin=True)))

    async def send_close(self, code: int, reason: str = "") -> None:
        await self.send_bytes(bytes(FrameProtocol(client=False, extensions=[]).close(code, reason)))

    async def send_bytes(self, data: bytes) -> None:
        await self._stream.send_all(data)

    async def hang_up(self) -> NoReturn:
        await self._stream.aclose()
        raise HungUpError

    async def prove(self, key: PrivateKey = SERVER_KEY, shown: PublicKey | None = None) -> None:
        """Answer the challenge with the signature of `key`."""
        request = await self.next_request()
        message = base64.b64decode(request["data"]["challenge"])
        await self.reply(request, challenge_reply_data(message, key, shown))

    async def welcome(self, key: PublicKey = SERVER_KEY.public) -> None:
        """Answer the connect, as the server of `key`."""
        await self.reply(await self.next_request(), connect_reply_data(key))

    # What comes in

    async def see_the_end(self, *, answers_close: bool = True) -> None:
        """Note what the client still does, until it is gone."""
        try:
            while True:
                await self._take(await self._read())
        except HungUpError:
            if self.closed is not None and answers_close:
                await self.send_close(self.closed[0])

    async def _read(self) -> bytes:
        if self.closed is not None:
            raise HungUpError
        try:
            data = await self._stream.receive_some()
        except trio.BrokenResourceError:
            raise HungUpError from None
        if not data:
            raise HungUpError
        return bytes(data)

    async def _take(self, data: bytes) -> None:
        self._frames.receive_bytes(data)
        for frame in self._frames.received_frames():
            if frame.opcode is Opcode.CLOSE:
                code, reason = cast("tuple[int, str]", frame.payload)
                self.closed = (int(code), reason)
            elif frame.opcode in (Opcode.TEXT, Opcode.BINARY):  # and not a pong
                self.asked.append(unpack(self.codec, cast("str | bytes", frame.payload)))


Part = Callable[[Peer], Awaitable[None]]


class FakeServer:
    """Plays its part to one client at a time."""

    def __init__(self, port: int) -> None:
        self.url = f"ws://127.0.0.1:{port}"
        self.peer: Peer | None = None
        self._over = trio.Event()

    @classmethod
    async def start(cls, nursery: trio.Nursery, part: Part, *, answers_close: bool = True) -> "FakeServer":
        async def serve(stream: trio.SocketStream) -> None:
            fake.peer = peer = Peer(stream)
            try:
                await part(peer)
                await peer.see_the_end(answers_close=answers_close)
                if not answers_close:
                    await trio.sleep_forever()
            except (HungUpError, trio.BrokenResourceError):
                pass
            finally:
                await trio.aclose_forcefully(stream)
                fake._over.set()

        fake = cls(await listen(nursery, serve))
        return fake

    async def seen(self) -> Peer:
        """What there was of the client, when it is gone."""
        await self._over.wait()
        assert self.peer is not None
        return self.peer
