"""A WebSocket client with as little work as will do: blocking, the mask is zero, and every frame is whole.

It is what loads a server in the benchmarks, so it has to be cheaper than the server by far. Messages are made before.
"""

import json
import socket
import ssl
from types import TracebackType
from typing import Any

from benchmarks.bench_core import CLIENT_APP, NONCE, USER_KEY
from ric0_trio.load.wire import CLOSE, frame
from ric0_trio.protocol import PATH, PublicKey
from ric0_trio.protocol.keys import encode_base64

Place = tuple[str, int]

UPGRADE = (
    f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: json\r\n\r\n"
).encode()
TIMEOUT_S = 20.0


class RefusedError(Exception):
    """The server answered the upgrade with this line instead."""


class Client:
    """One connection, and the WebSocket on it once `upgrade` has returned."""

    def __init__(self, place: Place, *, source: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        """Connect, from the address `source` if that matters. Raises `OSError`."""
        plain = socket.create_connection(place, TIMEOUT_S, None if source is None else (source, 0))
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket = plain if tls is None else tls.wrap_socket(plain, server_hostname="localhost")
        except OSError:
            plain.close()
            raise
        self._file = self.socket.makefile("rb")

    def upgrade(self) -> None:
        """Open the WebSocket. Raises `RefusedError`."""
        self.socket.sendall(UPGRADE)
        status = self._file.readline().decode("latin-1").strip()
        while self._file.readline().strip():
            pass
        if " 101 " not in status:
            raise RefusedError(status or "cut off")

    def send(self, text: str) -> None:
        self.socket.sendall(frame(text))

    def receive(self) -> str:
        """The next message. Raises `ConnectionError` when it is a Close frame, or nothing."""
        head = self._file.read(2)
        if len(head) < 2 or head[0] != 0x81:
            raise ConnectionError("the server closed the connection")
        length = int.from_bytes(self._file.read(2)) if head[1] == 126 else head[1]
        return self._file.read(length).decode()

    def ask(self, text: str) -> str:
        """Send a request, and return its status."""
        self.send(text)
        return str(json.loads(self.receive())["status"])

    def say_goodbye(self) -> None:
        """Close the WebSocket, and wait for the end."""
        self.socket.sendall(CLOSE)
        self._file.read()

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Messages:
    """What a user of one server sends, made before."""

    def __init__(self, server: PublicKey) -> None:
        proof = USER_KEY.sign(bytes(server))
        self.challenge = _request("challenge", 0, {"challenge": encode_base64(NONCE)})
        self.connect = connect_request(USER_KEY.public, proof)
        self.forged = connect_request(USER_KEY.public, proof[:-1] + bytes([proof[-1] ^ 1]))


def connect_request(public: PublicKey, proof: bytes) -> str:
    """What a user with that key sends, with whatever proof."""
    key = {"key": public.key, "format": public.format}
    user = {"name": "Ann Example", "type": "user", "pubkey": key, "home_server": key}
    version = {"type": "release", "major": 1, "minor": 2, "patch": 3}
    app = {
        "name": CLIENT_APP.name,
        "version": version,
        "capabilities": list(CLIENT_APP.capabilities),
        "extensions": {name: list(versions) for name, versions in CLIENT_APP.extensions.items()},
    }
    return _request("connect", 2, {"client_app": app, "user": user, "challenge": encode_base64(proof)})


def _request(name: str, conversation: int, data: dict[str, Any]) -> str:
    time = "2026-01-01T00:00:00Z"
    return json.dumps({"time": time, "type": "request", "name": name, "conversation": conversation, "data": data})
