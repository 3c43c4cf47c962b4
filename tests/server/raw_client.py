"""A WebSocket client that does what it is told, well or badly: wsproto over any Trio stream."""

import socket
import struct
from collections import deque

import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    Request,
    TextMessage,
)
from wsproto.frame_protocol import FrameProtocol, Opcode

from ric0_trio.protocol import PATH, Codec, State
from ric0_trio.testing import WAY_TO, Plain, pack, unpack
from tests.protocol.pair import CODECS

JSON = CODECS["json"]
GONE = 1006  # what wsproto says of a stream that ended
HEAD = (
    f"GET {PATH} HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n\r\n"
).encode()

Timeline = list[tuple[float, str]]


class RawClient:
    """One end of a stream, and the WebSocket that it may carry."""

    def __init__(self, stream: trio.abc.Stream, codec: Codec = JSON) -> None:
        self.stream = stream
        self.codec = codec
        self._wire = WSConnection(ConnectionType.CLIENT)
        self._events = deque[Event]()
        self._began = trio.current_time()

    async def upgrade(self) -> str | None:
        """Open the WebSocket, and return the subprotocol that the server chose."""
        request = Request(host="chat.example", target=PATH, subprotocols=[self.codec.subprotocol])
        await self.send_raw(self._wire.send(request))
        accepted = await self.next_event()
        assert isinstance(accepted, AcceptConnection), accepted
        assert accepted.extensions == []
        return accepted.subprotocol

    async def reach(self, state: State) -> None:
        """Open the WebSocket, and send what leads to `state`."""
        await self.upgrade()
        for plain in WAY_TO[state]:
            reply = await self.ask(plain)
            assert reply["status"] == "success", reply

    # What goes out

    async def send_raw(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def send(self, payload: str | bytes) -> None:
        await self.send_raw(self.frame(payload))

    def frame(self, payload: str | bytes) -> bytes:
        """The bytes of a whole message."""
        return self._wire.send(TextMessage(payload) if isinstance(payload, str) else BytesMessage(payload))

    def request(self, plain: Plain) -> bytes:
        """The bytes of an envelope."""
        return self.frame(pack(self.codec, plain))

    async def ping(self, payload: bytes = b"?") -> None:
        await self.send_raw(self._wire.send(Ping(payload)))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self.send_raw(self._wire.send(CloseConnection(code, reason)))

    async def ask(self, plain: Plain) -> Plain:
        """Send a request, and return the next message."""
        await self.send_raw(self.request(plain))
        return await self.receive()

    async def reset(self) -> None:
        """Leave without a word: over a socket, with a TCP reset."""
        stream = self.stream
        while isinstance(stream, trio.SSLStream):
            stream = stream.transport_stream
        if isinstance(stream, trio.SocketStream):
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await trio.aclose_forcefully(stream)

    # What comes in

    async def next_event(self) -> Event:
        """The next thing that the server does. The end of the stream is a `CloseConnection` with `GONE`."""
        while not self._events:
            try:
                data = await self.stream.receive_some()
            except trio.BrokenResourceError:
                data = b""
            self._wire.receive_data(bytes(data) or None)
            self._events.extend(self._wire.events())
        return self._events.popleft()

    async def receive(self) -> Plain:
        """The next message, pongs left out."""
        while isinstance(event := await self.next_event(), Pong):
            pass
        assert isinstance(event, Message), event
        return unpack(self.codec, event.data if isinstance(event.data, str) else bytes(event.data))

    async def closing(self) -> tuple[int, str]:
        """The server's Close, whatever comes before it."""
        while not isinstance(event := await self.next_event(), CloseConnection):
            pass
        return int(event.code), event.reason or ""

    async def gone(self) -> bytes:
        """Wait for the end of the stream, and return what came before it."""
        received = bytearray()
        try:
            while data := await self.stream.receive_some():
                received += data
        except trio.BrokenResourceError:
            pass
        return bytes(received)

    async def watch(self, *, answers_pings: bool = False, answers_close: bool = False) -> Timeline:
        """All that the server does until the stream ends, with its time in seconds since this client was made."""
        seen: Timeline = []
        while True:
            event = await self.next_event()
            moment = round(trio.current_time() - self._began, 3)
            match event:
                case CloseConnection(code=1006):
                    return [*seen, (moment, "gone")]
                case CloseConnection():
                    seen.append((moment, f"close {int(event.code)}"))
                    if answers_close:
                        await self.send_raw(self._wire.send(event.response()))
                case Ping():
                    seen.append((moment, "ping"))
                    if answers_pings:
                        await self.send_raw(self._wire.send(event.response()))
                case Message():
                    seen.append((moment, str(unpack(self.codec, event.data)["status"])))
                case _:
                    seen.append((moment, type(event).__name__.lower()))


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, mask: bool = True, flags: int = 0) -> bytes:
    """A frame as no library would make it: any opcode, any flags, masked (with zeros) or not."""
    header = bytes([final << 7 | flags | opcode])
    masked = mask << 7
    if len(payload) < 126:
        header += bytes([masked | len(payload)])
    elif len(payload) < 2**16:
        header += bytes([masked | 126]) + struct.pack("!H", len(payload))
    else:
        header += bytes([masked | 127]) + struct.pack("!Q", len(payload))
    return header + bytes(4) * mask + payload


def server_close_frame(code: int, reason: str = "") -> bytes:
    """The Close frame of a server, as wsproto makes it."""
    return bytes(FrameProtocol(client=False, extensions=[]).close(code, reason))


TEXT, BINARY, CONTINUATION = int(Opcode.TEXT), int(Opcode.BINARY), int(Opcode.CONTINUATION)
CLOSE, PING, PONG = int(Opcode.CLOSE), int(Opcode.PING), int(Opcode.PONG)
