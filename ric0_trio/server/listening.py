"""Places to listen at: TCP ports, unix sockets and what systemd passed, several at once."""

import errno
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trio

from ric0_trio.server.socket_activation import PassedSockets
from ric0_trio.transport.loopback import is_loopback

PLACES: Final = "HOST:PORT, [IPv6]:PORT, unix:PATH or systemd:NAME"
"""How places are written."""

_PLACE: Final = re.compile(
    r"unix:(?P<path>[^\0]+)"
    r"|systemd:(?P<name>[ -9;-~]{1,255})"  # what systemd takes for FileDescriptorName=
    r"|(?:\[(?P<ipv6>[^\]]+)\]|(?P<host>[^\[\]:]+)):(?P<port>\d{1,5})"
)
_NOTHING_PASSED: Final = PassedSockets()
_BACKLOG: Final = 1024
_GROUP_MAY_CONNECT: Final = 0o660
_MAX_PATH_BYTES: Final = 107 if sys.platform == "linux" else 103


@dataclass(frozen=True)
class Place:
    """Where to listen: a unix socket's path, the name of sockets that systemd passes, or a host and a port."""

    path: Path | None = None
    name: str | None = None
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        if self.name is not None:
            return f"systemd:{self.name}"
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def is_local(self, passed: PassedSockets = _NOTHING_PASSED) -> bool:
        """Whether it is reached from this machine alone. What systemd passed is judged by its own address."""
        if self.name is not None:
            return all(_is_unix(found) or is_loopback(found.getsockname()[0]) for found in passed.named(self.name))
        return self.path is not None or is_loopback(self.host)

    def is_unix(self, passed: PassedSockets) -> bool:
        """Whether a unix socket is there, to which no URL leads."""
        if self.name is not None:
            return any(map(_is_unix, passed.named(self.name)))
        return self.path is not None


def place_of(listener: trio.SocketListener) -> str:
    """Where it listens, as places are written; an abstract unix socket as `unix:@name`."""
    name: object = listener.socket.getsockname()
    if isinstance(name, tuple):
        return str(Place(host=name[0], port=name[1]))
    return f"unix:@{os.fsdecode(name[1:])}" if isinstance(name, bytes) else f"unix:{name}"


def parse_place(text: str) -> Place:
    """Take a place as it is written: `192.0.2.7:443`, `[::]:443`, `unix:/run/chat.sock`, `systemd:web`.

    Raises `ValueError`.
    """
    match = _PLACE.fullmatch(text)
    if match is None or int(match["port"] or 0) > 65535:
        raise ValueError(f"expected {PLACES}")
    if match["path"]:
        return Place(path=Path(match["path"]))
    if match["name"]:
        return Place(name=match["name"])
    return Place(host=match["ipv6"] or match["host"], port=int(match["port"]))


@asynccontextmanager
async def listen_at(
    place: Place, passed: PassedSockets = _NOTHING_PASSED
) -> AsyncIterator[Sequence[trio.SocketListener]]:
    """Listen while the block lasts. A name of several addresses, or several sockets, has several listeners.

    What systemd passed is closed here at the end, but goes on listening: it is systemd's, and so is a socket's path.
    Raises `OSError`; `PassedSocketError` is one.
    """
    if place.path is not None:
        with listen_at_unix_socket(place.path, mode=_GROUP_MAY_CONNECT) as listener:
            yield [listener]
        return
    if place.name is not None:
        sockets = map(trio.socket.from_stdlib_socket, passed.take(place.name))
        listeners = [trio.SocketListener(found) for found in sockets]
    else:
        listeners = await trio.open_tcp_listeners(place.port, host=place.host, backlog=_BACKLOG)
    try:
        yield listeners
    finally:
        for listener in listeners:
            listener.socket.close()


def try_place(place: Place) -> None:
    """Find out whether it can be listened at, and leave no trace: a port is bound and let go, a path only looked at.

    Raises what `listen_at` would: `OSError`, and `UnicodeError` for what is not the name of a host.
    """
    if place.path is None:
        _try_port(place)
    else:
        _try_path(place.path)


def is_too_long(path: Path) -> bool:
    """Whether it is more than the system takes for a unix socket."""
    return len(os.fsencode(path)) > _MAX_PATH_BYTES


def say_why_not(error: OSError | UnicodeError) -> str:
    """Say why a place cannot be listened at."""
    return error.strerror or str(error) if isinstance(error, OSError) else "that is not the name of a host"


@contextmanager
def listen_at_unix_socket(path: Path, *, mode: int) -> Iterator[trio.SocketListener]:
    """Listen at `path` while the block lasts; one that is left over from a crash is replaced. Raises `OSError`."""
    if path.is_socket() and not _is_anyone_at(path):
        path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        before = os.umask(0o777 & ~mode)  # a chmod would come too late
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        ours = path.stat()
        try:
            listener.listen(_BACKLOG)
            listener.setblocking(False)
            yield trio.SocketListener(trio.socket.from_stdlib_socket(listener))
        finally:
            with suppress(OSError):
                if path.stat().st_ino == ours.st_ino:  # and not that of a server which has come meanwhile
                    path.unlink()


def _is_unix(listener: socket.socket) -> bool:
    return listener.family == socket.AF_UNIX


def _try_port(place: Place) -> None:
    addresses = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, protocol, _, address in addresses:
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Trio does
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)


def _try_path(path: Path) -> None:
    problem = None
    if is_too_long(path):
        problem = errno.ENAMETOOLONG
    elif not path.parent.is_dir():
        problem = errno.ENOENT
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        problem = errno.EACCES
    elif _is_anyone_at(path) if path.is_socket() else os.path.lexists(path):
        problem = errno.EADDRINUSE
    if problem is not None:
        raise OSError(problem, os.strerror(problem), str(path))


def _is_anyone_at(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        visitor.settimeout(1)
        try:
            visitor.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # its queue is full, or it is not for us
            return True
        return True
