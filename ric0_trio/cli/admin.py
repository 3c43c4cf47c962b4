"""The admin listener, as `serve` runs it: what it needs is loaded and bound before the server begins."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

import structlog
import trio
from prometheus_client import CollectorRegistry

from ric0_trio.access.sqlite import SqliteAccess
from ric0_trio.cli.credentials import is_open_to_everyone
from ric0_trio.cli.exits import CommandError, Exit, SetupError
from ric0_trio.config import AdminSection
from ric0_trio.server import Server
from ric0_trio.server.listening import Place, listen_at, place_of
from ric0_trio.server.socket_activation import PassedSocketError, PassedSockets
from ric0_trio.server.watched import ConnectionInfo, Watched

_MIN_TOKEN_CHARS: Final = 16
_MAX_TOKEN_CHARS: Final = 1024


@dataclass(frozen=True)
class WatchedServer:
    """The server and its rules, as the operator watches them."""

    server: Server
    access: SqliteAccess

    @property
    def registry(self) -> CollectorRegistry:
        return self.server.metrics.registry

    @property
    def unready(self) -> str | None:
        return "the server is stopping" if self.server.is_stopping else self.access.problem

    def describe_connections(self) -> Iterator[ConnectionInfo]:
        return self.server.describe_connections()


Serve = Callable[[Watched], Awaitable[None]]


@asynccontextmanager
async def open_admin(admin: AdminSection, passed: PassedSockets) -> AsyncIterator[Serve]:
    """Listen as `admin` says while the block lasts; what this gives serves there, until cancelled.

    When it is off, that returns at once. Raises `CommandError`.
    """
    if admin.place is None:
        yield _serve_nothing
        return
    require_packages()
    from ric0_trio.admin import make_admin_app, serve_admin

    token = None
    if admin.token_file is not None:
        token = load_token(admin.token_file)
        if is_open_to_everyone(admin.token_file):
            remedy = f"chmod 600 {admin.token_file}"
            _log().warning("token.open_to_everyone", path=str(admin.token_file), remedy=remedy)
    async with _listening(admin.place, passed) as listeners:

        async def serve(watched: Watched) -> None:
            await serve_admin(make_admin_app(watched, token), listeners)

        yield serve


def require_packages() -> None:
    """Have what the listener is made of loaded. Raises `SetupError` when it is not installed."""
    try:
        import_module("ric0_trio.admin")
    except ModuleNotFoundError as error:
        package, _, _ = str(error.name).partition(".")
        remedy = "pip install 'ric0-trio[admin]', or leave it empty"
        raise SetupError("[admin] listen", f"{package} is not installed", remedy) from None


def load_token(path: Path) -> str:
    """Read the token. Raises `SetupError`."""
    subject = f"[admin] token_file {path}"
    remedy = f"make one with `openssl rand -hex 24 > {path}`"
    try:
        with path.open("rb") as file:
            line = file.readline(_MAX_TOKEN_CHARS + 2)
    except OSError as error:
        raise SetupError(subject, error.strerror or str(error), remedy) from None
    token = line.strip().decode("latin-1")
    if not (_MIN_TOKEN_CHARS <= len(token) <= _MAX_TOKEN_CHARS and token.isascii() and token.isprintable()):
        expected = f"expected {_MIN_TOKEN_CHARS} to {_MAX_TOKEN_CHARS} ASCII characters on its first line"
        raise SetupError(subject, expected, remedy)
    return token


async def _serve_nothing(watched: Watched) -> None:
    await trio.lowlevel.checkpoint()


@asynccontextmanager
async def _listening(place: Place, passed: PassedSockets) -> AsyncIterator[Sequence[trio.SocketListener]]:
    if not place.is_local(passed):
        remedy = "ListenStream= with 127.0.0.1, [::1] or a path is needed"
        raise CommandError(
            f"[admin] listen: other machines reach what systemd passed as {place}; {remedy}", Exit.CONFIG
        )
    async with AsyncExitStack() as stack:
        try:
            listeners = await stack.enter_async_context(listen_at(place, passed))
        except PassedSocketError as error:
            raise CommandError(f"[admin] listen: {error}", Exit.CONFIG) from None
        except OSError as error:
            why = f"cannot listen on {place}: {error.strerror or error}; see [admin] listen in the configuration"
            raise CommandError(why, Exit.FAILED) from None
        for there in map(place_of, listeners):
            _log().info("admin.listening", url=f"http+{there}" if there.startswith("unix:") else f"http://{there}")
        yield listeners


def _log() -> structlog.typing.FilteringBoundLogger:
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger
