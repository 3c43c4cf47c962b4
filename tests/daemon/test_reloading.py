"""SIGHUP: the configuration, the rules and the certificate are read again, and nobody is dropped for it."""

import os
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ric0_trio.keyfile import save_private_key
from ric0_trio.protocol import PrivateKey
from tests.daemon.configured import GOING_AWAY, Daemon, Sections, issue, running_daemon
from tests.daemon.logins import constant_logins
from tests.independent.client import Client
from tests.independent.keys import ED25519, RSA, fingerprint, make_key
from tests.independent.operating import wait_until
from tests.independent.wire import ClosedError, tls_context
from tests.server.hostile_heads import head
from tests.server.raw_client import PING, frame

POLICY, BANNED = 1008, 4001
BURST = 10
AT_START = {"listen": {"also_behind_proxy": ["127.0.0.1:0"], "trusted_proxies": ["127.0.0.1"]}}


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running_daemon(tmp_path_factory.mktemp("daemon"), AT_START) as daemon:
        yield daemon
        daemon.stop()


@pytest.fixture
def daemon(standing: Daemon) -> Daemon:
    """As it was at the start, but for its certificate."""
    assert standing.change({})["event"] == "server.reloaded"
    return standing


def tls(daemon: Daemon, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = tls_context(daemon.folder / "ca.pem")
    context.minimum_version = context.maximum_version = version
    return context


def reach(daemon: Daemon, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
    parts = urlsplit(daemon.server.url)
    stream = socket.create_connection((parts.hostname, parts.port), 10)
    return context.wrap_socket(stream, server_hostname="127.0.0.1", session=session)


def upgrade(stream: socket.socket, **headers: str) -> int:
    """What a request for a WebSocket is answered."""
    stream.sendall(head(**headers))
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = stream.recv(1)
        assert piece, answer
        answer += piece
    return int(answer.split()[1])


def is_alive(stream: socket.socket) -> bool:
    """Whether a ping on an open WebSocket is answered."""
    stream.sendall(frame(PING, b"?"))
    return stream.recv(3) == b"\x8a\x01?"


def identity_told(client: Client) -> dict[str, Any]:
    """How the server names itself to a user who joins."""
    told: dict[str, Any] = client.connect(make_key(ED25519))["data"]["server_identity"]
    return told


# What is taken on


def test_who_may_join(daemon: Daemon) -> None:
    with daemon.connected(make_key(ED25519)) as user, daemon.challenged() as waiting:
        reloaded = daemon.change({"access": {"mode": "members"}})
        assert (reloaded["event"], reloaded["mode"]) == ("server.reloaded", "members")
        assert "needs_restart" not in reloaded
        assert daemon.join() == "unrecognised_user"
        assert waiting.connect(make_key(ED25519))["status"] == "unrecognised_user"  # who has come before is no member
        assert user.disconnect()["status"] == "success"
    assert daemon.change({})["mode"] == "open"
    assert daemon.join() == "success"


def test_key_formats(daemon: Daemon) -> None:
    daemon.change({"access": {"accept_key_formats": [RSA]}})
    assert daemon.join() == "disallowed_user"
    assert daemon.join(make_key(RSA)) == "success"


def test_how_it_names_itself_to_those_who_come_from_here_on(daemon: Daemon) -> None:
    url = "wss://elsewhere.example/ric0_chat"
    with daemon.challenged() as before:
        daemon.change({"server": {"name": "Other", "description": "Words", "url": url}})
        with daemon.challenged() as after:
            told = identity_told(after)
            assert [told[key] for key in ("name", "description", "url")] == ["Other", "Words", url]
        assert identity_told(before)["name"] == "ric0-trio"


def test_limits_for_those_who_come_from_here_on(daemon: Daemon) -> None:
    with daemon.challenged() as before:
        daemon.change({"limits": {"challenges": 1}})
        with daemon.challenged() as after, pytest.raises(ClosedError, match=f"closed with {POLICY}: "):
            after.challenge()
        assert before.challenge()["status"] == "success"


def test_origins(daemon: Daemon) -> None:
    def status() -> int:
        with reach(daemon, tls(daemon)) as stream:
            return upgrade(stream, Origin="https://chat.example")

    assert status() == 403
    daemon.change({"listen": {"allowed_origins": ["https://chat.example"]}})
    assert status() == 101


def test_trusted_proxies(daemon: Daemon) -> None:
    (listening,) = daemon.said("server.listening")
    port = int(listening["behind_proxy"][0].rpartition(":")[2])

    def status() -> int:
        with socket.create_connection(("127.0.0.1", port), 10) as stream:
            return upgrade(stream, X_Forwarded_For="198.51.100.7")

    assert status() == 101
    daemon.change({"listen": {"trusted_proxies": ["192.0.2.1"]}})
    assert status() == 403


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_certificate(version: ssl.TLSVersion, daemon: Daemon) -> None:
    """Who is on stays on; who comes sees the new one, also with a ticket for the old one."""
    context = tls(daemon, version)
    with reach(daemon, context) as live:
        assert upgrade(live) == 101
        assert is_alive(live)  # by now a ticket has come
        old, ticket = live.getpeercert(binary_form=True), live.session
        new = issue(daemon.folder)
        assert daemon.hang_up()["event"] == "server.reloaded"
        with reach(daemon, context) as stream:
            assert stream.getpeercert(binary_form=True) == new != old
        with reach(daemon, context, ticket) as stream:
            assert not stream.session_reused
            assert stream.getpeercert(binary_form=True) == new
            assert upgrade(stream) == 101
        assert is_alive(live)


def test_a_ban_beside_it(daemon: Daemon) -> None:
    banned, other = make_key(ED25519), make_key(ED25519)
    with daemon.connected(banned) as out, daemon.connected(other) as stays:
        daemon.run("user", "ban", fingerprint(banned.public))
        daemon.hang_up()
        assert out.wait_closed()[0] == BANNED
        assert daemon.join(banned) == "disallowed_user"
        assert stays.disconnect()["status"] == "success"


# What waits for a restart


def test_what_needs_a_restart_is_told_and_stays_as_it_is(daemon: Daemon, tmp_path: Path) -> None:
    with daemon.challenged() as client:
        key = client.server_key
    shutil.copy(daemon.folder / "identity.pem", tmp_path)
    save_private_key(tmp_path / "other.pem", PrivateKey.generate())
    wanted: Sections = {
        "data_dir": str(tmp_path / "data"),
        "listen": {"port": 1, "also": ["127.0.0.1:0"]},
        "server": {"identity": str(tmp_path / "other.pem"), "name": "Other"},
        "log": {"format": "console", "level": "error"},
    }
    reloaded = daemon.change(wanted)
    assert sorted(reloaded["needs_restart"]) == [
        "[listen] also",
        "[listen] port",
        "[log] format",
        "[log] level",
        "[server] identity",
        "data_dir",
    ]
    assert daemon.hang_up()["needs_restart"] == reloaded["needs_restart"]  # it is not forgotten
    assert not (tmp_path / "data").exists()
    with daemon.challenged() as client:
        assert client.server_key == key
        assert identity_told(client)["name"] == "Other"
    assert "needs_restart" not in daemon.change({"server": {"identity": str(tmp_path / "identity.pem")}})


@pytest.mark.parametrize("with_certificate", [False, True])
def test_tls_does_not_end_before_the_restart(with_certificate: bool, daemon: Daemon) -> None:
    """A port, and a proxy in front of it: what is open goes on to speak TLS, and to trust those whom it trusted."""
    listen = {"port": 1, "behind_proxy": True, "also_behind_proxy": [], "trusted_proxies": ["192.0.2.1"]}
    without: Sections = {} if with_certificate else {"tls": {"cert": None, "key": None}}
    reloaded = daemon.change({"listen": listen, **without})
    if with_certificate:  # it would be of no use then
        assert reloaded["event"] == "server.reload_failed"
    else:
        waiting = {"[listen] port", "[listen] behind_proxy", "[listen] also_behind_proxy", "[listen] trusted_proxies"}
        assert set(reloaded["needs_restart"]) == waiting | {"[tls] cert", "[tls] key"}
    assert daemon.join() == "success"
    test_trusted_proxies(daemon)


def test_tls_does_not_begin_before_the_restart(tmp_path: Path) -> None:
    place = tmp_path / "chat.sock"
    url = {"server": {"url": "wss://chat.example/ric0_chat"}}
    proxied = {"listen": {"host": f"unix:{place}", "behind_proxy": True, "trusted_proxies": ["unix"]}}
    with running_daemon(tmp_path, {**proxied, "tls": {"cert": None, "key": None}, **url}) as daemon:
        tls_too = {"cert": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}
        listen = {"host": "127.0.0.1", "behind_proxy": False, "trusted_proxies": []}
        reloaded = daemon.change({"listen": listen, "tls": tls_too})
        assert "[tls] cert" in reloaded["needs_restart"]
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(str(place))
            assert upgrade(stream) == 101
        daemon.stop()


# When it comes


def test_a_burst(tmp_path: Path) -> None:
    """At a server of its own: nobody knows how many reloads follow the first, and when."""
    with running_daemon(tmp_path) as daemon, daemon.connected(make_key(ED25519)) as user:
        for _ in range(BURST):
            daemon.server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.said("server.reloaded"), bool)
        assert daemon.join() == "success"
        assert user.disconnect()["status"] == "success"
        daemon.stop()


def test_nobody_who_logs_in_meanwhile_notices(daemon: Daemon) -> None:
    with daemon.connected(make_key(ED25519)) as user:
        with constant_logins(daemon.folder / "ca.pem") as logins:
            logins.go_to(daemon.server.url)
            for number in range(BURST):
                issue(daemon.folder)
                assert daemon.change({"server": {"name": f"Number {number}"}})["event"] == "server.reloaded"
                logins.wait_for_more(5)
        assert user.disconnect()["status"] == "success"
    assert (logins.not_opened, logins.closed_before) == ([], [])
    assert {login.ended for login in logins.all} == {"success"}


def test_while_it_stops(tmp_path: Path) -> None:
    never = {"limits": {"close_timeout_s": 3600, "drain_timeout_s": 3600}}
    with running_daemon(tmp_path, never) as daemon, daemon.connected(make_key(ED25519)) as user:
        daemon.server.ask_to_stop()
        wait_until(lambda: daemon.said("server.stopping"), bool)
        for _ in range(BURST):
            daemon.server.process.send_signal(signal.SIGHUP)
        assert user.wait_closed()[0] == GOING_AWAY  # which answers the close, and is all that was waited for
        assert daemon.server.exit_code() == 0
        assert daemon.said("server.reloaded", "server.reload_failed") == []


def test_files_that_are_slow_to_read_do_not_hold_up_the_end(tmp_path: Path) -> None:
    with running_daemon(tmp_path) as daemon, daemon.connected(make_key(ED25519)) as user:
        daemon.config.unlink()
        os.mkfifo(daemon.config)
        daemon.server.process.send_signal(signal.SIGHUP)
        writer = os.open(daemon.config, os.O_WRONLY)  # as soon as it reads
        try:
            assert daemon.join() == "success"
            daemon.server.ask_to_stop()
            assert user.wait_closed()[0] == GOING_AWAY
            assert daemon.server.exit_code() == 0
        finally:
            os.close(writer)
