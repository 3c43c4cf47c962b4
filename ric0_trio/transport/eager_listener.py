"""`EagerListener`: a listening socket whose connections are `EagerSocket`s.

Trio's asks and sets half a dozen things of each connection, a system call each, that are the same for all.
"""

import errno
import os
import socket
from contextlib import suppress
from typing import Final

import trio

from ric0_trio.transport.eager import EagerSocket
from ric0_trio.transport.readiness import Readiness

_NAMES_OF_PASSING: Final = (
    "EPERM", "ECONNABORTED", "EPROTO", "ENOPROTOOPT", "EOPNOTSUPP",
    "ENETDOWN", "ENETUNREACH", "ENONET", "EHOSTDOWN", "EHOSTUNREACH",
)  # fmt: skip
_PASSING: Final = {getattr(errno, name) for name in _NAMES_OF_PASSING if hasattr(errno, name)}
"""What `accept` fails with for a connection that is lost already (accept(2), "Error handling")."""


class EagerListener(trio.abc.Listener[EagerSocket]):
    """Closes the listener that it was made of when it is closed."""

    def __init__(self, listener: trio.SocketListener, readiness: Readiness) -> None:
        self._listener = listener
        theirs = listener.socket
        self._socket = socket.socket(theirs.family, theirs.type, theirs.proto, fileno=os.dup(theirs.fileno()))
        self._readiness = readiness
        if theirs.family in (socket.AF_INET, socket.AF_INET6):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # its connections have it from here

    async def accept(self) -> EagerSocket:
        """Wait for a connection: one each time round the event loop. Raises `OSError`, for want of descriptors say."""
        while True:
            await trio.lowlevel.wait_readable(self._socket)
            with suppress(BlockingIOError):  # another process has taken it
                try:
                    connected, _ = self._socket.accept()
                except OSError as error:
                    if error.errno not in _PASSING:
                        raise
                else:
                    connected.setblocking(False)
                    return EagerSocket(connected, self._readiness)

    async def aclose(self) -> None:
        trio.lowlevel.notify_closing(self._socket)
        self._socket.close()
        await self._listener.aclose()
