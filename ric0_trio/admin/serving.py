"""`serve_admin`: the admin listener's connections, each served by Hypercorn's Trio worker within bounds of ours.

Hypercorn 0.18's own `serve` is not used: there, a fault in one connection ends all, their number has no bound, and a
client that does not read its answer holds up the end for ever, as sending is shielded from cancellation.
"""

import dataclasses
import math
import socket
from collections.abc import Sequence
from typing import Any, Final, cast

import structlog
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.logging import Logger
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from starlette.types import ASGIApp

from ric0_trio.admin.requests import OneRequestStream, take_request
from ric0_trio.server.upgrade import HttpRefusal

MAX_CONNECTIONS: Final = 16
HEAD_TIMEOUT_S: Final = 5.0
CONNECTION_TIMEOUT_S: Final = 15.0
_FAREWELL_TIMEOUT_S: Final = 1.0
_DISCARDED_BYTES: Final = 16 * 1024
_ACCEPT_PAUSE_S: Final = 1.0
_NO_STORE: Final = ("Cache-Control", "no-store")


class _FaultLog(Logger):
    """What Hypercorn has to say: faults of the app alone."""

    async def exception(self, message: str, *args: Any, **kwargs: Any) -> None:
        structlog.get_logger().exception("admin.failed")


class _HypercornConfig(Config):
    logger_class = _FaultLog
    errorlog = None
    keep_alive_max_requests = 0  # each answer is the last
    keep_alive_timeout = math.inf  # the time is ours to bound
    include_server_header = False

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        name, value = _NO_STORE
        return [*super().response_headers(protocol), (name.lower().encode(), value.encode())]


async def serve_admin(app: ASGIApp, listeners: Sequence[trio.SocketListener]) -> None:
    """Serve `app` until cancelled, which ends every connection at once. Nothing that a client or `app` does ends it.

    A connection is for one request, and for `CONNECTION_TIMEOUT_S` at most; `MAX_CONNECTIONS` are served at a time,
    and others wait to be accepted. The listeners are not closed.
    """
    door = _Door(app)
    async with trio.open_nursery() as nursery:
        for listener in listeners:
            nursery.start_soon(door.accept, listener, nursery)


class _Door:
    def __init__(self, app: ASGIApp) -> None:
        self._app = ASGIWrapper(cast(Any, app))
        self._config = _HypercornConfig()
        self._room = trio.Semaphore(MAX_CONNECTIONS)
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    async def accept(self, listener: trio.SocketListener, connections: trio.Nursery) -> None:
        while True:
            await self._room.acquire()
            try:
                stream = await listener.accept()
            except OSError as error:
                self._room.release()
                self._log.warning("admin.not_accepting", error=str(error))
                await trio.sleep(_ACCEPT_PAUSE_S)
            else:
                connections.start_soon(self._attend, stream)

    async def _attend(self, stream: trio.SocketStream) -> None:
        try:
            with trio.move_on_after(CONNECTION_TIMEOUT_S):
                await self._answer(stream)
        except* trio.BrokenResourceError:  # the client left
            pass
        except* Exception:  # the connection's boundary: a fault here is not the chat's
            self._log.exception("admin.failed")
        finally:
            stream.socket.close()
            self._room.release()

    async def _answer(self, stream: trio.SocketStream) -> None:
        request = None
        with trio.move_on_after(HEAD_TIMEOUT_S):
            request = await take_request(stream, is_tcp=stream.socket.family != socket.AF_UNIX)
        match request:
            case bytes():
                await self._run_hypercorn(stream, request)
            case HttpRefusal():
                await stream.send_all(dataclasses.replace(request, headers=[_NO_STORE]).response())
                await stream.send_eof()
            case None:
                return
        await _take_leave(stream)

    async def _run_hypercorn(self, stream: trio.SocketStream, request: bytes) -> None:
        ended = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_close_when_cancelled, stream, ended)
            guarded = cast(Any, OneRequestStream(stream, request))  # annotated for TLS, which it does not need
            await TCPServer(self._app, self._config, WorkerContext(None), ConnectionState({}), guarded)
            ended.set()


async def _take_leave(stream: trio.SocketStream) -> None:
    # To close a socket with something unread sends a reset, which can take our answer from the client.
    with trio.move_on_after(_FAREWELL_TIMEOUT_S):
        while await stream.receive_some(_DISCARDED_BYTES):
            pass


async def _close_when_cancelled(stream: trio.SocketStream, ended: trio.Event) -> None:
    try:
        await ended.wait()
    except trio.Cancelled:  # Hypercorn shields its sending, and this ends it
        stream.socket.close()
        raise
