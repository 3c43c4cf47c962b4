"""Listening, saying so, and stopping on a signal: what `serve` does once all is loaded."""

import gc
import json
import os
import shlex
import shutil
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import click
import msgspec
import structlog
import trio

from ric0_trio import __version__
from ric0_trio.access.database import StoreError
from ric0_trio.access.sqlite import SqliteAccess, open_sqlite_access
from ric0_trio.cli.dev_setup import DevFiles
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.config import Config
from ric0_trio.data_dir import DataDir, DataDirError
from ric0_trio.protocol import (
    PATH,
    AppInfo,
    PrivateKey,
    ServerInfo,
    ServerProfile,
    SoftwareVersion,
    available_codecs,
)
from ric0_trio.server import Server
from ric0_trio.server.control import ControlSocket, bind_control_socket
from ric0_trio.server.limits import ServerLimits, descriptors_for, fit_to_descriptors
from ric0_trio.server.listening import Place, listen_at, say_why_not
from ric0_trio.transport.websocket import one_exception

_YOUNG_OBJECTS: Final = 100_000  # more than all strangers together are, who come and go
_GENERATION_FACTOR: Final = 20


async def launch(
    config: Config, identity: PrivateKey, ssl_context: ssl.SSLContext | None, dev: bool, ready_file: Path | None
) -> None:
    """Run the server until SIGINT or SIGTERM; a second one does not wait for the clients."""
    files = DevFiles(config.data_dir)
    is_own = dev and ssl_context is not None and config.tls.cert == files.cert
    ca = files.ca.resolve() if is_own else None
    with _hold_data_dir(config) as control_listener:
        listen = config.listen
        async with (
            _open_access(config) as access,
            _listening(listen.direct) as direct,
            _listening(listen.proxied) as proxied,
        ):
            limits = _fit(config.limits)
            url = _url((direct or proxied)[0], ssl_context)
            profile = _make_profile(config, identity, url)
            server = Server(
                profile,
                identity,
                access,
                ssl_context=ssl_context,
                limits=limits,
                trusted_proxies=listen.trusted_proxies,
                allowed_origins=listen.allowed_origins,
            )
            with (
                trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals,
                _seldom_looking_for_garbage(),
            ):
                _announce(config, limits, url, identity, ca, dev)
                if ready_file is not None:
                    _write_ready_file(ready_file, url, identity, ca)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(ControlSocket(access, profile).serve, control_listener)
                    nursery.start_soon(_stop_on_signal, signals, server, nursery.cancel_scope)
                    await server.serve(direct, proxied=proxied)
                    nursery.cancel_scope.cancel()
    _log().info("server.stopped")


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


async def _stop_on_signal(signals: AsyncIterator[int], server: Server, everything: trio.CancelScope) -> None:
    asked = False
    async for number in signals:
        _log().info("server.stopping", signal=signal.Signals(number).name)
        if asked:
            everything.cancel()
        server.stop()
        asked = True


@asynccontextmanager
async def _listening(places: Sequence[Place]) -> AsyncIterator[list[trio.SocketListener]]:
    listeners: list[trio.SocketListener] = []
    async with AsyncExitStack() as stack:
        for place in places:
            try:
                listeners += await stack.enter_async_context(listen_at(place))
            except (UnicodeError, OSError) as error:
                where = str(place) if place.path is not None else f"{place.host}, port {place.port}"
                remedy = "see --host and --port" if place.path is None else "see [listen] in the configuration"
                raise CommandError(f"cannot listen on {where}: {say_why_not(error)}; {remedy}", Exit.FAILED) from None
        yield listeners


@contextmanager
def _seldom_looking_for_garbage() -> Iterator[None]:
    """Look for cyclic garbage seldom, and not at all in what is there from the start.

    A connection leaves none; to look for it nevertheless holds up every user, by 100 ms at times (docs/benchmarks.md).
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _GENERATION_FACTOR, _GENERATION_FACTOR)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _fit(limits: ServerLimits) -> ServerLimits:
    """Keep to what this process may have open, and say so."""
    wanted, possible = limits.max_connections, fit_to_descriptors(limits.max_connections)
    if possible < wanted:
        remedy = f"raise the limit on open files to {descriptors_for(wanted)} (ulimit -n, or LimitNOFILE= of systemd)"
        _log().info("server.fewer_connections", max_connections=possible, wanted=wanted, remedy=remedy)
    return msgspec.structs.replace(limits, max_connections=possible)


def _url(listener: trio.SocketListener, ssl_context: ssl.SSLContext | None) -> str:
    name: object = listener.socket.getsockname()
    scheme = "ws" if ssl_context is None else "wss"
    if not isinstance(name, tuple):
        return f"{scheme}+unix:{name}"
    host, port = str(name[0]), int(name[1])
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    place = f"[{reachable}]" if ":" in reachable else reachable
    return f"{scheme}://{place}:{port}{PATH}"


def _make_profile(config: Config, identity: PrivateKey, url: str) -> ServerProfile:
    told = config.server
    return ServerProfile(
        app=AppInfo(
            name="ric0-trio",
            version=SoftwareVersion.parse(__version__),
            capabilities=told.capabilities,
            extensions=told.extensions,
        ),
        info=ServerInfo(pubkey=identity.public, url=told.url or url, name=told.name, description=told.description),
        accepted_key_formats=frozenset(config.access.accept_key_formats),
    )


def _announce(config: Config, limits: ServerLimits, url: str, identity: PrivateKey, ca: Path | None, dev: bool) -> None:
    places = [*config.listen.direct, *config.listen.proxied]
    subprotocols = [codec.subprotocol for codec in available_codecs()]
    fingerprint = identity.public.fingerprint
    _log().info(
        "server.listening",
        url=url,
        also=[str(place) for place in places[1:]] or None,
        key=fingerprint,
        mode=config.access.mode,
        subprotocols=subprotocols,
        max_connections=limits.max_connections,
    )
    if "bson" not in subprotocols:
        _log().info("server.without_bson", remedy="pip install 'ric0-trio[bson]'")
    if dev:
        trust = ["--ca", str(ca)] if ca is not None else []
        probe = shlex.join([*_own_command(), "probe", url, *trust, "--pin", fingerprint])
        click.echo(f"listening on  {url}\nserver key    {fingerprint}\n\nTry it from a second terminal:\n\n  {probe}\n")


def _own_command() -> list[str]:
    """How to start this program again, from any folder."""
    program = shutil.which(sys.argv[0]) or sys.argv[0]
    if program.endswith("__main__.py"):
        return [sys.executable, "-m", "ric0_trio"]
    return ["ric0-trio"] if shutil.which("ric0-trio") == program else [str(Path(program).resolve())]


def _write_ready_file(path: Path, url: str, identity: PrivateKey, ca: Path | None) -> None:
    public = identity.public
    ready = {
        "url": url,
        "pubkey": {"key": public.key, "format": public.format},
        "fingerprint": public.fingerprint,
        "ca": None if ca is None else str(ca),
        "pid": os.getpid(),
    }
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(json.dumps(ready) + "\n", encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise CommandError(f"--ready-file {path}: {error.strerror}", Exit.FAILED) from None


def _log() -> structlog.typing.FilteringBoundLogger:
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
