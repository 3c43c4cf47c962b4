"""A server that is stopped and started again under a constant stream of logins: no answer that was due is lost."""

import socket
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.cli.test_socket_activation import starter
from tests.daemon.configured import GOING_AWAY, NOTHING, Daemon, Sections, running_daemon
from tests.daemon.logins import Logins, constant_logins

RESTARTS = 3
LOGINS = 20


def run_servers(folder: Path, sections: Sections = NOTHING, **how: Any) -> tuple[Logins, Daemon]:
    """One server after the other, while users log in; they end before the last server does."""
    with ExitStack() as stack:
        logins = stack.enter_context(constant_logins(folder / "ca.pem"))
        for _ in range(RESTARTS):
            with running_daemon(folder, sections, **how) as daemon:
                logins.go_to(daemon.server.url)
                logins.wait_for_more(LOGINS)
                daemon.stop()
        with running_daemon(folder, sections, **how) as last:
            logins.go_to(last.server.url)
            logins.wait_for_more(LOGINS)
            stack.close()
            last.stop()
    return logins, last


def check(logins: Logins, daemon: Daemon) -> None:
    """Each `connect` was answered, or its WebSocket closed; and the audit knows of all who were let in."""
    assert {login.ended for login in logins.all} <= {"success", GOING_AWAY}
    assert set(logins.closed_before) <= {GOING_AWAY}
    audit = daemon.audit()
    servers = [entry["event"] for entry in audit if entry["event"].startswith("server.")]
    assert servers == (RESTARTS + 1) * ["server.started", "server.stopped"]
    admitted = Counter(entry["user"] for entry in audit if entry["event"] == "admitted")
    assert admitted == Counter(entry["user"] for entry in audit if entry["event"] == "left")  # nobody is left on
    answered = Counter(login.user for login in logins.all if login.ended == "success")
    closed = Counter(login.user for login in logins.all if login.ended == GOING_AWAY)
    for user, times in answered.items():
        assert times <= admitted[user] <= times + closed[user]


def test_the_next_server_is_elsewhere(tmp_path: Path) -> None:
    logins, daemon = run_servers(tmp_path)
    check(logins, daemon)


def test_a_socket_that_is_passed_from_one_to_the_next(tmp_path: Path) -> None:
    """As systemd does it: nobody is refused at any time."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as passed:
        how = {"python": starter("chat", passed), "passed": [passed.fileno()]}
        logins, daemon = run_servers(tmp_path, {"listen": {"host": "systemd:chat"}}, **how)
    assert not [error for error in logins.not_opened if isinstance(error, ConnectionRefusedError)]
    check(logins, daemon)
