"""The real command, which writes down what is said to it, and what it wrote, replayed by the real command."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.daemon.configured import running_daemon
from tests.independent.client import Client
from tests.independent.keys import ED25519, RSA, make_key
from tests.independent.operating import wait_until
from tests.independent.serving import Server, running_server

TOKEN = "a-token-that-nobody-may-see"  # noqa: S105


@contextmanager
def recording(folder: Path, *flags: str) -> Iterator[tuple[Server, Path]]:
    transcripts = folder / "transcripts"
    with running_server(folder, "--record", str(transcripts), *flags) as server:
        yield server, transcripts


def log_in(client: Client, key_format: str = ED25519) -> None:
    with client:
        assert client.challenge()["status"] == "success"
        assert client.connect(make_key(key_format), join_token=TOKEN)["status"] == "success"
        assert client.disconnect()["status"] == "success"


def replay(paths: Sequence[Path], code: int = 0) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "ric0_trio", "replay", "--json", *map(str, paths)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == code, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def test_what_was_said_replays(tmp_path: Path) -> None:
    with recording(tmp_path) as (server, transcripts):
        for encoding in ("json", "bson"):
            for key_format in (ED25519, RSA):
                log_in(server.client(encoding), key_format)
        server.ask_to_stop()
        assert server.exit_code() == 0
    told = replay(files(transcripts))
    assert [(each["same"], each["end"]) for each in told] == [(True, "over")] * 4
    assert all(TOKEN.encode() not in path.read_bytes() for path in files(transcripts))


def test_a_server_that_is_killed_leaves_what_came_before(tmp_path: Path) -> None:
    with recording(tmp_path) as (server, transcripts), server.client() as client:
        assert client.challenge()["status"] == "success"
        wait_until(lambda: [path.read_bytes() for path in files(transcripts)], lambda seen: b"signed" in b"".join(seen))
        server.process.kill()
        server.process.wait()
    (told,) = replay(files(transcripts))
    assert (told["same"], told["end"], told["inputs"]) == (True, "missing", 2)


def test_one_address_and_one_in_two(tmp_path: Path) -> None:
    with recording(tmp_path, "--record-address", "192.0.2.7") as (server, transcripts):
        log_in(server.client())
        server.ask_to_stop()
        assert server.exit_code() == 0
    assert files(transcripts) == []
    with recording(tmp_path, "--record-address", "127.0.0.0/8", "--record-one-in", "2") as (server, transcripts):
        for _ in range(4):
            log_in(server.client())
        server.ask_to_stop()
        assert server.exit_code() == 0
    assert len(replay(files(transcripts))) == 2


def test_nothing_is_written_unless_it_is_asked_for(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        log_in(server.client())
        server.ask_to_stop()
        assert server.exit_code() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "output.txt", "ready.json"]
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_reload_begins_it_and_ends_it(tmp_path: Path) -> None:
    transcripts = tmp_path / "transcripts"
    with running_daemon(tmp_path) as daemon:
        daemon.join()
        daemon.change({"record": {"dir": str(transcripts), "max_total_bytes": 1_000_000}})
        assert daemon.join() == "success"
        daemon.change({})
        assert daemon.join() == "success"
        assert len(daemon.said("record.on")) == 1
        daemon.stop()
    (told,) = replay(files(transcripts))
    assert told["same"]
