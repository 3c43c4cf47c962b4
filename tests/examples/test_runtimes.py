"""The core behind four runtimes, as docs/embedding.md shows it: each example keeps the contract over the wire."""

import contextlib
import http.client
import json
import select
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ric0_trio.client import Identity, MemoryKnownServers, open_chat
from ric0_trio.protocol import PATH, PrivateKey, available_codecs
from tests.examples.rude_client import open_rudely, read_to_the_end
from tests.examples.running import EXAMPLES, PATIENCE_S, Running, running, staged
from tests.independent.client import Client, now
from tests.independent.keys import ED25519, FORMATS, UserKey, make_key
from tests.server.raw_client import BINARY, CONTINUATION, TEXT, frame

RUNTIMES = ["asyncio_server.py", "asgi_server.py", "threads_server.py", "trio_server.py"]
ENCODINGS = ["json", "bson"]
CODECS = {codec.subprotocol: codec for codec in available_codecs()}


@pytest.fixture(scope="module", params=RUNTIMES, ids=lambda name: name.removesuffix("_server.py"))
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(runtime: str) -> Iterator[Running]:
    """The example as its reader runs it."""
    with running(EXAMPLES / runtime) as server:
        yield server


@pytest.fixture(scope="module")
def watched(runtime: str) -> Iterator[Running]:
    """The example, patient with a busy machine, and telling who joins and leaves."""
    with staged(runtime) as server:
        yield server


@pytest.fixture(scope="module", params=FORMATS, ids=["user-ed25519", "user-rsa"])
def user(request: pytest.FixtureRequest) -> UserKey:
    return make_key(request.param)


@pytest.mark.parametrize("name", [*RUNTIMES, "chatroom.py", "doorkeeper.py", "asgi_doorkeeper.py"])
def test_an_example_is_short_and_stands_on_the_core_alone(name: str) -> None:
    lines = (EXAMPLES / name).read_text().splitlines()
    assert len(lines) < 80
    assert {line for line in lines if "ric0_trio" in line} <= {"from ric0_trio import protocol as ric"}


# Whole conversations


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("key_format", FORMATS)
async def test_our_client(server: Running, encoding: str, key_format: str) -> None:
    identity = Identity(PrivateKey.generate(key_format), name="Ann")
    async with open_chat(
        server.url,
        identity,
        known_servers=MemoryKnownServers(),
        codecs=[CODECS[encoding]],
        open_timeout_s=PATIENCE_S,
        reply_timeout_s=PATIENCE_S,
    ) as chat:
        assert chat.server_app.name == "example"
        await chat.disconnect("that was all")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_client_that_shares_no_code(server: Running, encoding: str, user: UserKey) -> None:
    with server.client(encoding) as client:
        assert client.challenge()["status"] == "success"
        forged = user.sign(b"the bytes of some other server's key")
        assert client.connect(user, proof=forged)["status"] == "invalid_challenge"
        assert client.connect(user)["status"] == "success"
        assert client.connect(user)["status"] == "already_connected"
        assert client.disconnect("a reason")["status"] == "success"
        assert client.disconnect()["status"] == "not_connected"
        assert client.connect(user)["status"] == "success"
        assert client.close() == 1000


# What the HTTP side answers

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAECAwQFBgcICQoLDA0ODw==",
}


def offering(*names: str) -> dict[str, str]:
    return UPGRADE | {"Sec-WebSocket-Protocol": ", ".join(names)}


@pytest.mark.parametrize(
    ("method", "target", "headers", "status", "told"),
    [
        pytest.param("GET", PATH, UPGRADE, 101, None, id="nothing offered"),
        pytest.param("GET", PATH, offering("json"), 101, "json", id="json offered"),
        pytest.param("GET", PATH, offering("json", "bson"), 101, "bson", id="both offered"),
        pytest.param("GET", PATH, offering("xml", "json"), 101, "json", id="one known"),
        pytest.param("GET", f"{PATH}?a=b", offering("json"), 101, "json", id="a query"),
        pytest.param("GET", PATH, offering("xml"), 400, "json and bson", id="none known"),
        pytest.param("GET", "/other", offering("json"), 404, PATH, id="another path"),
        pytest.param("GET", PATH, offering("json") | {"Origin": "https://evil.example"}, 403, "", id="a web page"),
        pytest.param("GET", PATH, {}, 426, "", id="no upgrade"),
        pytest.param("GET", PATH, UPGRADE | {"Sec-WebSocket-Version": "12"}, 400, "", id="another version"),
        pytest.param("POST", PATH, {}, 405, "", id="another method"),
    ],
)
def test_upgrades(
    watched: Running, method: str, target: str, headers: dict[str, str], status: int, told: str | None
) -> None:
    connection = http.client.HTTPConnection(*watched.address, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request(method, target, headers=headers | {"Sec-WebSocket-Extensions": "permessage-deflate"})
        answer = connection.getresponse()
        assert answer.status == status
        if status == 101:
            assert answer.headers["Sec-WebSocket-Protocol"] == told
            assert answer.headers["Sec-WebSocket-Extensions"] is None
        else:
            assert str(told) in answer.read().decode()


# What clients do wrong


def envelope(**changed: Any) -> dict[str, Any]:
    return {"time": now(), "type": "message", "name": "hello", "data": {}} | changed


def an_unauthenticated_message(client: Client) -> None:
    client.send(envelope())


def too_much_for_a_stranger(client: Client) -> None:
    client.send(envelope(data={"": " " * 17_000}))


def too_much_for_anyone(client: Client) -> None:
    client.challenge()
    send_too_much(client)


def send_too_much(client: Client) -> None:
    client.send(envelope(data={"": " " * 70_000}))


def too_much_for_a_user(client: Client) -> None:
    join(client)
    send_too_much(client)


def too_many_messages(client: Client) -> None:
    for number in range(9):
        bad = envelope(type="request", name="connect", conversation=2 * number)
        client.send(bad)


def the_wrong_kind(client: Client) -> None:
    client.send_raw(b"{}" if client.encoding == "json" else "{}")


def what_is_not_decodable(client: Client) -> None:
    client.send_raw("no" if client.encoding == "json" else b"no")


def what_is_no_envelope(client: Client) -> None:
    client.send({})


def nonsense_of_a_user(client: Client) -> None:
    join(client)
    what_is_not_decodable(client)


def join(client: Client, name: str = "Ada") -> None:
    assert client.challenge()["status"] == "success"
    assert client.connect(make_key(ED25519), name)["status"] == "success"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("do", "code", "told"),
    [
        (an_unauthenticated_message, 1008, []),
        (too_much_for_a_stranger, 1009, []),
        (too_much_for_anyone, 1009, []),
        (too_much_for_a_user, 1009, ["Ada joined", "Ada left"]),
        (too_many_messages, 1008, []),
        (the_wrong_kind, 1003, []),
        (what_is_not_decodable, 1007, []),
        (what_is_no_envelope, 1007, []),
        (nonsense_of_a_user, 1007, ["Ada joined", "Ada left"]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_is_wrong_is_closed_and_the_next_client_served(
    watched: Running, encoding: str, do: Callable[[Client], None], code: int, told: list[str]
) -> None:
    with watched.client(encoding) as client:
        do(client)
        assert client.wait_closed()[0] == code
    assert [watched.line() for _ in told] == told
    assert_serves(watched)


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(frame(TEXT, b"\xff"), id="no UTF-8"),
        pytest.param(frame(TEXT, b"\xff", final=False) + frame(CONTINUATION, b""), id="no UTF-8, in fragments"),
        pytest.param(frame(CONTINUATION, b"x"), id="a continuation of nothing"),
        pytest.param(frame(TEXT, b"x", mask=False), id="not masked"),
        pytest.param(frame(TEXT, b"x" * 40_000, final=False) + frame(CONTINUATION, b"x" * 40_000), id="too big"),
        pytest.param(frame(TEXT, b"no"), id="not decodable"),
        pytest.param(frame(BINARY, b"{}"), id="the wrong kind"),
    ],
)
def test_who_does_not_answer_the_close_is_cut_off(watched: Running, frames: bytes) -> None:
    """And so is who does not even begin to end the connection."""
    with open_rudely(watched) as stream:
        stream.sendall(frames)
        assert read_to_the_end(stream)[0] == 0x88, "a Close frame, and nothing else"
    assert_serves(watched)


def assert_serves(server: Running) -> None:
    with server.client() as client:
        join(client, "Next")
        assert client.close() == 1000
    assert [server.line(), server.line()] == ["Next joined", "Next left"]


# Deadlines, and places that are given back


def test_a_stranger_has_so_long(runtime: str) -> None:
    with staged(runtime, auth_timeout_s=0.2) as server, server.client() as client:
        code, reason = client.wait_closed()
        assert code == 1008
        assert "time" in reason


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_user_who_vanishes_has_left(watched: Running, encoding: str) -> None:
    with watched.client(encoding) as client:
        join(client, "Ann")
        assert watched.line() == "Ann joined"
    assert watched.line() == "Ann left"


def test_a_user_who_comes_and_goes_has_a_place_each_time(watched: Running) -> None:
    with watched.client() as client:
        for _ in range(2):
            join(client, "Ann")
            assert watched.line() == "Ann joined"
            assert client.disconnect()["status"] == "success"
            assert watched.line() == "Ann left"
        assert client.close() == 1000


def test_nobody_is_read_from_while_the_store_decides(watched: Running) -> None:
    with watched.client() as client:
        ask_slowly(watched, client)
        client.send(envelope(type="request", name="disconnect", conversation=100))
        watched.let_the_store_decide()
        assert watched.line() == "Slow joined"
        replies = [client.receive(), client.receive()]
        assert [(reply["name"], reply["status"]) for reply in replies] == [
            ("connect", "success"),
            ("disconnect", "success"),
        ]
        assert watched.line() == "Slow left"


def test_a_place_is_given_back_though_the_client_left_before_the_verdict(watched: Running) -> None:
    with watched.client() as client:
        ask_slowly(watched, client)
    assert_serves(watched)
    watched.let_the_store_decide()
    assert [watched.line(), watched.line()] == ["Slow joined", "Slow left"]


def test_too_big_a_message_while_the_store_decides(watched: Running) -> None:
    with watched.client() as client:
        ask_slowly(watched, client)
        send_too_much(client)
        watched.let_the_store_decide()
        assert client.wait_closed()[0] == 1009
    assert [watched.line(), watched.line()] == ["Slow joined", "Slow left"]


def test_a_store_that_is_too_slow_is_not_waited_for_and_gets_its_place_back(runtime: str) -> None:
    with staged(runtime, answer_timeout_s=1) as server:
        with server.client() as client:
            ask_slowly(server, client)
            reply = client.receive()
            assert (reply["name"], reply["status"]) == ("connect", "unknown_error")
            assert client.wait_closed()[0] == 1011
        server.let_the_store_decide()
        assert [server.line(), server.line()] == ["Slow joined", "Slow left"]
        assert_serves(server)


def ask_slowly(server: Running, client: Client) -> None:
    """Ask to be let in, as one about whom the store takes its time to decide."""
    assert client.challenge()["status"] == "success"
    client.ask_to_connect(make_key(ED25519), "Slow")
    assert server.line() == "Slow asks"


def test_a_user_who_takes_nothing_is_cut_off(runtime: str) -> None:
    """They ask without end for what is answered, and read nothing."""
    with staged(runtime, messages_per_s=1_000_000, messages_burst=1_000_000_000) as server, server.client() as client:
        join(client, "Ann")
        assert server.line() == "Ann joined"
        request = json.dumps(envelope(type="request", name="x" * 64, conversation=100)).encode()
        flood = frame(TEXT, request) * 200
        client.stream.setblocking(False)
        rest = flood
        with contextlib.suppress(ConnectionError):
            while not select.select([server.stdout], [client.stream], [], PATIENCE_S)[0]:
                rest = rest[client.stream.send(rest) :] or flood
        assert server.line() == "Ann left"
        assert_serves(server)


CODES_OF_STOPPING: dict[str, set[int | None]] = {
    "asyncio_server.py": {1001},
    "asgi_server.py": {1012},
    "threads_server.py": {1001},
    "trio_server.py": {1011, None},
}


def test_what_a_server_that_is_interrupted_says(runtime: str) -> None:
    with running(EXAMPLES / runtime) as server, server.client() as client:
        join(client)
        server.interrupt()
        assert client.wait_closed()[0] in CODES_OF_STOPPING[runtime]
