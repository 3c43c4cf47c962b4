"""The control socket: each request and its answer, and that nothing said to it ends the server."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path

import pytest
import trio
import trio.testing

from ric0_trio.access.database import Database
from ric0_trio.access.editing import Editor
from ric0_trio.access.records import Ruling
from ric0_trio.access.rules import Mode
from ric0_trio.protocol import CloseCode, Kick, PrivateKey
from ric0_trio.server import control
from ric0_trio.server.control import MAX_REQUEST_BYTES, bind_control_socket
from ric0_trio.testing import CLIENT_APP, SERVER_KEY, USER_KEY, ed25519_key
from tests.independent.serving import POLL_S
from tests.server.control_stage import WHO, open_station, receive_rest
from tests.server.site import PATIENCE_S

ZOE, BOB = USER_KEY, ed25519_key(4)


# Requests and their answers


async def test_who(tmp_path: Path) -> None:
    async with open_station(tmp_path) as station:
        told = await station.ask(WHO)
        assert told == {
            "present": [],
            "policy": {"mode": "open", "connections_per_user": 0, "when_exceeded": "refuse"},
            "key_formats": ["ed25519-sha512", "rsa-sha256-oaepsha256-pkcs1"],
            "server": SERVER_KEY.public.fingerprint,
        }
        await station.join(ZOE)
        (present,) = (await station.ask(WHO))["present"]
        assert present == {
            "user": ZOE.public.fingerprint,
            "name": "Zoë",
            "type": "user",
            "client": "client 0.9.1-beta",
            "peer": "192.0.2.1",
            "since": present["since"],
            "connection": "c0ffee",
        }


async def test_a_line_needs_no_end_when_nothing_follows(tmp_path: Path) -> None:
    async with open_station(tmp_path) as station:
        assert "policy" in await station.ask(WHO.strip())


def kick(key: PrivateKey, reason: str = "") -> bytes:
    return json.dumps({"type": "kick", "user": key.public.fingerprint, "reason": reason, "actor": "olga"}).encode()


async def test_a_kick(tmp_path: Path) -> None:
    async with open_station(tmp_path) as station:
        one, two, other = await station.join(ZOE, "1"), await station.join(ZOE, "2"), await station.join(BOB, "3")
        assert await station.ask(kick(ZOE, "tea\x1b")) == {"closed": 2}
        assert one == two == [Kick(CloseCode.KICKED, "tea\x1b")]
        assert await station.ask(kick(ZOE)) == {}
        assert [present["connection"] for present in (await station.ask(WHO))["present"]] == ["3"]
        assert other == []


REFRESH = b'{"type": "refresh"}\n'
REVIEW = b'{"type": "review", "actor": "olga"}\n'
REVIEW_ZOE = b'{"type": "review", "actor": "olga", "user": "%s"}\n' % USER_KEY.public.fingerprint.encode()
REVIEW_APP = b'{"type": "review", "actor": "olga", "client": "%s"}\n' % CLIENT_APP.name.encode()
REVIEW_OTHERS = b'{"type": "review", "actor": "olga", "client": "another"}\n'
ZOES = ZOE.public.fingerprint
NEWS: dict[str, tuple[Callable[[Editor], object], bytes, list[Kick]]] = {
    "a ban": (
        lambda rules: rules.ban(ZOES, "spam", None, is_silent=False), REFRESH, [Kick(CloseCode.BANNED, "spam")]
    ),
    "a ban, reviewed": (
        lambda rules: rules.ban(ZOES, "spam", None, is_silent=True), REVIEW,
        [Kick(CloseCode.BANNED, "you are banned from this server")],
    ),
    "a membership": (lambda rules: rules.remove_member(ZOES), REFRESH, []),
    "a membership, reviewed": (
        lambda rules: rules.remove_member(ZOES), REVIEW,
        [Kick(CloseCode.KICKED, "you may no longer be here: the rules have changed")],
    ),
    "a membership, reviewed alone": (
        lambda rules: rules.remove_member(ZOES), REVIEW_ZOE,
        [Kick(CloseCode.KICKED, "you may no longer be here: the rules have changed")],
    ),
    "a membership, with others reviewed": (lambda rules: rules.remove_member(ZOES), REVIEW_OTHERS, []),
    "software": (lambda rules: deny(rules, CLIENT_APP.name), REFRESH, []),
    "software, reviewed": (lambda rules: deny(rules, CLIENT_APP.name), REVIEW, [Kick(CloseCode.KICKED, "upgrade")]),
    "software, reviewed alone": (
        lambda rules: deny(rules, CLIENT_APP.name), REVIEW_APP, [Kick(CloseCode.KICKED, "upgrade")]
    ),
    "software, with others reviewed": (lambda rules: deny(rules, CLIENT_APP.name), REVIEW_OTHERS, []),
    "other software, reviewed": (lambda rules: deny(rules, "another"), REVIEW, []),
}  # fmt: skip


def deny(rules: Editor, name: str) -> None:
    rules.set_client_rule(name, Ruling.DENY, at_least=None, below=None, reason="upgrade")


@pytest.mark.parametrize(("change", "said", "kicks"), NEWS.values(), ids=NEWS)
async def test_news(change: Callable[[Editor], object], said: bytes, kicks: list[Kick], tmp_path: Path) -> None:
    async with open_station(tmp_path, Mode.MEMBERS) as station:
        station.change(lambda rules: rules.add_member(ZOES))
        seen = await station.join(ZOE)
        assert await station.ask(said) == {}
        station.change(change)
        assert await station.ask(said) == ({"closed": 1} if kicks else {})
        assert seen == kicks
        assert await station.ask(said) == {}


@pytest.mark.parametrize("said", [REFRESH, REVIEW])
async def test_a_database_that_makes_no_sense(said: bytes, tmp_path: Path) -> None:
    """It is told to whoever asks, and ends nothing."""
    async with open_station(tmp_path) as station:
        await station.join(ZOE)
        station.change(lambda rules: rules.ban(ZOES, "spam", None, is_silent=False))
        database = Database(station.database)
        with database.transaction() as connection:
            connection.execute("UPDATE ban SET since = 'yesterday'")
        database.close()
        assert "makes no sense" in (await station.ask(said))["error"]


# What is no request

NONSENSE = {
    "nothing": b"",
    "an empty line": b"\n",
    "no JSON": b"who\n",
    "half a line": WHO[:8],
    "two lines": WHO + WHO,
    "no object": b"[]\n",
    "null": b"null\n",
    "no type": b"{}\n",
    "another type": b'{"type": "dance"}\n',
    "a wrong type": b'{"type": 1}\n',
    "a key that is missing": b'{"type": "kick", "user": "x", "reason": ""}\n',
    "a key of a wrong type": b'{"type": "kick", "user": 1, "reason": "", "actor": ""}\n',
    "no UTF-8": b"\xff\xfe\n",
    "no UTF-8 in text": b'{"type": "\xff"}\n',
    "half a surrogate pair": b'{"type": "kick", "user": "x", "reason": "\\ud800", "actor": ""}\n',
    "deep lists": b"[" * 10_000 + b"\n",
    "deep lists that nobody wants": b'{"type": "who", "x": ' + b"[" * 10_000 + b"]" * 5_000 + b"}\n",
    "zeros": bytes(1000),
}


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_is_told_so(said: bytes, tmp_path: Path) -> None:
    async with open_station(tmp_path) as station:
        answer = await station.ask(said)
        assert answer.keys() == {"error"}
        assert answer["error"].startswith("the request is not understood: ")


@pytest.mark.parametrize("size", [MAX_REQUEST_BYTES, MAX_REQUEST_BYTES + 1, 2**20])
async def test_a_line_without_end_is_cut_short(size: int, tmp_path: Path) -> None:
    """What is more than that may take the answer with it."""
    async with open_station(tmp_path) as station, await trio.open_unix_socket(station.path) as stream:
        with suppress(trio.BrokenResourceError):
            await stream.send_all(b"x" * size)
        heard = await receive_rest(stream)
        assert b"not understood" in heard or (size > MAX_REQUEST_BYTES and not heard)


# Peers


async def test_peers_that_leave(tmp_path: Path) -> None:
    async with open_station(tmp_path) as station:
        for said in (b"", WHO[:5], WHO, kick(BOB), REVIEW):
            stream = await trio.open_unix_socket(station.path)
            await stream.send_all(said)
            await trio.aclose_forcefully(stream)


async def test_more_peers_than_are_served_at_once(tmp_path: Path) -> None:
    """They wait for their turn."""
    async with open_station(tmp_path) as station, AsyncExitStack() as silent:
        for _ in range(8):
            await silent.enter_async_context(await trio.open_unix_socket(station.path))
        answers = []

        async def ask() -> None:
            answers.append(await station.ask(WHO))

        async with trio.open_nursery() as nursery:
            for _ in range(6):
                nursery.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked()
            await silent.aclose()
        assert len(answers) == 6


def test_commands_wait_for_a_server_that_is_busy(tmp_path: Path) -> None:
    """However many they are: a full queue would turn them away at once (EAGAIN)."""
    path = tmp_path / "control.sock"
    with bind_control_socket(path), ExitStack() as stack:
        for _ in range(64):
            command = stack.enter_context(socket.socket(socket.AF_UNIX))
            command.settimeout(PATIENCE_S)
            command.connect(str(path))


async def test_silent_peers_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_TIMEOUT_S", 0.05)
    async with open_station(tmp_path) as station:
        for said in (b"", WHO[:5]):
            async with await trio.open_unix_socket(station.path) as stream:
                await stream.send_all(said)
                with suppress(trio.BrokenResourceError):
                    assert await stream.receive_some() == b""
        monkeypatch.undo()


async def test_one_that_does_not_read_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer is more than the socket holds."""
    async with open_station(tmp_path) as station:
        async with trio.open_nursery() as nursery:
            for number in range(2000):
                nursery.start_soon(station.join, ZOE, str(number))
        monkeypatch.setattr(control, "_TIMEOUT_S", 0.1)
        async with await trio.open_unix_socket(station.path) as stream:
            await stream.send_all(WHO)
            await wait_dropped(stream)
            assert not (await receive_rest(stream)).endswith(b"\n")
        monkeypatch.undo()


async def wait_dropped(stream: trio.SocketStream) -> None:
    """Wait until the other side is gone, without reading."""
    with suppress(trio.BrokenResourceError):
        while True:
            await stream.send_all(b"?")
            await trio.sleep(POLL_S)


# Its place


def test_its_owner_alone_can_open_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with bind_control_socket(tmp_path / "control.sock"):
            assert (tmp_path / "control.sock").stat().st_mode & 0o777 == 0o600
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    assert list(tmp_path.iterdir()) == []


def leave_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(path))


@pytest.mark.parametrize("leave", [leave_socket, Path.touch, lambda path: path.symlink_to("nowhere")])
async def test_what_a_crash_left_behind_is_replaced(leave: Callable[[Path], object], tmp_path: Path) -> None:
    leave(tmp_path / "control.sock")
    async with open_station(tmp_path):
        assert (tmp_path / "control.sock").is_socket()


def test_a_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    command = [sys.executable, "-m", "ric0_trio", "serve", "--dev", "--port", "0", "--data-dir", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 78
    why = "AF_UNIX path too long; a path of less than 100 bytes is needed: see --data-dir"
    assert ran.stderr == f"Error: {folder}/control.sock: {why}\n"
