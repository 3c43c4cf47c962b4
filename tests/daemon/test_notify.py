"""What the command tells systemd, through a real socket, from its start to its end."""

import os
import re
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.daemon.configured import running_daemon
from tests.independent.keys import ED25519, make_key
from tests.independent.operating import wait_until
from tests.independent.serving import START_S

# A child is born as the last thing that the server does, and says what it was told.
WITH_A_CHILD = (
    "import atexit, subprocess; atexit.register(lambda: subprocess.run(['env'], stdout=open({file!r}, 'w'))); "
    "from ric0_trio.cli import main; main()"
)
RELOADING = re.compile(r"RELOADING=1\nMONOTONIC_USEC=(\d+)")


class Manager:
    """Who hears what the server says."""

    def __init__(self, path: Path) -> None:
        self.environment = {"NOTIFY_SOCKET": str(path)}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(START_S)
        self.socket.bind(str(path))

    def hear(self) -> str:
        """What comes next."""
        return self.socket.recv(4096).decode()

    def hear_of_a_reload(self) -> None:
        """Hear that it has begun, not before now, and has ended."""
        began = re.fullmatch(RELOADING, self.hear())
        assert began
        assert int(began[1]) <= time.monotonic_ns() // 1000
        assert self.hear() == "READY=1"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path / "notify")
    with manager.socket:
        yield manager


def at_unix_socket(folder: Path) -> dict[str, Mapping[str, str]]:
    """A place that is known before a server is there."""
    return {"listen": {"host": f"unix:{folder}/chat.sock"}, "server": {"url": "wss://chat.example/ric0_chat"}}


def test_it_is_ready_when_clients_can_come(tmp_path: Path, manager: Manager) -> None:
    def come() -> str:
        said = manager.hear()
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(f"{tmp_path}/chat.sock")
        return said

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(come)
        with running_daemon(tmp_path, at_unix_socket(tmp_path), environment=manager.environment) as daemon:
            assert coming.result() == "READY=1"
            daemon.stop()
            assert manager.hear() == "STOPPING=1"


def test_reloads_good_and_bad(tmp_path: Path, manager: Manager) -> None:
    with running_daemon(tmp_path, environment=manager.environment) as daemon:
        assert manager.hear() == "READY=1"
        before = time.monotonic_ns() // 1000
        daemon.server.process.send_signal(signal.SIGHUP)
        began = re.fullmatch(RELOADING, manager.hear())
        assert began
        assert before <= int(began[1]) <= time.monotonic_ns() // 1000
        assert manager.hear() == "READY=1"
        assert daemon.said("server.reloaded")  # by then
        assert daemon.change({"tls": {"cert": "gone.pem"}})["event"] == "server.reload_failed"
        manager.hear_of_a_reload()
        daemon.stop()
        assert manager.hear() == "STOPPING=1"


def test_it_is_not_ready_again_once_it_stops(tmp_path: Path, manager: Manager) -> None:
    with running_daemon(tmp_path, environment=manager.environment) as daemon:
        assert manager.hear() == "READY=1"
        daemon.config.unlink()
        os.mkfifo(daemon.config)  # who reads it waits
        daemon.server.process.send_signal(signal.SIGHUP)
        assert re.fullmatch(RELOADING, manager.hear())
        daemon.stop()
        manager.socket.setblocking(False)
        assert manager.hear() == "STOPPING=1"
        with pytest.raises(BlockingIOError):
            manager.hear()


def test_the_watchdog_is_fed_also_while_it_stops(tmp_path: Path, manager: Manager) -> None:
    environment = manager.environment | {"WATCHDOG_USEC": "400000"}
    never = {"limits": {"close_timeout_s": 3600, "drain_timeout_s": 3600}}
    with (
        running_daemon(tmp_path, never, environment=environment) as daemon,
        daemon.connected(make_key(ED25519)) as user,
    ):
        assert {manager.hear() for _ in range(5)} == {"READY=1", "WATCHDOG=1"}
        daemon.server.ask_to_stop()
        while manager.hear() != "STOPPING=1":
            pass
        assert [manager.hear() for _ in range(3)] == 3 * ["WATCHDOG=1"]
        user.wait_closed()
        assert daemon.server.exit_code() == 0


def test_a_child_does_not_learn_of_it(tmp_path: Path, manager: Manager) -> None:
    file = tmp_path / "environment.txt"
    environment = manager.environment | {"WATCHDOG_USEC": "30000000", "RIC0_TRIO_SERVER_NAME": "Ada's"}
    python = ["-c", WITH_A_CHILD.format(file=str(file))]
    with running_daemon(tmp_path, environment=environment, python=python) as daemon:
        daemon.stop()
    assert "RIC0_TRIO_SERVER_NAME=Ada's" in file.read_text().splitlines()
    assert not re.search("^(NOTIFY|WATCHDOG)_", file.read_text(), re.MULTILINE)


def test_a_manager_that_is_gone(tmp_path: Path, manager: Manager) -> None:
    with running_daemon(tmp_path, environment=manager.environment) as daemon:
        assert manager.hear() == "READY=1"
        manager.socket.close()
        assert daemon.hang_up()["event"] == "server.reloaded"
        told = wait_until(lambda: daemon.said("systemd.not_told"), lambda told: len(told) == 2)
        assert [entry["what"] for entry in told] == ["RELOADING", "READY"]
        assert daemon.join() == "success"
        daemon.stop()
