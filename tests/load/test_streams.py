"""TLS of one connection, with a server that waits for the client to confirm the end, as asyncio's do."""

import socket
import ssl
from collections.abc import Iterator

import pytest
import trustme

from ric0_trio.load.streams import Target, TlsStream

BYTES = 16 * 1024
PATIENCE_S = 5.0


class Server:
    """The other end, in memory."""

    def __init__(self, plain: socket.socket, ca: trustme.CA) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert("localhost").configure_cert(context)
        self._plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def read(self) -> None:
        self._incoming.write(self._plain.recv(BYTES))

    def flush(self) -> None:
        self._plain.sendall(self._outgoing.read())

    def begin_to_end(self) -> None:
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.unwrap()


@pytest.fixture
def ends() -> Iterator[tuple[TlsStream, Server]]:
    """Both ends, the handshake done."""
    ca = trustme.CA()
    context = ssl.create_default_context()
    ca.configure_trust(context)
    ours, theirs = socket.socketpair()
    theirs.settimeout(PATIENCE_S)
    ours.setblocking(False)
    target = Target(socket.AF_UNIX, (), "localhost", context, resumes=False)
    client, server = TlsStream(ours, target, context), Server(theirs, ca)
    ours.send(client.hello())
    server.read()
    with pytest.raises(ssl.SSLWantReadError):
        server.tls.do_handshake()
    server.flush()
    assert client.shake_hands()
    client.send(b"hello")
    server.read()
    server.tls.do_handshake()
    server.tls.read(BYTES)
    with ours, theirs:
        yield client, server


def test_an_end_that_comes_with_the_last_data_is_confirmed(ends: tuple[TlsStream, Server]) -> None:
    client, server = ends
    server.tls.write(b"goodbye")
    server.begin_to_end()
    server.flush()
    assert client.receive(BYTES) == b"goodbye"
    server.read()
    server.tls.unwrap()  # or it would wait on


def test_an_end_that_comes_alone_is_confirmed(ends: tuple[TlsStream, Server]) -> None:
    client, server = ends
    server.tls.write(b"goodbye")
    server.flush()
    assert client.receive(BYTES) == b"goodbye"
    server.begin_to_end()
    server.flush()
    with pytest.raises(BlockingIOError):
        client.receive(BYTES)
    server.read()
    server.tls.unwrap()
