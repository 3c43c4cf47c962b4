"""Listening, saying so, and stopping on a signal: what `serve` does once all is loaded."""

import json
import os
import shlex
import shutil
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import click
import structlog
import trio

from ric0_trio import __version__
from ric0_trio.access.store import OpenAccess
from ric0_trio.cli.dev_setup import DevFiles
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.config import Config
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


async def launch(
    config: Config, identity: PrivateKey, ssl_context: ssl.SSLContext | None, dev: bool, ready_file: Path | None
) -> None:
    """Run the server until SIGINT or SIGTERM; a second one does not wait for the clients."""
    listeners = await _listen(config)
    url = _url(listeners[0], ssl_context)
    server = Server(
        _make_profile(config, identity, url), identity, OpenAccess(), ssl_context=ssl_context, limits=config.limits
    )
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        files = DevFiles(config.data_dir)
        is_own = dev and ssl_context is not None and config.tls.cert == files.cert
        ca = files.ca.resolve() if is_own else None
        _announce(url, identity, ca, dev)
        if ready_file is not None:
            _write_ready_file(ready_file, url, identity, ca)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_stop_on_signal, signals, server, nursery.cancel_scope)
            await server.serve(listeners)
            nursery.cancel_scope.cancel()
    _log().info("server.stopped")


async def _stop_on_signal(signals: AsyncIterator[int], server: Server, everything: trio.CancelScope) -> None:
    asked = False
    async for number in signals:
        _log().info("server.stopping", signal=signal.Signals(number).name)
        if asked:
            everything.cancel()
        server.stop()
        asked = True


async def _listen(config: Config) -> list[trio.SocketListener]:
    host, port = config.listen.host, config.listen.port
    try:
        return await trio.open_tcp_listeners(port, host=host)
    except UnicodeError:
        reason = "that is not the name of a host"
    except OSError as error:
        reason = error.strerror or str(error)
    raise CommandError(f"cannot listen on {host}, port {port}: {reason}; see --host and --port", Exit.FAILED)


def _url(listener: trio.SocketListener, ssl_context: ssl.SSLContext | None) -> str:
    host, port, *_ = listener.socket.getsockname()
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    place = f"[{reachable}]" if ":" in reachable else reachable
    return f"{'ws' if ssl_context is None else 'wss'}://{place}:{port}{PATH}"


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


def _announce(url: str, identity: PrivateKey, ca: Path | None, dev: bool) -> None:
    subprotocols = [codec.subprotocol for codec in available_codecs()]
    fingerprint = identity.public.fingerprint
    _log().info("server.listening", url=url, key=fingerprint, subprotocols=subprotocols)
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
