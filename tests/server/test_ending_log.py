"""Each connection has a line in the log when it ends; strangers cannot flood it."""

import socket
from contextlib import suppress
from typing import Any

import pytest
import structlog
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock, wait_all_tasks_blocked

from ric0_trio.protocol import State
from ric0_trio.testing import CHALLENGE, CLIENT_APP, CONNECT, USER_KEY, base64_of, connect_data, request
from ric0_trio.testing.store import FakeStore
from ric0_trio.transport.eager import EagerSocket
from tests.server.listener import MemoryListener, as_sockets
from tests.server.raw_client import HEAD, RawClient
from tests.server.stage import make_server, memory_client

Lines = list[structlog.typing.EventDict]


def endings(logs: Lines, level: str = "info") -> list[dict[str, Any]]:
    return [dict(entry) for entry in logs if entry["event"] == "connection.ended" and entry["log_level"] == level]


async def test_all_that_happened_to_a_user(autojump_clock: MockClock) -> None:
    with capture_logs() as logs:
        async with memory_client(make_server()) as client:
            await client.reach(State.CONNECTED)
            await client.ask(CONNECT)
            await trio.sleep(12.5)
            await client.close(1000, "bye")
            await client.gone()
    (line,) = endings(logs)
    assert 500 < line.pop("bytes_in") < 2000
    assert 500 < line.pop("bytes_out") < 2000
    assert len(line.pop("connection")) == 16
    assert {key: value for key, value in line.items() if value is not None} == {
        "event": "connection.ended",
        "log_level": "info",
        "peer": "memory",
        "cause": "client",
        "code": 1000,
        "why": "bye",
        "user": USER_KEY.public.short_fingerprint,
        "name": "Zoë",
        "client": CLIENT_APP.name,
        "connects": 2,
        "status": "already_connected",
        "duration_s": 12.5,
        "messages_in": 3,
        "messages_out": 3,
    }


async def test_a_reply_that_does_not_go_out_is_noted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The forged proof that is one too many has the client put out before it is answered, in vain."""
    server = make_server(failures_per_address=1)
    forged = request("connect", connect_data(challenge=base64_of(bytes(64))))

    def fail(*_: object) -> None:
        raise trio.BrokenResourceError("broken pipe")

    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            await nursery.start(server.serve, [])
            ours, theirs = [trio.SocketStream(trio.socket.from_stdlib_socket(end)) for end in socket.socketpair()]
            nursery.start_soon(server.serve_stream, theirs, "192.0.2.7")
            client = RawClient(ours)
            await client.reach(State.CHALLENGED)
            monkeypatch.setattr(EagerSocket, "put", fail)  # its peer is gone, though nothing has told so before
            await client.send_raw(client.request(forged))
            await client.gone()
            await trio.aclose_forcefully(ours)
            server.stop()
    (line,) = endings(logs)
    assert line["connects"] == 1
    assert (line["cause"], line["limit"]) == ("limit", "failures_per_address")
    assert server.refusals == {"failures_per_address": 1}


async def test_which_limit_was_reached(autojump_clock: MockClock) -> None:
    server = make_server(challenges=1, failures_per_address=1, unauthenticated_per_address=1)
    with capture_logs() as logs:
        async with memory_client(server) as first:
            await wait_all_tasks_blocked()
            async with memory_client(server) as second:
                await second.reach(State.CHALLENGED)
                await second.send_raw(second.request(CHALLENGE))
                await second.gone()
            await first.gone()
        async with memory_client(server) as third:
            await third.reach(State.CHALLENGED)
            await third.send_raw(third.request(request("connect", connect_data(challenge=base64_of(bytes(64))), 2)))
            assert await third.closing() == (1013, "too many failed attempts from your address")
        async with memory_client(server) as fourth:
            await fourth.gone()
    assert [(line["limit"], line["code"], line["http_status"]) for line in endings(logs)] == [
        ("unauthenticated_per_address", None, None),
        ("challenges", 1008, None),
        ("failures_per_address", 1013, None),
        ("failures_per_address", None, 503),
    ]


async def test_a_flood_of_strangers_is_told_in_part_and_counted(autojump_clock: MockClock) -> None:
    """A user is told in any case."""
    server = make_server(new_connections_per_address_per_min=1000)
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            await nursery.start(server.serve, [])
            for _ in range(40):
                for _ in range(10):
                    async with memory_client(server) as stranger:
                        await stranger.send_raw(HEAD.replace(b"GET", b"PUT"))
                        await stranger.stream.receive_some()
                await trio.sleep(1)
            async with memory_client(server) as user:
                await user.reach(State.CONNECTED)
            server.stop()
    shown = endings(logs)
    assert 50 + 2 * 38 <= len(shown) - 1 <= 50 + 2 * 41
    assert shown[-1]["name"] == "Zoë"
    assert {line["http_status"] for line in shown[:-1]} == {405}
    left_out = [entry["times"] for entry in logs if entry["event"] == "log.left_out"]
    assert sum(left_out) == 401 - len(shown) == len(endings(logs, "debug"))
    assert len(left_out) <= 5


async def test_what_is_sent_after_the_end_does_not_change_why(autojump_clock: MockClock) -> None:
    """A client who was refused, and then floods, was refused."""
    server = make_server()
    with capture_logs() as logs:
        async with memory_client(server) as client:
            await client.send_raw(HEAD.replace(b"/ric0_chat", b"/other") + b"x" * 4096)
            await client.stream.receive_some()
            with suppress(trio.BrokenResourceError):  # it does not hear all of it
                for _ in range(100):
                    await client.send_raw(b"x" * 4096)
                    await wait_all_tasks_blocked()
            await client.gone()
    (line,) = endings(logs)
    assert (line["cause"], line["http_status"]) == ("refused", 404)
    assert server.refusals == {}


async def test_a_store_that_hangs_or_fails_is_a_fault_of_ours(autojump_clock: MockClock) -> None:
    hanging, failing = FakeStore(holds=True), FakeStore()
    failing.fault = OSError("the disk is full")
    with capture_logs() as logs:
        for access in (hanging, failing):
            async with memory_client(make_server(access)) as client:
                await client.reach(State.CHALLENGED)
                await client.send_raw(client.request(CONNECT))
                await client.closing()
                hanging.may_answer.set()
                await client.gone()
    assert [line["cause"] for line in endings(logs)] == ["fault", "fault"]


async def test_who_is_cut_off_at_the_door_is_counted(autojump_clock: MockClock) -> None:
    """In a small server as well, where few can be told at a time."""
    listener, server = MemoryListener(), make_server(max_connections=2)
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            await nursery.start(server.serve, as_sockets(listener))
            for _ in range(2):
                await RawClient(listener.connect()).reach(State.CONNECTED)
            for _ in range(30):
                listener.connect()
                await wait_all_tasks_blocked()
            await trio.sleep(30)
            server.stop()
    left_out = sum(entry["times"] for entry in logs if entry["event"] == "log.left_out")
    assert len(endings(logs)) - 2 + left_out == 30
    assert left_out >= 25
    assert len(endings(logs, "debug")) == 0
