"""URLs of servers, the good and the bad, and how a server that is not there is described."""

import socket
from functools import partial

import pytest
import trio

from ric0_trio.client import ConnectionClosedError, ServerUnreachableError
from ric0_trio.client.address import Address, open_stream
from tests.client.stage import PATIENCE_S, go_in, listen

GOOD = {
    "wss://chat.example": (Address("chat.example", 443, "/ric0_chat", True), "chat.example:443"),
    "wss://chat.example/": (Address("chat.example", 443, "/ric0_chat", True), "chat.example:443"),
    "WSS://Chat.Example:8443/elsewhere": (Address("chat.example", 8443, "/elsewhere", True), "chat.example:8443"),
    "wss://[2001:db8::1]:9": (Address("2001:db8::1", 9, "/ric0_chat", True), "[2001:db8::1]:9"),
    "ws://localhost": (Address("localhost", 80, "/ric0_chat", False), "localhost:80"),
    "ws://127.0.0.2:1": (Address("127.0.0.2", 1, "/ric0_chat", False), "127.0.0.2:1"),
    "ws://[::1]:1": (Address("::1", 1, "/ric0_chat", False), "[::1]:1"),
}


@pytest.mark.parametrize(("url", "address", "name"), [(url, *rest) for url, rest in GOOD.items()])
def test_a_good_url(url: str, address: Address, name: str) -> None:
    assert Address.parse(url) == address
    assert str(address) == name


NOTHING_ELSE = "expected a host, a port above 0 and a path, and nothing else"
ASCII = "expected ASCII without spaces"
BAD = {
    "": "expected a URL such as wss://chat.example/ric0_chat",
    "chat.example": "expected a URL such as",
    "https://chat.example": "expected a URL such as",
    "wss://": "expected a URL such as",
    "wss://:8443": "expected a URL such as",
    "wss://chat.example:0": NOTHING_ELSE,
    "wss://chat.example:65536": "Port out of range 0-65535",
    "wss://chat.example:https": "Port could not be cast",
    "wss://[::1": "Invalid IPv6 URL",
    "wss://ann:secret@chat.example": NOTHING_ELSE,
    "wss://chat.example/ric0_chat?token=1": NOTHING_ELSE,
    "wss://chat.example#top": NOTHING_ELSE,
    "wss://chat..example": "chat..example is not the name of a host",
    f"wss://{'x' * 64}.example": "is not the name of a host",
    "wss://bücher.example": ASCII,
    "wss://chat.example/a b": ASCII,
    "wss://chat.example/\r\nHost: x": ASCII,
    "\x1b[2Jwss://chat.example": ASCII,
    "ws://chat.example": "plain ws:// is for this machine alone; use wss://",
    "ws://192.0.2.1": "plain ws:// is for this machine alone; use wss://",
}


@pytest.mark.parametrize(("url", "text"), BAD.items())
def test_a_bad_url(url: str, text: str) -> None:
    with pytest.raises(ValueError, match=text.replace(".", r"\.")):
        Address.parse(url)


# What answers is no TLS server


async def greet(stream: trio.SocketStream) -> None:
    await stream.send_all(b"220 mail.example ESMTP\r\n")


async def hang_up(stream: trio.SocketStream) -> None:
    await stream.aclose()


async def reset(stream: trio.SocketStream) -> None:
    await stream.receive_some()
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    await stream.aclose()


NO_TLS = [
    (greet, "wrong version number"),
    (hang_up, "unexpected eof|[Bb]roken|reset"),
    (reset, "reset|broken|unexpected eof"),
]


@pytest.mark.parametrize(("serve", "text"), NO_TLS, ids=lambda value: getattr(value, "__name__", ""))
async def test_a_server_that_speaks_no_tls(serve: object, text: str, nursery: trio.Nursery) -> None:
    port = await listen(nursery, serve)
    with trio.fail_after(PATIENCE_S), pytest.raises(ConnectionClosedError, match=text) as caught:
        await open_stream(Address("127.0.0.1", port, "/", True), None)
    assert str(caught.value).startswith("the connection broke: the TLS handshake failed: ")
    assert "_ssl.c" not in str(caught.value)


async def test_a_handshake_that_is_cancelled_leaves_nothing_open(nursery: trio.Nursery) -> None:
    left = trio.Event()

    async def wait(stream: trio.SocketStream) -> None:
        while await stream.receive_some():
            scope.cancel()
        left.set()

    port = await listen(nursery, partial(wait))
    with trio.CancelScope() as scope:
        await open_stream(Address("127.0.0.1", port, "/", True), None)
    with trio.fail_after(PATIENCE_S):
        await left.wait()


async def test_a_host_with_several_addresses_is_said_to_refuse_once() -> None:
    with trio.socket.socket() as reserved:
        await reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        with pytest.raises(ServerUnreachableError) as caught:
            await open_stream(Address("localhost", port, "/", True), None)
    assert str(caught.value) == f"nothing answers at localhost:{port}: Connection refused"


class Resolver(trio.abc.HostnameResolver):
    """Knows nobody."""

    async def getaddrinfo(self, *_: object) -> list[object]:  # type: ignore[override]
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def getnameinfo(self, *_: object) -> tuple[str, str]:
        raise NotImplementedError


async def test_a_name_that_is_no_hosts() -> None:
    trio.socket.set_custom_hostname_resolver(Resolver())
    with pytest.raises(ServerUnreachableError) as caught:
        await go_in("wss://chat.example")
    assert str(caught.value) == "nothing answers at chat.example:443: Name or service not known"
