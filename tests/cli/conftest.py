"""The commands, run in this process, and one server that stands by for all tests of a client."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from ric0_trio.cli import main
from tests.independent.serving import POLL_S, Server, running_server


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process: `run("keygen", path)`."""

    def run_command(*words: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["ric0-trio", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run_command


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test reads the user's own files and variables, or leaves its logging to others."""
    for name in [name for name in os.environ if name.startswith("RIC0_TRIO_")]:
        monkeypatch.delenv(name)
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    yield
    structlog.reset_defaults()


EVIL_NAME = "evil\x1b[2J\nthe server proved"
ODD_SERVER = r"""
[server]
name = "evil\u001b[2J\nthe server proved"
[access]
accept_key_formats = ["rsa-sha256-oaepsha256-pkcs1"]
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server as `serve --dev` runs it."""
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="session")
def odd_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a name that is no good on a terminal, and no place for Ed25519 users."""
    folder = tmp_path_factory.mktemp("odd-server")
    (folder / "odd.toml").write_text(ODD_SERVER)
    with running_server(folder, "--config", str(folder / "odd.toml")) as running:
        yield running


@dataclass(frozen=True)
class Served(Ended):
    """How a server ended that did listen."""

    ready: dict[str, Any]
    """What its ready file said."""


Serve = Callable[..., Served]


@pytest.fixture
def serve(run: Run, tmp_path: Path) -> Serve:
    """Run `serve` in this process until `during`, which is given what the ready file says, is done in a thread."""

    def run_serve(*words: str | Path, during: Callable[[dict[str, Any]], object] = lambda ready: None) -> Served:
        file, over = tmp_path / "ready.json", threading.Event()
        file.unlink(missing_ok=True)  # of the server before

        def attend() -> dict[str, Any]:
            while not file.exists():
                assert not over.wait(POLL_S), "it never listened"
            try:
                ready: dict[str, Any] = json.loads(file.read_bytes())
                during(ready)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
            return ready

        with ThreadPoolExecutor(1) as pool:
            attending = pool.submit(attend)
            try:
                ended = run("serve", "--port", "0", "--ready-file", file, *words)
            finally:
                over.set()
        return Served(ended.code, ended.out, ended.err, attending.result())

    return run_serve
