"""`Server`: the accept loops, and the nursery that supervises a task for each connection."""

import errno
import ipaddress
import ssl
from collections.abc import Sequence

import structlog
import trio

from ric0_trio.access.store import AccessStore
from ric0_trio.protocol import Codec, PrivateKey, ServerProfile, available_codecs
from ric0_trio.server.connection import Connection
from ric0_trio.server.limits import ServerLimits
from ric0_trio.server.services import Services

_OUT_OF_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_ACCEPT_PAUSE_S = 0.1


class Server:
    """Serves the protocol on listeners that you open. Nothing that a client does ends it."""

    def __init__(
        self,
        profile: ServerProfile,
        key: PrivateKey,
        access: AccessStore,
        *,
        ssl_context: ssl.SSLContext | None,
        limits: ServerLimits | None = None,
        codecs: Sequence[Codec] | None = None,
    ) -> None:
        """Make a server that proves itself with `key` and asks `access` who may join.

        Without an `ssl_context` it speaks plain `ws://`, which is for tests and for behind a proxy that ends TLS.
        Raises `ValueError` when `profile` names another key than `key`.
        """
        if profile.info.pubkey != key.public:
            raise ValueError("the profile names another key than the one that the server proves itself with")
        self._limits = limits or ServerLimits()
        self._services = Services(profile, key, access, self._limits, codecs or available_codecs(), ssl_context)
        self._connections: set[Connection] = set()
        self._stopping = trio.Event()
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    async def serve(
        self,
        listeners: Sequence[trio.SocketListener],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept and serve until `stop`; then take leave of every client, for `drain_timeout_s` at most."""
        # A listener holds a place while it waits for a client: all but one are extra.
        room = trio.Semaphore(self._limits.max_connections + len(listeners) - 1)
        async with trio.open_nursery() as connections:
            async with trio.open_nursery() as accepting:
                for listener in listeners:
                    accepting.start_soon(self._accept, listener, connections, room)
                task_status.started()
                await self._stopping.wait()
                accepting.cancel_scope.cancel()
            connections.cancel_scope.deadline = trio.current_time() + self._limits.drain_timeout_s

    @property
    def connections(self) -> int:
        """How many clients there are, in whatever state."""
        return len(self._connections)

    def stop(self) -> None:
        """Stop accepting, and close every connection with 1001. `serve` returns when all are gone."""
        self._stopping.set()
        for connection in list(self._connections):
            connection.shutdown()

    async def serve_stream(self, stream: trio.abc.Stream, peer: str) -> None:
        """Serve one client on a connected stream, TLS included, and close it. `peer` names the client in the log.

        For listeners of your own; `serve` calls it for each connection. Nothing that the client does raises.
        """
        connection = Connection(self._services, stream, peer)
        self._connections.add(connection)
        if self._stopping.is_set():
            connection.shutdown()
        try:
            await connection.run()
        finally:
            self._connections.remove(connection)

    async def _accept(self, listener: trio.SocketListener, connections: trio.Nursery, room: trio.Semaphore) -> None:
        async with listener:
            while True:
                await room.acquire()
                try:
                    stream = await listener.accept()
                except OSError as error:
                    room.release()
                    if error.errno not in _OUT_OF_ROOM:
                        raise
                    self._log.warning("server.out_of_resources", error=str(error))
                    await trio.sleep(_ACCEPT_PAUSE_S)
                else:
                    connections.start_soon(self._serve_accepted, stream, room)

    async def _serve_accepted(self, stream: trio.SocketStream, room: trio.Semaphore) -> None:
        try:
            await self.serve_stream(stream, _peer_address(stream))
        finally:
            room.release()


def _peer_address(stream: trio.SocketStream) -> str:
    try:
        name = stream.socket.getpeername()
    except OSError:  # it has left already
        return "unknown"
    if not isinstance(name, tuple):  # a unix socket's peer has no address
        return "unix"
    address = ipaddress.ip_address(str(name[0]).partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
