"""A client that keeps to no rule of WebSockets but the first: it reads and answers what it likes."""

import json
import socket

from tests.examples.running import PATIENCE_S, Running
from tests.independent.client import now
from tests.server.raw_client import HEAD, TEXT, frame

_CHALLENGE = {"time": now(), "type": "request", "name": "challenge", "conversation": 0, "data": {"challenge": "A" * 24}}


def open_rudely(server: Running) -> socket.socket:
    """Upgrade, with nothing offered, have a challenge answered, and leave the rest to the test.

    (On Trio, `websockets` cuts off without a Close frame who breaks its rules before the handler has begun.)
    """
    stream = socket.create_connection(server.address, timeout=PATIENCE_S)
    stream.sendall(HEAD)
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += stream.recv(1)
    assert answer.startswith(b"HTTP/1.1 101 "), answer
    stream.sendall(frame(TEXT, json.dumps(_CHALLENGE).encode()))
    header = stream.recv(4, socket.MSG_WAITALL)
    assert header.startswith(b"\x81\x7e"), header
    assert b"success" in stream.recv(int.from_bytes(header[2:]), socket.MSG_WAITALL)
    return stream


def read_to_the_end(stream: socket.socket) -> bytes:
    """All that comes until the server has cut the connection."""
    received = b""
    try:
        while more := stream.recv(65536):
            received += more
    except ConnectionError:
        pass
    return received
