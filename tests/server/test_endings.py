"""However a connection ends, at whatever point: each place that was taken is given back, exactly once."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from ric0_trio.protocol import CloseCode, Kick, State
from ric0_trio.server.connection import Connection
from ric0_trio.testing import CHALLENGE, CONNECT
from ric0_trio.testing.store import FakeStore
from tests.server.raw_client import BINARY, CLOSE, PING, TEXT, RawClient, frame
from tests.server.stage import make_connection

Ending = Callable[[RawClient, Connection], Awaitable[None]]


def sending(data: bytes) -> Ending:
    async def end(client: RawClient, connection: Connection) -> None:
        await client.send_raw(data)

    return end


async def silence(client: RawClient, connection: Connection) -> None:
    pass


async def end_of_stream(client: RawClient, connection: Connection) -> None:
    assert isinstance(client.stream, trio.StapledStream)
    await client.stream.send_eof()


async def reset(client: RawClient, connection: Connection) -> None:
    await client.reset()


async def reset_with_requests_under_way(client: RawClient, connection: Connection) -> None:
    await client.send_raw(client.request(CHALLENGE) * 4)
    await client.reset()


async def reset_with_a_ping_behind_requests(client: RawClient, connection: Connection) -> None:
    """trio-websocket's reader answers the ping after its writer found the stream broken: it must not fail on that."""
    await client.send_raw(client.request(CHALLENGE) * 4 + frame(PING) * 4)
    await client.reset()


async def kick(client: RawClient, connection: Connection) -> None:
    connection.kick(Kick(CloseCode.REPLACED, "a newer connection"))


async def kick_after_shutdown(client: RawClient, connection: Connection) -> None:
    connection.shutdown(trio.current_time())
    connection.kick(Kick(CloseCode.BANNED, "banned"))


async def kick_while_the_client_closes(client: RawClient, connection: Connection) -> None:
    await client.close()
    connection.kick(Kick(CloseCode.KICKED, "kicked"))


async def shutdown(client: RawClient, connection: Connection) -> None:
    connection.shutdown(trio.current_time())


ENDINGS: dict[str, Ending] = {
    "Close frame": sending(frame(CLOSE, b"\x03\xe8")),
    "Close frame, and more behind it": sending(frame(CLOSE) + frame(TEXT, b"{}") * 100),
    "end of the stream": end_of_stream,
    "reset": reset,
    "reset with requests under way": reset_with_requests_under_way,
    "reset with a ping behind requests": reset_with_a_ping_behind_requests,
    "silence": silence,
    "kick": kick,
    "kick after shutdown": kick_after_shutdown,
    "kick while the client closes": kick_while_the_client_closes,
    "shutdown": shutdown,
    "unmasked frame": sending(frame(TEXT, b"{}", mask=False)),
    "message too big": sending(frame(TEXT, b" " * 65_537)),
    "too many messages": sending(frame(TEXT, b"{}") * 50),
    "not decodable": sending(frame(TEXT, b"\xff")),
    "no envelope": sending(frame(TEXT, b"[]")),
    "wrong kind": sending(frame(BINARY, b"{}")),
}
POINTS: dict[str, tuple[State, tuple[dict[str, object], ...], int]] = {
    "challenged": (State.CHALLENGED, (), 0),
    "connected": (State.CONNECTED, (), 1),
    "disconnected": (State.DISCONNECTED, (), 1),
    "connected again": (State.DISCONNECTED, (CONNECT,), 2),
}


@pytest.mark.parametrize(("state", "requests", "admissions"), POINTS.values(), ids=POINTS)
@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)
async def test_places_are_given_back(
    end: Ending, state: State, requests: tuple[dict[str, object], ...], admissions: int, autojump_clock: MockClock
) -> None:
    access = FakeStore()
    client, connection = make_connection(access)
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            await client.reach(state)
            for request in requests:
                assert (await client.ask(request))["status"] == "success"
            await end(client, connection)
        await client.reset()
    access.check_settled(admissions)
    assert [entry for entry in logs if entry["log_level"] == "error"] == []


@pytest.mark.parametrize(("state", "requests", "admissions"), POINTS.values(), ids=POINTS)
async def test_a_hard_cancel_gives_places_back_too(
    state: State, requests: tuple[dict[str, object], ...], admissions: int, autojump_clock: MockClock
) -> None:
    access = FakeStore()
    client, connection = make_connection(access)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        await client.reach(state)
        for request in requests:
            assert (await client.ask(request))["status"] == "success"
        nursery.cancel_scope.cancel()
    assert await client.gone() == b""
    access.check_settled(admissions)
