"""A client that keeps to no rule of WebSockets but the first: it reads and answers what it likes."""

import socket

from tests.examples.running import PATIENCE_S, Running
from tests.server.raw_client import HEAD


def open_rudely(server: Running) -> socket.socket:
    """Upgrade, with nothing offered, and leave the rest to the test."""
    stream = socket.create_connection(server.address, timeout=PATIENCE_S)
    stream.sendall(HEAD)
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += stream.recv(1)
    assert answer.startswith(b"HTTP/1.1 101 "), answer
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
