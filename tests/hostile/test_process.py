"""The real command, short of what every process needs: those who are on stay on, and it recovers by itself."""

import resource
from pathlib import Path

import pytest
import trio

from ric0_trio.testing import SERVER_KEY
from tests.hostile.process import (
    challenged,
    check_is_on,
    connected,
    crowd,
    descriptors_of,
    limited,
    log_of,
    memory_of,
    wait_until,
)
from tests.independent.client import Client
from tests.independent.keys import ED25519, make_key
from tests.independent.serving import Server, running_server
from tests.server.siege import Siege

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of others cannot be set here")

MIB = 1024 * 1024
MAY_GROW_BYTES = 24 * MIB


def check_ends_well(server: Server, folder: Path, *clients: Client) -> None:
    for client in clients:
        client.close()
    server.ask_to_stop()
    assert server.exit_code() == 0
    log = log_of(folder)
    assert "Traceback" not in log
    assert "connection.failed" not in log


def test_no_descriptors_left(tmp_path: Path) -> None:
    """Far more come than it can have open files; whoever is in, or half in, is served all the while."""
    with running_server(tmp_path) as server, connected(server) as user, challenged(server) as half_in:
        before = descriptors_of(server)
        with limited(server, resource.RLIMIT_NOFILE, before + 5), crowd(server, 100):
            wait_until(lambda: "server.out_of_resources" in log_of(tmp_path))
            check_is_on(user)
            assert half_in.connect(make_key(ED25519))["status"] == "success"
            check_is_on(half_in)
        with connected(server) as newcomer:
            check_is_on(newcomer)
        check_is_on(user)
        wait_until(lambda: descriptors_of(server) <= before)
        check_ends_well(server, tmp_path, user, half_in)


def test_no_disk_left(tmp_path: Path) -> None:
    """Nothing can be written: not even the log."""
    with running_server(tmp_path) as server, connected(server) as user, challenged(server) as newcomer:
        with limited(server, resource.RLIMIT_FSIZE, 1):
            assert newcomer.connect(make_key(ED25519))["status"] == "unknown_error"
            check_is_on(user)
            assert user.disconnect()["status"] == "success"
            assert user.connect(make_key(ED25519))["status"] == "unknown_error"
        assert newcomer.connect(make_key(ED25519))["status"] == "success"
        assert user.connect(make_key(ED25519))["status"] == "success"
        check_ends_well(server, tmp_path, user, newcomer)


def test_memory_after_a_flood(tmp_path: Path) -> None:
    """Everything hostile that is known, for seconds: then it has at most 24 MiB more than after a first taste of it."""
    identity = tmp_path / "identity.pem"
    identity.touch(mode=0o600)
    identity.write_bytes(SERVER_KEY.to_pem())
    with running_server(tmp_path, "--identity", str(identity)) as server:
        trio.run(Siege(server, seed=1).run, 1.5)
        warm = memory_of(server)
        flood = Siege(server, seed=2)
        trio.run(flood.run, 3)
        assert flood.attacks.total() > 50
        wait_until(lambda: memory_of(server) < warm + MAY_GROW_BYTES)
        check_ends_well(server, tmp_path)
