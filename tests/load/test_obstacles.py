"""What is in a load's way is counted by its kind, said, and told by the exit code."""

import json
import re
from pathlib import Path

import pytest

from tests.independent.serving import NO_BOUND_PER_ADDRESS, Server, running_server
from tests.load.benching import OPEN_TO_LOADS, bench

FEW = ["--connections", "4", "--json"]


def test_a_server_that_allows_few_messages(tmp_path: Path) -> None:
    with running_server(tmp_path, "--plaintext") as server:
        ended = bench(server, "--scenario", "message", *FEW, "--seconds", "20")
    assert ended.code == 1
    assert ended.report["errors"]["closed_1008"] > 0
    assert ended.report["problem"] in ended.err
    assert "messages_per_s and messages_burst" in ended.err


def test_a_server_that_has_enough_of_an_address(tmp_path: Path) -> None:
    environment = {"RIC0_TRIO_LIMITS_NEW_CONNECTIONS_PER_ADDRESS_PER_MIN": "2"}
    with running_server(tmp_path, "--plaintext", environment=environment) as server:
        ended = bench(server, *FEW, "--seconds", "0.5")
        assert ended.report["errors"]["http_503"] > 0

        ended = bench(server, "--scenario", "idle", *FEW, "--hold", "0.5")
    assert (ended.code, ended.out) == (5, "")
    assert re.search("503|hung up", ended.err)  # an address is told a few times, and then once a second


def test_a_server_with_room_for_few(tmp_path: Path) -> None:
    environment = {**NO_BOUND_PER_ADDRESS, "RIC0_TRIO_LIMITS_MAX_CONNECTIONS": "2"}
    with running_server(tmp_path, "--plaintext", environment=environment) as server:
        ended = bench(server, "--scenario", "idle", *FEW, "--hold", "0.5")
    assert (ended.code, ended.out) == (1, "")
    assert re.search(r"[012] of 4 users could be connected: \d+ http_503", ended.err)


def test_users_may_not_join(tmp_path: Path) -> None:
    config = tmp_path / "ric0.toml"
    config.write_text('[access]\nmode = "invite"\n')
    with running_server(tmp_path, "--plaintext", "--config", str(config), environment=OPEN_TO_LOADS) as server:
        ended = bench(server, *FEW)
    assert (ended.code, ended.out) == (3, "")
    assert "join_token_required" in ended.err
    assert "--join-token" in ended.err


def test_a_certificate_that_does_not_verify(tls_server: Server) -> None:
    ended = bench(tls_server.url, *FEW)
    assert (ended.code, ended.out) == (2, "")
    assert "certificate" in ended.err


def test_nobody_is_there(plain_server: Server) -> None:
    ended = bench("ws://127.0.0.1:1", *FEW)
    assert (ended.code, ended.out) == (4, "")
    assert "nothing answers" in ended.err


def test_more_than_the_load_can_do(plain_server: Server) -> None:
    """Its figures are withheld, but the server's CPU is the system's count."""
    words = ["--rate", "100000", "--seconds", "0.5", "--server-pid", str(plain_server.process.pid)]
    ended = bench(plain_server, "--scenario", "message", *FEW, *words)
    assert ended.code == 1
    report = ended.report
    assert report["bottleneck"] == "load"
    assert report["bottleneck_says"] in ended.err
    assert report["per_second"] is None
    assert report["latency_ms"] == {"p50": None, "p99": None, "p99.9": None}
    assert report["operations"] > 0
    assert report["server"]["cpu_us_per_operation"] is not None


def test_the_token_is_not_told(plain_server: Server) -> None:
    for words in (["--join-token", "SECRET"], ["--join-token=SECRET"]):
        ended = bench(plain_server, *FEW, "--seconds", "0.2", *words)
        assert ended.code == 0
        assert "SECRET" not in ended.out + ended.err
        assert "join-token" in json.dumps(ended.report["command"])


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--seconds", "0.3"], ["operations", "latency", "errors", "load", "server"]),
        (["--scenario", "idle", "--hold", "0.3"], ["operations", "stayed", "errors", "load", "server"]),
        (["--scenario", "storm"], ["operations", "latency", "all", "errors", "load", "server"]),
    ],
)
def test_the_table(words: list[str], shown: list[str], plain_server: Server) -> None:
    ended = bench(plain_server, "--connections", "4", *words, "--server-pid", str(plain_server.process.pid))
    assert (ended.code, ended.err) == (0, "")
    first, empty, *rows = ended.out.splitlines()
    assert plain_server.url in first
    assert empty == ""
    assert [row.split()[0] for row in rows] == shown
