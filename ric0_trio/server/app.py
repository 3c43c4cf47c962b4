"""`Server`: the accept loops, and the nursery that supervises a task for each connection."""

import dataclasses
import errno
import ssl
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import structlog
import trio

from ric0_trio.access.store import AccessStore
from ric0_trio.protocol import Codec, PrivateKey, ServerProfile, available_codecs
from ric0_trio.server.addresses import UNIX
from ric0_trio.server.connection import Connection
from ric0_trio.server.limits import ServerLimits
from ric0_trio.server.refusals import Refusal
from ric0_trio.server.services import Services

_OUT_OF_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_ACCEPT_PAUSE_S: Final = 0.1
_RETRY_AFTER_S: Final = 5.0

_MAX_TURNED_AWAY: Final = 64


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
        trusted_proxies: Iterable[str] = (),
        allowed_origins: Iterable[str] = (),
    ) -> None:
        """Make a server that proves itself with `key` and asks `access` who may join.

        Without an `ssl_context` it speaks plain `ws://`, which is for tests and for behind a proxy that ends TLS.
        `trusted_proxies` (as in `exempt_networks`) may say in `X-Forwarded-For` for whom they speak; pages of
        `allowed_origins` (`https://chat.example`) may connect, those of others may not.
        Raises `ValueError` when `profile` names another key than `key`, and for what is no network.
        """
        if profile.info.pubkey != key.public:
            raise ValueError("the profile names another key than the one that the server proves itself with")
        self._limits = limits or ServerLimits()
        self._services = Services(
            profile,
            key,
            access,
            self._limits,
            codecs or available_codecs(),
            ssl_context,
            trusted_proxies=trusted_proxies,
            allowed_origins=allowed_origins,
        )
        self._connections: set[Connection] = set()
        self._turned_away: set[Connection] = set()
        self._stopping = trio.Event()
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    async def serve(
        self,
        listeners: Sequence[trio.SocketListener],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
        *,
        proxied: Sequence[trio.SocketListener] = (),
    ) -> None:
        """Accept and serve until `stop`; then take leave of every client, for `drain_timeout_s` at most.

        At `proxied` listeners plain `ws://` is spoken, and with trusted proxies alone.
        """
        async with trio.open_nursery() as connections:
            async with trio.open_nursery() as accepting:
                for listener in listeners:
                    accepting.start_soon(self._accept, listener, connections, False)
                for listener in proxied:
                    accepting.start_soon(self._accept, listener, connections, True)
                accepting.start_soon(self._services.refusals.report)
                task_status.started()
                await self._stopping.wait()
                accepting.cancel_scope.cancel()
            connections.cancel_scope.deadline = trio.current_time() + self._limits.drain_timeout_s
        self._services.refusals.tell()

    @property
    def connections(self) -> int:
        """How many clients there are, in whatever state."""
        return len(self._connections) + len(self._turned_away)

    @property
    def refusals(self) -> Mapping[str, int]:
        """How often each limit was reached, by its name (docs/limits.md)."""
        return self._services.refusals.counts

    def stop(self) -> None:
        """Stop accepting, and close every connection with 1001. `serve` returns when all are gone."""
        self._stopping.set()
        for connection in [*self._connections, *self._turned_away]:
            connection.shutdown()

    async def serve_stream(self, stream: trio.abc.Stream, peer: str, *, is_proxied: bool = False) -> None:
        """Serve one client on a connected stream, TLS included, and close it.

        For listeners of your own; `serve` calls it for each connection. `peer` is the client's address, by which it is
        counted. With `is_proxied`, it is a proxy that has ended TLS. Nothing that the client does raises.
        """
        connection = Connection(self._services, stream, self._services.addresses.peer(peer), is_proxied=is_proxied)
        try:
            refusal = self._find_no_room() or connection.enter()
            if refusal is None:
                await self._run(connection)
            else:
                await self._turn_away(connection, refusal)
        except* Exception:  # the connection's boundary: a fault in serving one client is not the others'
            connection.log.exception("connection.failed")
        finally:
            connection.leave()
            await connection.end()

    async def _run(self, connection: Connection) -> None:
        self._connections.add(connection)
        if self._stopping.is_set():
            connection.shutdown()
        try:
            await connection.run()
        finally:
            self._connections.remove(connection)

    async def _turn_away(self, connection: Connection, refusal: Refusal) -> None:
        connection.leave()
        if len(self._turned_away) >= min(_MAX_TURNED_AWAY, 1 + self._limits.max_connections // 10):
            refusal = dataclasses.replace(refusal, is_told=False)
        self._turned_away.add(connection)
        try:
            await connection.turn_away(refusal)
        finally:
            self._turned_away.remove(connection)

    def _find_no_room(self) -> Refusal | None:
        if len(self._connections) >= self._limits.max_connections:
            return Refusal("max_connections", "the server is full", _RETRY_AFTER_S)
        if self._services.turns.wait_s > self._limits.overload_wait_s:
            return Refusal("overload_wait_s", "the server is overloaded", _RETRY_AFTER_S)
        return None

    async def _accept(self, listener: trio.SocketListener, connections: trio.Nursery, is_proxied: bool) -> None:
        async with listener:
            while True:
                try:
                    stream = await listener.accept()
                except OSError as error:
                    if error.errno not in _OUT_OF_ROOM:
                        raise
                    self._log.warning("server.out_of_resources", error=str(error))
                    await trio.sleep(_ACCEPT_PAUSE_S)
                else:
                    if self._is_cut_off(stream):
                        stream.socket.close()  # what comes in a flood is not worth a task
                    else:
                        connections.start_soon(self._serve_accepted, stream, is_proxied)

    def _is_cut_off(self, stream: trio.SocketStream) -> bool:
        """Whether there is no room for anyone, and not even for saying so."""
        refusal = self._find_no_room()
        if refusal is None or not self._services.courtesy.wait_s(trio.current_time()):
            return False
        self._services.refusals.note(refusal.limit, _peer_address(stream))
        return True

    async def _serve_accepted(self, stream: trio.SocketStream, is_proxied: bool) -> None:
        await self.serve_stream(stream, _peer_address(stream), is_proxied=is_proxied)


def _peer_address(stream: trio.SocketStream) -> str:
    try:
        name = stream.socket.getpeername()
    except OSError:  # it has left already
        return "unknown"
    return str(name[0]) if isinstance(name, tuple) else UNIX
