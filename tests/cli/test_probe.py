"""`probe`: each step shown, each exit code reached, and no proof for a server that is not the right one."""

import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme

from ric0_trio.client import open_connection
from ric0_trio.protocol import PrivateKey
from tests.cli.conftest import Ended, Run
from tests.independent.keys import ED25519, RSA
from tests.independent.openssl import make_identity
from tests.independent.serving import Server

STEPS = ["open", "challenge", "connect", "disconnect"]


@pytest.fixture
def probe(run: Run, server: Server) -> Any:
    """Probe the server that stands by, and trust its CA."""
    return lambda *words: run("probe", server.url, "--ca", server.ca, *words)


def told(ended: Ended) -> dict[str, Any]:
    report = json.loads(ended.out)
    assert isinstance(report, dict)
    assert report["exit"] == ended.code
    assert report["ok"] == (ended.code == 0)
    assert all(step["ms"] >= 0 for step in report["steps"])
    return report


def names(report: dict[str, Any]) -> list[str]:
    return [step["step"] for step in report["steps"]]


# 0: all went well


def test_each_step_is_shown_with_its_answer_and_time(probe: Any, server: Server) -> None:
    ended = probe("--pin", server.fingerprint)
    assert (ended.code, ended.err) == (0, "")
    first, _, *steps, _, last = ended.out.splitlines()
    assert first == f"probing {server.url}"
    assert last == "the server proved its identity and let the user in"
    assert [line.split()[:2] for line in steps] == [["ok", step] for step in STEPS]
    assert all(line.split()[3] == "ms" for line in steps)
    assert f"key {server.fingerprint}" in steps[1]


@pytest.mark.parametrize("encoding", ["json", "bson"])
@pytest.mark.parametrize("key_format", [ED25519, RSA])
def test_json_has_the_steps(encoding: str, key_format: str, probe: Any, server: Server, tmp_path: Path) -> None:
    key = make_identity(tmp_path / "user.pem", key_format)
    words = ["--user-key", key, "--name", "Zoë", "--type", "bot", "--join-token", "T", "--subprotocol", encoding]
    report = told(probe(*words, "--client-name", "mine", "--client-version", "1.2-beta", "--json"))
    assert report["url"] == server.url
    assert names(report) == STEPS
    assert [step["ok"] for step in report["steps"]] == [True] * 4
    opened, challenge, connect, disconnect = report["steps"]
    assert opened["encoding"] == encoding
    assert challenge["key"] == server.fingerprint
    assert connect["status"] == disconnect["status"] == "success"
    assert connect["server"].startswith("ric0-trio (ric0-trio 0.")
    assert (connect["capabilities"], connect["extensions"]) == ([], {})


def test_hold_is_a_step(probe: Any) -> None:
    report = told(probe("--hold", "0.05", "--json"))
    assert names(report) == ["open", "challenge", "connect", "hold", "disconnect"]
    assert report["steps"][3]["ms"] >= 50


def test_a_name_from_a_stranger_cannot_move_the_cursor(run: Run, odd_server: Server, tmp_path: Path) -> None:
    key = make_identity(tmp_path / "user.pem", RSA)
    ended = run("probe", odd_server.url, "--ca", odd_server.ca, "--user-key", key)
    assert ended.code == 0
    assert r"evil\x1b[2J\nthe server proved (ric0-trio" in ended.out
    assert "\x1b" not in ended.out


# Known servers


def test_the_second_time_the_server_is_known(probe: Any, server: Server, tmp_path: Path) -> None:
    known = tmp_path / "deep" / "known"
    for _ in range(2):
        assert probe("--known-servers", known).code == 0
    (line,) = [line for line in known.read_text().splitlines() if not line.startswith("#")]
    assert line.split() == [server.url.split("/")[2], server.pubkey["format"], server.pubkey["key"]]


def test_by_default_they_are_in_the_users_own_folder(probe: Any, tmp_path: Path) -> None:
    probe()
    assert [path.name for path in (tmp_path / "home").rglob("*") if path.is_file()] == ["known_servers"]


def test_a_pin_stands_in_for_them(probe: Any, server: Server, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text("damaged")
    assert probe("--known-servers", known, "--pin", server.fingerprint).code == 0
    assert known.read_text() == "damaged"


# 2: the server is not the right one, or cannot prove it

OTHER = PrivateKey.generate().public


def test_a_server_whose_key_has_changed(probe: Any, server: Server, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text(f"{server.url.split('/')[2]} {OTHER.format} {OTHER.key}\n")
    ended = probe("--known-servers", known, "--json")
    assert ended.code == 2
    report = told(ended)
    assert names(report) == ["open", "challenge"]
    assert [step["ok"] for step in report["steps"]] == [True, False]
    for word in (OTHER.fingerprint, server.fingerprint, f"edit {known}"):
        assert word in report["error"]


def test_a_server_that_is_known_by_another_name(probe: Any, server: Server, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text(f"chat.example:443 {server.pubkey['format']} {server.pubkey['key']}\n")
    report = told(probe("--known-servers", known, "--json"))
    assert (report["exit"], names(report)) == (2, ["open", "challenge"])
    assert "known from chat.example:443" in report["error"]


def test_a_server_that_is_not_the_pinned_one(probe: Any, tmp_path: Path) -> None:
    ended = probe("--pin", OTHER.fingerprint)
    assert ended.code == 2
    assert "FAILED challenge" in ended.out
    assert "connect" not in ended.out
    assert ended.err.startswith("Error: 127.0.0.1:")
    assert ended.err.endswith(f"not the pinned {OTHER.fingerprint}\n")


def test_a_certificate_that_does_not_verify(run: Run, server: Server, tmp_path: Path) -> None:
    other = tmp_path / "other-ca.pem"
    other.write_bytes(trustme.CA().cert_pem.bytes())
    for trust in ((), ("--ca", other)):
        ended = run("probe", server.url, *trust)
        assert ended.code == 2
        assert "FAILED open" in ended.out
        assert "does not verify" in ended.err


# 3: refused


def test_a_user_who_is_refused(run: Run, odd_server: Server) -> None:
    ended = run("probe", odd_server.url, "--ca", odd_server.ca, "--json")
    assert ended.code == 3
    report = told(ended)
    assert names(report) == ["open", "challenge", "connect"]
    assert report["status"] == "disallowed_user"
    assert report["error"].startswith("connect was refused: disallowed_user")
    assert report["reason"] is None or report["reason"] in report["error"]


# 4 and 5: nobody there, or not for long


def test_a_port_where_nobody_listens(run: Run) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        ended = run("probe", f"wss://127.0.0.1:{reserved.getsockname()[1]}")
    assert ended.code == 4
    assert "Connection refused" in ended.err


def test_a_server_that_says_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient = partial(open_connection, open_timeout_s=0.1)
    monkeypatch.setattr(sys.modules["ric0_trio.cli.probe"], "open_connection", impatient)
    with listening(lambda stream: stream.recv(10_000) and stream.recv(1)) as url:
        ended = run("probe", url)
    assert ended.code == 4
    assert ended.err.endswith("did not open a WebSocket in 0.1 seconds\n")


def test_another_path(run: Run, server: Server) -> None:
    ended = run("probe", server.url + "s", "--ca", server.ca)
    assert ended.code == 5
    assert ended.err == "Error: the server answered HTTP 404: nothing here; the chat is at /ric0_chat\n"


def test_a_server_that_hangs_up(run: Run) -> None:
    with listening(lambda stream: stream.close()) as url:
        ended = run("probe", url)
    assert ended.code == 5
    assert ended.err.startswith("Error: the connection broke: the TLS handshake failed: ")


def test_an_answer_from_a_stranger_cannot_move_the_cursor(run: Run) -> None:
    with listening(lambda stream: stream.sendall(b"HTTP/1.1 418 X\r\n\r\n\x1b[2J")) as url:
        ended = run("probe", url.replace("wss", "ws"))
    assert (ended.code, ended.err) == (5, "Error: the server answered HTTP 418: \\x1b[2J\n")


@contextmanager
def listening(serve: Any) -> Iterator[str]:
    """The URL of a port where one client is served, by a thread, with a socket and no WebSocket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            try:
                stream, _ = listener.accept()
            except OSError:  # nobody came
                return
            with stream:
                serve(stream)

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"wss://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


# 64: wrong usage

MISTAKES = {
    "no URL": (["https://chat.example"], "https://chat.example: expected a URL such as wss://"),
    "plain ws": (["ws://chat.example"], "plain ws:// is for this machine alone"),
    "no host": (["wss://chat..example"], "chat..example is not the name of a host"),
    "no such CA": (["wss://x", "--ca", "nowhere.pem"], "--ca: nowhere.pem: No such file or directory"),
    "no CA": (["wss://x", "--ca", "empty"], "--ca: empty has no certificate in PEM"),
    "no such key": (["wss://x", "--user-key", "nowhere.pem"], "--user-key: nowhere.pem: No such file or directory"),
    "no key": (["wss://x", "--user-key", "empty"], "--user-key: empty: not a private key in PEM"),
    "half a pin": (["wss://x", "--pin", "ed25519:4f0c"], "--pin: expected a whole fingerprint"),
    "no name": (["wss://x", "--name", ""], "--name: a name has 1 to 64 characters"),
    "a name with a bell": (["wss://x", "--name", "Ann\a"], "--name: a name has no control"),
    "no client's name": (["wss://x", "--client-name", ""], "--client-name: expected 1 to 64 characters"),
    "no client's version": (["wss://x", "--client-version", "new"], "--client-version: expected a version such as"),
}


@pytest.mark.parametrize(("words", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_place(words: list[str], expected: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    ended = run("probe", *words)
    assert (ended.code, ended.out) == (64, "")
    assert f": {expected}" in ended.err
