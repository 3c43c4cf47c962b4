"""`serve` as a process: signals, exit codes, its files as others see them, and the command that it prints."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.independent.client import Client
from tests.independent.keys import ED25519, make_key
from tests.independent.serving import POLL_S, START_S, STOP_S, Server, running_server

GOING_AWAY = 1001
INSTALLED = Path(sys.executable).with_name("ric0-trio")
WITHOUT_BSON = "import sys; sys.modules['bson'] = None; from ric0_trio.cli import main; main()"


def connected(server: Server) -> Client:
    client = server.client()
    client.challenge()
    assert client.connect(make_key(ED25519))["status"] == "success"
    return client


@contextmanager
def process(*command: object, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process whose output is read while it runs; killed at the end, if it still does."""
    pipe = subprocess.PIPE
    with subprocess.Popen(list(map(str, command)), stdout=pipe, stderr=pipe, text=True, cwd=folder) as running:
        try:
            yield running
        finally:
            running.kill()


def wait_for(path: Path) -> str:
    """Wait until there is a file, and return what is in it at that moment."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            return path.read_text()
        except FileNotFoundError:
            time.sleep(POLL_S / 20)
    raise AssertionError(f"no {path.name}")


# The end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_takes_leave_of_clients_and_ends_with_0(number: signal.Signals, tmp_path: Path) -> None:
    with running_server(tmp_path) as server, connected(server) as client:
        server.process.send_signal(number)
        assert client.wait_closed()[0] == GOING_AWAY
        assert server.exit_code() == 0
    output = (tmp_path / "output.txt").read_text()
    assert number.name in output
    assert "server.stopped" in output
    assert "Traceback" not in output


def test_a_second_signal_waits_for_nobody(tmp_path: Path) -> None:
    (tmp_path / "patient.toml").write_text("[limits]\nclose_timeout_s = 600\ndrain_timeout_s = 600")
    with running_server(tmp_path, "--config", str(tmp_path / "patient.toml")) as server, connected(server):
        server.ask_to_stop()
        while "server.stopping" not in (tmp_path / "output.txt").read_text():
            time.sleep(POLL_S)
        server.ask_to_stop()
        assert server.exit_code() == 0


@contextmanager
def holding(server: Server, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A probe that is connected, and stays."""
    command = [sys.executable, "-m", "ric0_trio", "probe", server.url, "--ca", server.ca, "--hold", "600"]
    with process(*command, "--pin", server.fingerprint, folder=folder) as probe:
        assert probe.stdout is not None
        while "connect " not in (line := probe.stdout.readline()):
            assert line
        yield probe


def test_a_held_probe_ends_with_5_when_the_server_stops(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, holding(server, tmp_path) as probe:
        server.ask_to_stop()
        out, err = probe.communicate(timeout=STOP_S)
    assert probe.returncode == 5
    assert "FAILED hold" in out
    assert err.startswith("Error: the server closed the connection with 1001: ")


def test_a_held_probe_can_be_interrupted(server: Server, tmp_path: Path) -> None:
    with holding(server, tmp_path) as probe:
        probe.send_signal(signal.SIGINT)
        _, err = probe.communicate(timeout=STOP_S)
    assert (probe.returncode, err.strip()) == (130, "")


# The ready file and the banner, for others


def test_the_ready_file_appears_whole(tmp_path: Path) -> None:
    ready = tmp_path / "ready" / "ready.json"
    ready.parent.mkdir()
    ready.write_text("of another run")
    serve = [sys.executable, "-m", "ric0_trio", "serve", "--dev", "--port", "0", "--ready-file", ready]
    with process(*serve, folder=tmp_path) as server:
        while (text := wait_for(ready)) == "of another run":
            time.sleep(POLL_S / 20)
        told = json.loads(text)
        assert told["pid"] == server.pid
        assert [path.name for path in ready.parent.iterdir()] == ["ready.json"]
        server.terminate()
        server.communicate(timeout=STOP_S)
    assert server.returncode == 0


WAYS = {"module": [sys.executable, "-m", "ric0_trio"], "script": [INSTALLED], "a relative path": ["./bin/ric0-trio"]}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_printed_command_works_from_anywhere(way: list[str | Path], tmp_path: Path) -> None:
    if not INSTALLED.exists() and way != WAYS["module"]:
        pytest.skip("the command is not installed")
    home = tmp_path / "it's $HOME"
    elsewhere = tmp_path / "elsewhere"
    for folder in (home, elsewhere, home / "bin"):
        folder.mkdir()
    (home / "bin" / "ric0-trio").symlink_to(INSTALLED)
    serve = [*way, "serve", "--dev", "--port", "0", "--data-dir", "my data", "--ready-file", "ready.json"]
    with process(*serve, folder=home) as server:
        wait_for(home / "ready.json")
        assert server.stdout is not None
        while " probe " not in (line := server.stdout.readline()):
            assert line
        told = subprocess.run(
            ["sh", "-c", line], capture_output=True, text=True, cwd=elsewhere, timeout=STOP_S, check=False
        )
        server.terminate()
        server.communicate(timeout=STOP_S)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "the server proved its identity and let the user in" in told.stdout
    assert list(elsewhere.iterdir()) == []


# Without pymongo


def test_without_bson_the_server_speaks_json_and_says_so(run: Run, tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    serve = ["serve", "--dev", "--port", "0", "--ready-file", ready, "--log-format", "json"]
    with process(sys.executable, "-c", WITHOUT_BSON, *serve, folder=tmp_path) as server:
        told = json.loads(wait_for(ready))
        words = ["probe", told["url"], "--ca", told["ca"], "--pin", told["fingerprint"], "--json"]
        opened = json.loads(run(*words).out)["steps"][0]
        assert opened["encoding"] == "json"
        refused = run(*words, "--subprotocol", "bson")
        assert refused.code == 5
        assert "HTTP 400" in json.loads(refused.out)["error"]
        server.terminate()
        _, err = server.communicate(timeout=STOP_S)
    listening, without, *_ = map(json.loads, err.splitlines())
    assert listening["subprotocols"] == ["json"]
    assert without["event"] == "server.without_bson"
    assert without["remedy"] == "pip install 'ric0-trio[bson]'"


def test_without_bson_probe_says_what_it_needs(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_BSON, "probe", "wss://127.0.0.1:1", "--subprotocol", "bson"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ, timeout=STOP_S)
    assert ran.returncode == 64
    assert "--subprotocol bson needs pymongo: pip install 'ric0-trio[bson]'" in ran.stderr
