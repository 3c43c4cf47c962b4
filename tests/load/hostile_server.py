"""A server that answers as a test says, in a thread: a reply for each time that something comes."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
PATIENCE_S = 20.0


def text(payload: str) -> bytes:
    return bytes([0x81, len(payload)]) + payload.encode()


def reply(status: str) -> bytes:
    return text(f'{{"type": "reply", "status": "{status}"}}')


def closing(code: int) -> bytes:
    return b"\x88\x02" + code.to_bytes(2)


@contextmanager
def answering(replies: Sequence[bytes | Sequence[bytes]]) -> Iterator[tuple[str, int]]:
    """Where it listens. Each connection gets these answers, some of them in pieces, and is then closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, replies), daemon=True)
        thread.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE_S)


def _serve(listener: socket.socket, replies: Sequence[bytes | Sequence[bytes]]) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.settimeout(PATIENCE_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection, suppress(OSError):
                for answer in replies:
                    connection.recv(65536)
                    for piece in [answer] if isinstance(answer, bytes) else answer:
                        connection.sendall(piece)
