"""An admin listener on loopback sockets, and the server that it pretends to watch."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import h11
import structlog
import trio
from prometheus_client import CollectorRegistry, Counter
from starlette.types import ASGIApp
from structlog.testing import capture_logs
from trio.testing import wait_all_tasks_blocked

from ric0_trio.admin import make_admin_app, serve_admin
from ric0_trio.server.listening import Place, listen_at
from ric0_trio.server.watched import ConnectionInfo
from tests.server.site import PATIENCE_S

TOKEN = "correct horse battery staple"  # noqa: S105
AUTHORIZED = f"Authorization: Bearer {TOKEN}"


class FakeServer:
    """Has whatever a test gives it."""

    def __init__(self, connections: Sequence[ConnectionInfo] = ()) -> None:
        self.registry = CollectorRegistry()
        self.logins = Counter("logins", "Users who got in.", ["result"], registry=self.registry)
        self.unready: str | None = None
        self.connections = connections

    def describe_connections(self) -> Iterator[ConnectionInfo]:
        yield from self.connections


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Site:
    """Where the admin listener is."""

    port: int
    path: Path
    logs: list[structlog.typing.EventDict] = field(default_factory=list)

    async def connect(self, *, is_unix: bool = False) -> trio.SocketStream:
        if is_unix:
            return await trio.open_unix_socket(self.path)
        return await trio.open_tcp_stream("127.0.0.1", self.port)

    async def ask(self, path: str, *headers: str, method: str = "GET", host: str = "", is_unix: bool = False) -> Answer:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host or f'127.0.0.1:{self.port}'}", *headers, "", ""]
        async with await self.connect(is_unix=is_unix) as stream:
            await stream.send_all("\r\n".join(lines).encode())
            return parse(await receive_rest(stream), method)


async def receive_rest(stream: trio.SocketStream) -> bytes:
    return b"".join([bytes(piece) async for piece in stream])


def parse(received: bytes, method: str = "GET") -> Answer:
    """Take an answer that is whole, and the last of its connection."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("Host", "localhost")]))
    client.send(h11.EndOfMessage())
    client.receive_data(received)
    client.receive_data(b"")
    response = client.next_event()
    assert isinstance(response, h11.Response), response
    body = b""
    while isinstance(event := client.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert client.next_event() == h11.ConnectionClosed()
    headers = {name.decode(): value.decode() for name, value in response.headers}
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
    return Answer(response.status_code, headers, body)


@asynccontextmanager
async def open_site(
    folder: Path, server: FakeServer | None = None, token: str | None = TOKEN, app: ASGIApp | None = None
) -> AsyncIterator[Site]:
    """Serve while the block lasts; then nothing of it is left."""
    tasks = trio.lowlevel.current_statistics().tasks_living
    path = folder / "admin.sock"
    with capture_logs() as logs, trio.fail_after(PATIENCE_S):
        async with AsyncExitStack() as stack:
            tcp = await stack.enter_async_context(listen_at(Place(host="127.0.0.1")))
            unix = await stack.enter_async_context(listen_at(Place(path=path)))
            async with trio.open_nursery() as nursery:
                app = app or make_admin_app(server or FakeServer(), token)
                nursery.start_soon(serve_admin, app, [*tcp, *unix])
                await wait_all_tasks_blocked()
                yield Site(tcp[0].socket.getsockname()[1], path, logs)
                nursery.cancel_scope.cancel()
    assert trio.lowlevel.current_statistics().tasks_living == tasks
