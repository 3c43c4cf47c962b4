"""Each scenario at a real server: what is counted, and that nothing else is."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.independent.keys import RSA
from tests.independent.serving import Server
from tests.load.benching import bench, start

FEW = ["--connections", "4", "--json"]
SHORT = ["--seconds", "0.5"]
SCENARIOS = {
    "session": SHORT,
    "session at a rate": [*SHORT, "--rate", "10"],
    "message": SHORT,
    "message at a rate": [*SHORT, "--rate", "40"],
    "idle": ["--hold", "0.5"],
    "storm": [],
}

KEYS = {
    "scenario", "url", "encoding", "tls", "resumed", "connections", "seconds", "rate", "operations", "errors",
    "per_second", "latency_ms", "load", "server", "bottleneck", "bottleneck_says", "problem", "user_format", "users",
    "seed", "interrupted", "command", "versions", "machine", "begun",
}  # fmt: skip
OWN_KEYS = {"idle": {"stayed", "pings"}, "storm": {"all_back_s"}}


def measured(server: Server | str, *words: str | Path) -> dict[str, Any]:
    """What a load reports that met no obstacle."""
    ended = bench(server, *words)
    assert (ended.code, ended.err) == (0, ""), ended.out
    report = ended.report
    assert report["errors"] == {}
    assert report["problem"] is report["bottleneck"] is report["bottleneck_says"] is None
    assert report["operations"] > 0
    return report


@pytest.mark.parametrize("encoding", ["json", "bson"])
@pytest.mark.parametrize("kind", SCENARIOS)
def test_each_scenario(kind: str, encoding: str, plain_server: Server) -> None:
    scenario = kind.split()[0]
    pid = str(plain_server.process.pid)
    words = ["--scenario", scenario, *FEW, *SCENARIOS[kind], "--encoding", encoding, "--server-pid", pid]
    report = measured(plain_server, *words)
    assert report.keys() == KEYS | OWN_KEYS.get(scenario, set())
    assert (report["scenario"], report["encoding"], report["connections"]) == (scenario, encoding, 4)
    assert (report["url"], report["tls"], report["resumed"]) == (plain_server.url, None, None)
    assert report["command"] == ["ric0-trio", "bench", plain_server.url, *words]
    assert 0 <= report["load"]["share"] <= 0.9
    assert report["server"]["pid"] == plain_server.process.pid
    assert report["server"]["rss_bytes"] > 2**20
    if scenario == "idle":
        assert report["operations"] == report["stayed"] == 4
        assert report["pings"] > 0
        assert report["per_second"] is None
    else:
        assert report["per_second"] > 0
        assert 0 < report["latency_ms"]["p50"] <= report["latency_ms"]["p99"] <= report["latency_ms"]["p99.9"]
    if scenario == "storm":
        assert report["operations"] == 4
        assert report["all_back_s"] * 1e3 == pytest.approx(report["latency_ms"]["p99.9"], rel=0.5)


@pytest.mark.parametrize("scenario", ["session", "message", "storm"])
def test_processes_share_it(scenario: str, plain_server: Server) -> None:
    words = SHORT if scenario != "storm" else []
    report = measured(plain_server, "--scenario", scenario, *words, *FEW, "--processes", "3")
    assert report["load"]["processes"] == 3
    if scenario == "storm":
        assert report["operations"] == 4


def test_tls_sessions_are_resumed(tls_server: Server) -> None:
    report = measured(tls_server, *FEW, *SHORT)
    assert report["tls"] == "TLSv1.3"
    assert report["resumed"] > 0


def test_tls_sessions_are_not_resumed(tls_server: Server) -> None:
    assert measured(tls_server, *FEW, *SHORT, "--no-resumption")["resumed"] == 0


def test_a_storm_over_tls_resumes(tls_server: Server) -> None:
    assert measured(tls_server, "--scenario", "storm", *FEW)["resumed"] == 4


def test_users_with_rsa_keys(plain_server: Server) -> None:
    report = measured(plain_server, *FEW, *SHORT, "--user-format", RSA, "--users", "2")
    assert (report["user_format"], report["users"]) == (RSA, 2)


@pytest.fixture(scope="module")
def other_server() -> Iterator[str]:
    """The core under asyncio, as the documents show it: not this package's server."""
    example = Path(__file__).parents[2] / "docs" / "examples" / "asyncio_server.py"
    with subprocess.Popen([sys.executable, example], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.mark.parametrize("encoding", ["json", "bson"])
def test_another_server(encoding: str, other_server: str) -> None:
    assert measured(other_server, *FEW, *SHORT, "--encoding", encoding)["server"] is None


def test_idle_tells_when_all_are_there_and_control_c_ends_it(plain_server: Server) -> None:
    with start(plain_server, "--scenario", "idle", *FEW, "--hold", "600", "--processes", "2") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == '{"connected": 4}\n'
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert '"interrupted": true' in out
    assert '"stayed": 4' in out


def test_a_load_that_is_killed_leaves_no_process_behind(plain_server: Server) -> None:
    """Workers hold the output open, so its end tells that they have ended."""
    with start(plain_server, "--scenario", "idle", *FEW, "--hold", "600", "--processes", "2") as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.kill()
        assert process.communicate(timeout=60) == ("", "")
