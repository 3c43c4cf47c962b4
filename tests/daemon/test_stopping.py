"""SIGTERM and SIGINT: whoever is there is told, what is in hand is finished, and the server ends with 0."""

import signal
import socket
import sqlite3
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.access.files import entries
from tests.daemon.configured import GOING_AWAY, Daemon, running_daemon
from tests.independent.client import APP, Client, now
from tests.independent.keys import ED25519, from_base64, make_key, to_base64
from tests.independent.operating import wait_until
from tests.independent.wire import tls_context
from tests.server.hostile_heads import head

MANY = 60
LEAVES_PER_S = 100
NEVER = {"close_timeout_s": 3600, "drain_timeout_s": 3600}


def is_stopping(daemon: Daemon) -> bool:
    return bool(daemon.said("server.stopping"))


def events_of(daemon: Daemon) -> list[str]:
    return [entry.event for entry in entries(daemon.data / "access.sqlite3", with_servers=True)]


def check_audit(daemon: Daemon, admitted: int) -> None:
    """So many were let in, and nobody is left on."""
    noted = events_of(daemon)
    assert (noted.count("admitted"), noted.count("left")) == (admitted, admitted)
    assert (noted[0], noted[-1]) == ("server.started", "server.stopped")


def send_connect(client: Client) -> None:
    """Send `connect`, and do not wait for the answer."""
    assert client.server_key is not None
    user = make_key(ED25519)
    identity = {"name": "Ada", "type": "user", "pubkey": user.public, "home_server": client.server_key}
    proof = to_base64(user.sign(from_base64(client.server_key["key"])))
    data = {"client_app": APP, "user": identity, "challenge": proof}
    client.send({"time": now(), "type": "request", "name": "connect", "data": data, "conversation": 2})


@contextmanager
def store_held(daemon: Daemon) -> Iterator[None]:
    """Whoever wants to join waits meanwhile, as someone else is writing."""
    with closing(sqlite3.connect(daemon.data / "access.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whoever_is_there_is_told_and_it_ends_with_0(number: signal.Signals, tmp_path: Path) -> None:
    """In every stage at once; who has a WebSocket is told, and the others are cut off."""
    with running_daemon(tmp_path) as daemon, ExitStack() as stack:
        parts = urlsplit(daemon.server.url)
        hello, request = (
            stack.enter_context(socket.create_connection((parts.hostname, parts.port), 10)) for _ in range(2)
        )
        hello.sendall(b"\x16\x03\x01\x02\x00\x01")
        over_tls = stack.enter_context(
            tls_context(tmp_path / "ca.pem").wrap_socket(request, server_hostname="127.0.0.1")
        )
        over_tls.sendall(head()[:40])
        idle = stack.enter_context(daemon.client())
        challenged = stack.enter_context(daemon.challenged())
        asking = stack.enter_context(daemon.challenged())
        users = [stack.enter_context(daemon.connected(make_key(ED25519))) for _ in range(3)]
        with store_held(daemon):
            send_connect(asking)
            daemon.server.process.send_signal(number)
            told = [client.wait_closed()[0] for client in (idle, challenged, asking, *users)]
        assert told == [GOING_AWAY] * 6
        assert [cut_off(stream) for stream in (hello, over_tls)] == [b"", b""]
        assert daemon.server.exit_code() == 0
        (stopping,) = daemon.said("server.stopping")
        assert stopping["signal"] == number.name
        assert {entry["cause"] for entry in daemon.said("connection.ended")} == {"stopping"}
        assert "Traceback" not in daemon.log
        noted = events_of(daemon)
        assert noted.count("admitted") == noted.count("left") >= 3
        assert noted[-1] == "server.stopped"


def cut_off(stream: socket.socket) -> bytes:
    """What comes before the end."""
    try:
        return stream.recv(4096)
    except (ConnectionResetError, ssl.SSLEOFError):
        return b""


def test_nobody_is_there(tmp_path: Path) -> None:
    with running_daemon(tmp_path) as daemon:
        daemon.stop()
        check_audit(daemon, admitted=0)


def wait_until_told(user: Client) -> float:
    """When the server said that it goes."""
    assert user.wait_closed()[0] == GOING_AWAY
    return time.monotonic()


def test_users_are_told_one_after_another(tmp_path: Path) -> None:
    with running_daemon(tmp_path) as daemon, ExitStack() as stack, ThreadPoolExecutor(MANY) as pool:
        users = [stack.enter_context(daemon.connected(make_key(ED25519))) for _ in range(MANY)]
        began = time.monotonic()
        waiting = [pool.submit(wait_until_told, user) for user in users]
        daemon.stop()
        assert (
            max(each.result() for each in waiting) - began >= (MANY - 1) / LEAVES_PER_S
        )  # never earlier, however slow the machine
        check_audit(daemon, admitted=MANY)


def test_a_user_who_does_not_answer_the_close_is_not_waited_for(tmp_path: Path) -> None:
    limits = {"limits": {"close_timeout_s": 0.2, "drain_timeout_s": 3600}}
    with running_daemon(tmp_path, limits) as daemon, daemon.connected(make_key(ED25519)) as user:
        daemon.stop()
        assert user.wait_closed()[0] == GOING_AWAY
        check_audit(daemon, admitted=1)


def test_the_drain_has_an_end(tmp_path: Path) -> None:
    limits = {"limits": {"close_timeout_s": 3600, "drain_timeout_s": 0.2}}
    with running_daemon(tmp_path, limits) as daemon, daemon.connected(make_key(ED25519)) as user:
        daemon.stop()
        assert user.wait_closed()[0] == GOING_AWAY
        check_audit(daemon, admitted=1)


def test_a_second_signal_waits_for_nobody(tmp_path: Path) -> None:
    with running_daemon(tmp_path, {"limits": NEVER}) as daemon, daemon.connected(make_key(ED25519)) as user:
        daemon.server.ask_to_stop()
        user.wait_for_news()  # before that, the second signal may be obeyed first
        daemon.stop()
        assert user.wait_closed()[0] == GOING_AWAY
        check_audit(daemon, admitted=1)


def test_two_signals_at_once(tmp_path: Path) -> None:
    with running_daemon(tmp_path, {"limits": NEVER}) as daemon, daemon.connected(make_key(ED25519)):
        daemon.server.process.send_signal(signal.SIGINT)
        daemon.stop()
        check_audit(daemon, admitted=1)


def test_signals_that_come_too_late_do_not_kill_it(tmp_path: Path) -> None:
    """While it writes down its last words, which someone else's writing holds up."""
    with running_daemon(tmp_path) as daemon:
        wait_until(lambda: events_of(daemon), bool)  # its first words are written down after it is ready
        with store_held(daemon):
            daemon.server.ask_to_stop()
            wait_until(lambda: is_stopping(daemon), bool)
            for _ in range(10):
                for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
                    daemon.server.process.send_signal(number)
        daemon.stop()
        check_audit(daemon, admitted=0)
