"""Bad clients, and faults, at the admin listener: it serves on, logs faults alone, and nothing is left of a client."""

import errno
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

import pytest
import structlog
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock, wait_all_tasks_blocked

from ric0_trio.admin import make_admin_app, serve_admin, serving
from ric0_trio.admin.requests import MAX_HEAD_BYTES
from ric0_trio.server.listening import Place, listen_at
from tests.admin.site import AUTHORIZED, TOKEN, FakeServer, Site, open_site, parse, receive_rest
from tests.admin.test_endpoints import ZOE
from tests.hostile.aftermath import Resources
from tests.server.conftest import loopback_clock
from tests.server.site import PATIENCE_S

__all__ = ["loopback_clock"]

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "

REQUESTS: dict[str, tuple[bytes, int]] = {
    "three at once": ((GET + b"\r\n") * 3, 200),
    "a body": (GET + b"Content-Length: 5\r\n\r\nhello", 200),
    "a large body": (GET + b"Content-Length: 1000000\r\n\r\n" + bytes(1_000_000), 200),
    "a body in small chunks": (GET + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1000, 200),
    "a body that is waited for": (GET + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", 200),
    "HTTP/2": (GET + H2C + b"AAMAAABkAAQAAP__\r\n\r\n", 200),
    "bad HTTP/2": (GET + H2C + b"AAA\r\n\r\n", 200),
    "HTTP/2 from the start": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a WebSocket": (GET + WEBSOCKET + b"AAECAwQFBgcICQoLDA0ODw==\r\n\r\n", 200),
    "a bad WebSocket": (GET + WEBSOCKET + b"?\r\n\r\n", 200),
    "HTTP/1.0": (b"GET /healthz HTTP/1.0\r\n\r\n", 400),
    "no Host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (GET + b"Host: localhost\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\r\n\r\n", 400),
    "no HTTP": (b"hello\r\n\r\n", 400),
    "bytes that are not ASCII": (GET + b"Authorization: Bearer \xff\r\n\r\n", 400),
    "a path that is not UTF-8": (GET.replace(b"healthz", b"%ff%00%0d%0a") + b"\r\n", 404),
    "a large header": (GET + b"X: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n", 431),
    "many headers": (GET + b"X: y\r\n" * 2000 + b"\r\n", 431),
    "a head without end": (bytes(1_000_000), 431),
}


@pytest.mark.parametrize("is_unix", [False, True], ids=["TCP", "unix"])
@pytest.mark.parametrize(("said", "status"), REQUESTS.values(), ids=REQUESTS)
async def test_any_request_is_answered(said: bytes, status: int, is_unix: bool, tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        before = Resources.now()
        async with await site.connect(is_unix=is_unix) as stream:
            await stream.send_all(said)
            assert parse(await receive_rest(stream)).status == status
        await before.check_all_are_back()
        assert (await site.ask("/healthz")).body == b"ok\n"
        assert site.logs == []


async def say_nothing(stream: trio.SocketStream) -> None:
    await stream.send_eof()
    assert await receive_rest(stream) == b""


async def leave_in_the_head(stream: trio.SocketStream) -> None:
    await stream.send_all(GET)


async def reset_in_the_head(stream: trio.SocketStream) -> None:
    await stream.send_all(GET)
    reset(stream)


async def reset_after_the_head(stream: trio.SocketStream) -> None:
    await stream.send_all(GET + b"\r\n")
    reset(stream)


async def leave_in_the_answer(stream: trio.SocketStream) -> None:
    await ask_for_much(stream)


async def reset_in_the_answer(stream: trio.SocketStream) -> None:
    await ask_for_much(stream)
    reset(stream)


async def end_after_the_head(stream: trio.SocketStream) -> None:
    await stream.send_all(GET + b"\r\n")
    await stream.send_eof()
    assert parse(await receive_rest(stream)).body == b"ok\n"


async def go_on_sending(stream: trio.SocketStream) -> None:
    with suppress(trio.BrokenResourceError):
        for _ in range(100):
            await stream.send_all(GET + b"\r\n" + bytes(100_000))


async def ask_for_much(stream: trio.SocketStream) -> None:
    """Read of an answer that no socket holds as much as shows that it is being sent."""
    await stream.send_all(f"GET /connections HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZED}\r\n\r\n".encode())
    assert await stream.receive_some(1)


def reset(stream: trio.SocketStream) -> None:
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.socket.close()


LEAVERS = [
    say_nothing,
    leave_in_the_head,
    reset_in_the_head,
    reset_after_the_head,
    leave_in_the_answer,
    reset_in_the_answer,
    end_after_the_head,
    go_on_sending,
]
MUCH = FakeServer([ZOE] * 50_000)


@pytest.mark.parametrize("is_unix", [False, True], ids=["TCP", "unix"])
@pytest.mark.parametrize("behave", LEAVERS)
async def test_clients_that_leave(
    behave: Callable[[trio.SocketStream], Awaitable[None]], is_unix: bool, tmp_path: Path
) -> None:
    async with open_site(tmp_path, MUCH) as site:
        before = Resources.now()
        async with await site.connect(is_unix=is_unix) as stream:
            await behave(stream)
        await before.check_all_are_back()
        assert (await site.ask("/healthz")).body == b"ok\n"
        assert site.logs == []


@pytest.mark.parametrize("said", [b"", GET, GET[:3]])
async def test_a_slow_head(
    said: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loopback_clock: MockClock
) -> None:
    monkeypatch.setattr(serving, "HEAD_TIMEOUT_S", 0.05)
    async with open_site(tmp_path) as site:
        async with await site.connect() as stream:
            await stream.send_all(said)
            assert await receive_rest(stream) == b""
        monkeypatch.undo()
        assert (await site.ask("/healthz")).status == 200
        assert site.logs == []


@asynccontextmanager
async def not_for_ever() -> AsyncIterator[list[trio.SocketStream]]:
    """Close the clients that are added to the list: after the block, or when it is stuck, and then fail.

    Hypercorn shields its sending, so to cancel the block may not be enough.
    """
    clients: list[trio.SocketStream] = []

    async def close_late() -> None:
        await trio.sleep(PATIENCE_S + 1)
        for stream in clients:
            stream.socket.close()
        raise AssertionError("stuck")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(close_late)
        yield clients
        nursery.cancel_scope.cancel()
    for stream in clients:
        stream.socket.close()


async def test_a_client_that_does_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loopback_clock: MockClock
) -> None:
    monkeypatch.setattr(serving, "CONNECTION_TIMEOUT_S", 0.3)
    async with not_for_ever() as clients, open_site(tmp_path, MUCH) as site:
        before = Resources.now()
        clients.append(await site.connect())
        await ask_for_much(clients[0])
        await Resources(before.tasks, before.descriptors + 1).check_all_are_back()  # but for the client's own end
        assert site.logs == []


async def test_clients_that_stay_hold_up_no_end(tmp_path: Path) -> None:
    """Neither one that does not read nor one that says nothing: `open_site` cancels."""
    assert serving.CONNECTION_TIMEOUT_S > PATIENCE_S
    async with not_for_ever() as clients, open_site(tmp_path, MUCH) as site:
        clients += [await site.connect(), await site.connect()]
        await ask_for_much(clients[0])
        await clients[1].send_all(GET)
    assert site.logs == []


class WatchedListener:
    """A listener that counts whom it let in, and fails when it is told to."""

    def __init__(self, listener: trio.SocketListener) -> None:
        self._listener = listener
        self.accepted = 0
        self.errors: list[OSError] = []
        self.wrap: Callable[[trio.SocketStream], trio.SocketStream] = lambda stream: stream

    async def accept(self) -> trio.SocketStream:
        if self.errors:
            raise self.errors.pop()
        stream = await self._listener.accept()
        self.accepted += 1
        return self.wrap(stream)


def as_listeners(listener: WatchedListener) -> Sequence[trio.SocketListener]:
    return [cast(trio.SocketListener, listener)]


@asynccontextmanager
async def patient_nursery() -> AsyncIterator[trio.Nursery]:
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            yield nursery


async def test_more_clients_than_are_served_at_once(tmp_path: Path) -> None:
    """They wait, and get their turn."""
    async with listen_at(Place(host="127.0.0.1")) as (real,), patient_nursery() as nursery:
        site, listener = Site(real.socket.getsockname()[1], tmp_path), WatchedListener(real)
        nursery.start_soon(serve_admin, make_admin_app(FakeServer(), TOKEN), as_listeners(listener))
        silent = [await site.connect() for _ in range(serving.MAX_CONNECTIONS)]
        answered = []

        async def ask() -> None:
            answered.append((await site.ask("/healthz")).status)

        async with trio.open_nursery() as asking:
            for _ in range(3):
                asking.start_soon(ask)
            await wait_all_tasks_blocked(0.05)
            assert listener.accepted == serving.MAX_CONNECTIONS
            assert answered == []
            await silent.pop().aclose()
        assert answered == [200] * 3
        for stream in silent:
            await stream.aclose()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOBUFS, errno.EBADF], ids=errno.errorcode.__getitem__)
async def test_accepting_goes_on_after_a_pause(number: int, autojump_clock: MockClock) -> None:
    async with listen_at(Place(host="127.0.0.1")) as (real,), trio.open_nursery() as nursery:
        listener = WatchedListener(real)
        listener.errors = [OSError(number, "not now") for _ in range(1000)]
        with capture_logs() as logs, trio.move_on_after(39.5):
            await serve_admin(make_admin_app(FakeServer(), TOKEN), as_listeners(listener))
        entry = {"event": "admin.not_accepting", "error": f"[Errno {number}] not now", "log_level": "warning"}
        assert logs == [entry] * 40
        nursery.cancel_scope.cancel()


class FaultySocket:
    """Fails when Hypercorn asks it who is there."""

    family = socket.AF_INET

    def __init__(self, actual: trio.socket.SocketType) -> None:
        self.close = actual.close

    def getpeername(self) -> object:
        raise ZeroDivisionError("a fault")


def make_faulty(stream: trio.SocketStream) -> trio.SocketStream:
    stream.socket = cast(trio.socket.SocketType, FaultySocket(stream.socket))
    return stream


async def test_a_fault_in_one_connection_is_not_the_others(tmp_path: Path) -> None:
    logs: list[structlog.typing.EventDict]
    async with listen_at(Place(host="127.0.0.1")) as (real,), patient_nursery() as nursery:
        site, listener = Site(real.socket.getsockname()[1], tmp_path), WatchedListener(real)
        with capture_logs() as logs:
            nursery.start_soon(serve_admin, make_admin_app(FakeServer(), TOKEN), as_listeners(listener))
            other = await site.connect()
            await other.send_all(GET)
            await wait_all_tasks_blocked()
            listener.wrap = make_faulty
            for faults in range(1, serving.MAX_CONNECTIONS + 5):  # and none keeps its place
                async with await site.connect() as stream:
                    await stream.send_all(GET + b"\r\n")
                    with suppress(trio.BrokenResourceError):
                        await receive_rest(stream)
                while len(logs) < faults:
                    await trio.lowlevel.checkpoint()
            listener.wrap = lambda stream: stream
            await other.send_all(b"\r\n")
            assert parse(await receive_rest(other)).body == b"ok\n"
            assert (await site.ask("/healthz")).body == b"ok\n"
            await other.aclose()
        assert {entry["event"] for entry in logs} == {"admin.failed"}
        assert all(entry["exc_info"] for entry in logs)
        nursery.cancel_scope.cancel()
