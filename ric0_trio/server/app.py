"""`Server`: the accept loops, and the nursery that supervises a task for each connection."""

import dataclasses
import errno
import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import structlog
import trio

from ric0_trio.access.store import AccessStore, ImmediateAccess
from ric0_trio.protocol import PrivateKey
from ric0_trio.server.addresses import UNIX
from ric0_trio.server.connection import Connection
from ric0_trio.server.endings import Cause, Ending
from ric0_trio.server.metrics import Metrics
from ric0_trio.server.refusals import Refusal
from ric0_trio.server.services import Services
from ric0_trio.server.settings import Settings
from ric0_trio.server.watched import ConnectionInfo
from ric0_trio.transport.eager import EagerAdapter, EagerSocket, EagerStream
from ric0_trio.transport.eager_listener import EagerListener

_OUT_OF_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_ACCEPT_PAUSE_S: Final = 0.1
_RETRY_AFTER_S: Final = 5.0
_FAULT: Final = Ending(Cause.FAULT, "a fault in the server")
_STOPPED: Final = Ending(Cause.STOPPING, "the server did not wait")
_CUT_OFF: Final = Ending(Cause.LIMIT, "")

_LEAVES_PER_S: Final = 100.0
_SHARE_OF_DRAIN: Final = 0.5

_MAX_TURNED_AWAY: Final = 64

Accepted = trio.SocketStream | EagerSocket
Listener = trio.abc.Listener[Accepted]
"""A `trio.SocketListener`, or what does as it does: its streams have a `socket`."""


class Server:
    """Serves the protocol on listeners that you open. Nothing that a client does ends it."""

    def __init__(self, settings: Settings, key: PrivateKey, access: AccessStore | ImmediateAccess) -> None:
        """Make a server that proves itself with `key` and asks `access` who may join.

        Raises `ValueError` when the profile names another key than `key`, and for what is no network.
        """
        self._services = Services(settings, key, access)
        self._connections: set[Connection] = set()
        self._turned_away: set[Connection] = set()
        self._stopping = trio.Event()
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        self.metrics.watch(
            self._count_states, lambda: self.settings.limits.max_connections, lambda: self._services.refusals.counts
        )

    @property
    def settings(self) -> Settings:
        """What the server was told."""
        return self._services.settings

    def change(self, settings: Settings) -> None:
        """Take new settings for those who come from here on; whoever is there stays, and keeps the old ones.

        Raises `ValueError`, and changes nothing, as the constructor does.
        """
        self._services.change(settings)

    async def serve(
        self,
        listeners: Sequence[Listener],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
        *,
        proxied: Sequence[Listener] = (),
    ) -> None:
        """Accept and serve until `stop`; then take leave of every client, for `drain_timeout_s` at most.

        At `proxied` listeners plain `ws://` is spoken, and with trusted proxies alone. Raises `RuntimeError` when it is
        serving already.
        """
        if self._services.readiness.is_running:
            raise RuntimeError("this server is serving already; give it all listeners at once")
        with self._services.turns.following_rounds():
            async with trio.open_nursery() as watching:
                await watching.start(self._services.readiness.run)
                watching.start_soon(self._services.recorder.run)
                async with trio.open_nursery() as connections:
                    await self._accept_until_stopped(listeners, proxied, connections, task_status)
                    connections.cancel_scope.deadline = trio.current_time() + self.settings.limits.drain_timeout_s
                watching.cancel_scope.cancel()
        await self._services.recorder.finish()
        self._services.refusals.tell()
        self._services.endings.tell()

    @property
    def connections(self) -> int:
        """How many clients there are, in whatever state."""
        return len(self._connections) + len(self._turned_away)

    @property
    def refusals(self) -> Mapping[str, int]:
        """How often each limit was reached, by its name (docs/limits.md)."""
        return self._services.refusals.counts

    @property
    def metrics(self) -> Metrics:
        """What happens, in numbers."""
        return self._services.metrics

    def describe_connections(self) -> Iterator[ConnectionInfo]:
        """Tell of each connection how it stands."""
        return (connection.describe() for connection in [*self._connections, *self._turned_away])

    @property
    def is_stopping(self) -> bool:
        """Whether it takes leave of its clients."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Stop accepting, and close every connection with 1001. `serve` returns when all are gone.

        Strangers are told at once. Users are told one after another, so that they do not all come back at once: a
        hundred a second, or as many more as it takes to tell all in half of `drain_timeout_s`.
        """
        self._stopping.set()
        now = trio.current_time()
        users = [connection for connection in self._connections if connection.is_user]
        pause_s = min(1 / _LEAVES_PER_S, self.settings.limits.drain_timeout_s * _SHARE_OF_DRAIN / max(1, len(users)))
        for connection in [*self._connections.difference(users), *self._turned_away]:
            connection.shutdown(now)
        for number, connection in enumerate(users):
            connection.shutdown(now + number * pause_s)

    async def serve_stream(self, stream: trio.abc.Stream, peer: str, *, is_proxied: bool = False) -> None:
        """Serve one client on a connected stream, TLS included, and close it.

        For listeners of your own; `serve` calls it for each connection. `peer` is the client's address, by which it is
        counted. With `is_proxied`, it is a proxy that has ended TLS. Nothing that the client does raises.
        """
        self.metrics.accepted.count()
        who = self._services.addresses.peer(peer)
        connection = Connection(self._services, self._as_eager(stream), who, is_proxied=is_proxied)
        try:
            refusal = self._find_no_room() or connection.enter()
            if refusal is not None:
                await self._turn_away(connection, refusal)
            else:
                self._connections.add(connection)
                if self.is_stopping:
                    connection.shutdown(trio.current_time())
                await connection.run()
        except* Exception:  # the connection's boundary: a fault in serving one client is not the others'
            connection.log.exception("connection.failed")
            connection.history.ending = _FAULT
        finally:
            self._connections.discard(connection)
            connection.leave()
            if self.is_stopping:
                connection.history.end(_STOPPED)
            connection.tell()
            await connection.end()

    def _as_eager(self, stream: trio.abc.Stream) -> EagerStream:
        if isinstance(stream, trio.SocketStream):
            return EagerSocket(_take_over(stream.socket), self._services.readiness)
        return stream if isinstance(stream, EagerStream) else EagerAdapter(stream)

    async def _turn_away(self, connection: Connection, refusal: Refusal) -> None:
        connection.leave()
        if not self._may_turn_away:
            refusal = dataclasses.replace(refusal, is_told=False)
        self._turned_away.add(connection)
        try:
            await connection.turn_away(refusal)
        finally:
            self._turned_away.remove(connection)

    def _find_no_room(self) -> Refusal | None:
        limits = self.settings.limits
        if len(self._connections) >= limits.max_connections:
            return Refusal("max_connections", "the server is full", _RETRY_AFTER_S)
        if self._services.turns.wait_s > limits.overload_wait_s:
            return Refusal("overload_wait_s", "the server is overloaded", _RETRY_AFTER_S)
        return None

    async def _accept_until_stopped(
        self,
        listeners: Sequence[Listener],
        proxied: Sequence[Listener],
        connections: trio.Nursery,
        task_status: trio.TaskStatus[None],
    ) -> None:
        async with trio.open_nursery() as accepting:
            for listener in listeners:
                accepting.start_soon(self._accept, listener, connections, False)
            for listener in proxied:
                accepting.start_soon(self._accept, listener, connections, True)
            accepting.start_soon(self._services.refusals.report)
            accepting.start_soon(self._services.endings.report)
            accepting.start_soon(self.metrics.watch_event_loop)
            task_status.started()
            await self._stopping.wait()
            accepting.cancel_scope.cancel()

    async def _accept(self, listener: Listener, connections: trio.Nursery, is_proxied: bool) -> None:
        if isinstance(listener, trio.SocketListener):
            listener = EagerListener(listener, self._services.readiness)
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

    def _is_cut_off(self, stream: Accepted) -> bool:
        """Whether there is no room for anyone, and not even for saying so."""
        refusal = self._find_no_room()
        if refusal is None or (self._may_turn_away and not self._services.courtesy.wait_s(trio.current_time())):
            return False
        self._services.refusals.note(refusal.limit, _peer_address(stream))
        self.metrics.accepted.count()
        self.metrics.count_ending(_CUT_OFF)
        self._services.endings.leave_out()
        return True

    @property
    def _may_turn_away(self) -> bool:
        """Whether one more may be told that there is no room for them."""
        return len(self._turned_away) < min(_MAX_TURNED_AWAY, 1 + self.settings.limits.max_connections // 10)

    def _count_states(self) -> Mapping[str, int]:
        return Counter(connection.state for connection in [*self._connections, *self._turned_away])

    async def _serve_accepted(self, stream: Accepted, is_proxied: bool) -> None:
        await self.serve_stream(stream, _peer_address(stream), is_proxied=is_proxied)


def _peer_address(stream: Accepted) -> str:
    try:
        name = stream.socket.getpeername()
    except OSError:  # it has left already
        return "unknown"
    return str(name[0]) if isinstance(name, tuple) else UNIX


def _take_over(ours: trio.socket.SocketType) -> socket.socket:
    """The socket without what Trio adds. Of what kind it is, the system would have to be asked, thrice."""
    return socket.socket(ours.family, ours.type, ours.proto, fileno=ours.detach())
