"""Listening, serving, and what signals ask for: what `serve` does once all is loaded."""

import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import structlog
import trio
from prometheus_client import disable_created_metrics

from ric0_trio.access.database import StoreError
from ric0_trio.access.sqlite import SqliteAccess, open_sqlite_access
from ric0_trio.cli.admin import WatchedServer, open_admin
from ric0_trio.cli.announce import Doors, announce, write_ready_file
from ric0_trio.cli.contradictions import find_missing_url
from ric0_trio.cli.dev_setup import DevFiles
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.reload import Reload, make_settings
from ric0_trio.cli.signals import hearing
from ric0_trio.cli.startup import Startup
from ric0_trio.config import Config, ListenSection
from ric0_trio.data_dir import DataDir, DataDirError
from ric0_trio.server import Server
from ric0_trio.server.control import ControlSocket, bind_control_socket
from ric0_trio.server.garbage import seldom_looking_for_garbage
from ric0_trio.server.listening import Place, listen_at, say_why_not
from ric0_trio.server.sd_notify import ServiceManager
from ric0_trio.server.socket_activation import PassedSocketError, PassedSockets
from ric0_trio.transport.one_exception import one_exception


async def launch(startup: Startup, ready_file: Path | None, passed: PassedSockets, service: ServiceManager) -> None:
    """Run the server until SIGINT or SIGTERM; a second one does not wait for the clients. SIGHUP: read all anew."""
    config, identity = startup.config, startup.identity
    if config.listen.first.is_unix(passed) and (missing := find_missing_url(config)) is not None:
        raise missing
    files = DevFiles(config.data_dir)
    is_own = startup.dev and startup.ssl_context is not None and config.tls.cert == files.cert
    ca = files.ca.resolve() if is_own else None
    with hearing(signal.SIGHUP) as hangups, ExitStack() as to_the_end, _hold_data_dir(config) as control_listener:
        async with (
            _open_access(config) as access,
            _listening(config.listen, config.listen.direct, passed) as direct,
            _listening(config.listen, config.listen.proxied, passed) as proxied,
            open_admin(config.admin, passed) as serve_admin,
        ):
            for name in passed.untaken:
                remedy = f"name it, as systemd:{name}, or stop and disable its .socket unit"
                _log().warning("systemd.socket_unused", name=name, remedy=remedy)
            doors = Doors(direct, proxied)
            url = doors.find_url(startup.ssl_context)
            disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, of no use
            server = Server(make_settings(startup, url), identity, access)
            server.metrics.show_access(lambda: access.problem)
            server.metrics.show_certificate(startup.certificate_expires_at)
            reload = Reload(startup, url, server, access, is_unix=config.listen.first.is_unix(passed))
            endings = to_the_end.enter_context(hearing(signal.SIGINT, signal.SIGTERM))  # until then they end it at once
            with seldom_looking_for_garbage():
                announce(startup, doors, url, server.settings.limits, ca)
                if ready_file is not None:
                    write_ready_file(ready_file, url, identity, ca)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(service.feed_watchdog)
                    nursery.start_soon(serve_admin, WatchedServer(server, access))
                    nursery.start_soon(ControlSocket(access, lambda: server.settings.profile).serve, control_listener)
                    await service.ready()
                    nursery.start_soon(_obey, hangups, endings, server, reload, service, nursery.cancel_scope)
                    await server.serve(direct, proxied=proxied)
                    nursery.cancel_scope.cancel()
    _log().info("server.stopped")


async def _obey(
    hangups: AsyncIterator[int],
    endings: AsyncIterator[int],
    server: Server,
    reload: Reload,
    service: ServiceManager,
    everything: trio.CancelScope,
) -> None:
    async with trio.open_nursery() as meanwhile:
        meanwhile.start_soon(_reload_on, hangups, reload, service)
        await _hear_of_the_end(endings)
        meanwhile.cancel_scope.cancel()  # files that are slow to read do not hold up the end
    server.stop()
    await service.stopping()
    await _hear_of_the_end(endings)
    everything.cancel()


async def _reload_on(hangups: AsyncIterator[int], reload: Reload, service: ServiceManager) -> None:
    async for _ in hangups:
        async with service.reloading():
            await reload.run()


async def _hear_of_the_end(endings: AsyncIterator[int]) -> None:
    number = await anext(endings)
    _log().info("server.stopping", signal=signal.Signals(number).name)


@contextmanager
def _hold_data_dir(config: Config) -> Iterator[trio.SocketListener]:
    """Be the one server of the data directory, and listen there for commands."""
    data = DataDir(config.data_dir)
    with ExitStack() as stack:
        try:
            data.make()
            stack.enter_context(data.hold())
            listener = stack.enter_context(bind_control_socket(data.control_socket))
        except DataDirError as error:
            raise CommandError(str(error), Exit.CONFIG) from None
        except OSError as error:
            is_too_long = error.errno is None  # Python's own, of a path for a socket
            remedy = "a path of less than 100 bytes is needed: " if is_too_long else "let this account write there, or "
            reason = f"{error.strerror or error}; {remedy}see --data-dir"
            raise CommandError(f"{data.control_socket}: {reason}", Exit.CONFIG) from None
        if data.is_open_to_everyone:
            _log().warning("data_dir.open_to_everyone", path=str(data.folder), remedy=f"chmod 700 {data.folder}")
        yield listener


@asynccontextmanager
async def _open_access(config: Config) -> AsyncIterator[SqliteAccess]:
    try:
        with one_exception():
            async with open_sqlite_access(DataDir(config.data_dir).database, config.access, config.audit) as access:
                yield access
    except StoreError as error:
        raise CommandError(str(error), Exit.CONFIG) from None


@asynccontextmanager
async def _listening(
    listen: ListenSection, places: Sequence[Place], passed: PassedSockets
) -> AsyncIterator[list[trio.SocketListener]]:
    listeners: list[trio.SocketListener] = []
    async with AsyncExitStack() as stack:
        for place in places:
            try:
                listeners += await stack.enter_async_context(listen_at(place, passed))
            except PassedSocketError as error:
                raise CommandError(str(error), Exit.CONFIG) from None
            except (UnicodeError, OSError) as error:
                where = str(place) if place.path is not None else f"{place.host}, port {place.port}"
                is_first = place == listen.first and place.path is None
                remedy = "see --host and --port" if is_first else "see [listen] in the configuration"
                raise CommandError(f"cannot listen on {where}: {say_why_not(error)}; {remedy}", Exit.FAILED) from None
        yield listeners


def _log() -> structlog.typing.FilteringBoundLogger:
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
