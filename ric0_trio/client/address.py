"""Where a server is: its URL, taken apart, and the stream to it."""

import os
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import trio

from ric0_trio.client.errors import ConnectionClosedError, ServerIdentityError, ServerUnreachableError
from ric0_trio.protocol import PATH
from ric0_trio.transport.errors import ABNORMAL
from ric0_trio.transport.loopback import is_loopback

_DEFAULT_PORTS = {"wss": 443, "ws": 80}


@dataclass(frozen=True)
class Address:
    """A server's place, as its URL says it."""

    host: str
    port: int
    path: str
    is_tls: bool

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Take `wss://host[:port][/ric0_chat]` apart. Plain `ws://` is for loopback addresses alone.

        Raises `ValueError`, with a text for people, for anything else.
        """
        if not all("!" <= char <= "~" for char in url):
            raise ValueError("expected ASCII without spaces; an international name is written xn--…")
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("expected a URL such as wss://chat.example/ric0_chat")
        if "@" in parts.netloc or parts.query or parts.fragment or parts.port == 0:
            raise ValueError("expected a host, a port above 0 and a path, and nothing else")
        if not _is_host(parts.hostname):
            raise ValueError(f"{parts.hostname} is not the name of a host")
        if parts.scheme == "ws" and not is_loopback(parts.hostname):
            raise ValueError("plain ws:// is for this machine alone; use wss://")
        path = PATH if parts.path in ("", "/") else parts.path
        return cls(parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme], path, parts.scheme == "wss")

    def __str__(self) -> str:
        """The name under which the server's key is remembered."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


async def open_stream(address: Address, ssl_context: ssl.SSLContext | None) -> trio.abc.Stream:
    """Connect, and shake hands for TLS. The caller bounds the time.

    Raises `ServerUnreachableError`, `ServerIdentityError` for a certificate that does not verify, and
    `ConnectionClosedError` when TLS fails in another way.
    """
    context = (ssl_context or ssl.create_default_context()) if address.is_tls else None
    try:
        stream = await trio.open_tcp_stream(address.host, address.port)
    except OSError as error:
        raise ServerUnreachableError(f"nothing answers at {address}: {_connect_problem(error)}") from None
    try:
        return stream if context is None else await _shake_hands(stream, context, address)
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise


async def _shake_hands(stream: trio.SocketStream, context: ssl.SSLContext, address: Address) -> trio.abc.Stream:
    encrypted = trio.SSLStream(stream, context, server_hostname=address.host)
    try:
        await encrypted.do_handshake()
    except trio.BrokenResourceError as error:
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            why = error.__cause__.verify_message
            raise ServerIdentityError(f"the certificate of {address} does not verify: {why}") from None
        raise ConnectionClosedError(ABNORMAL, f"the TLS handshake failed: {_tls_problem(error)}") from None
    return encrypted


def _is_host(name: str) -> bool:
    try:
        return bool(name.encode("idna"))
    except UnicodeError:  # an empty label, or one that is too long
        return False


def _connect_problem(error: OSError) -> str:
    attempts = error.__cause__  # trio groups what became of each of the host's addresses
    if isinstance(attempts, ExceptionGroup):
        numbers = {one.errno for one in attempts.exceptions if isinstance(one, OSError) and one.errno}
        return ", ".join(sorted(map(os.strerror, numbers)))
    return error.strerror or str(error)


def _tls_problem(error: trio.BrokenResourceError) -> str:
    cause = error.__cause__
    if isinstance(cause, ssl.SSLError) and cause.reason:
        return cause.reason.lower().replace("_", " ")
    return str(cause or error)
