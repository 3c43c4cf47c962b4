"""Which conversations are written down, where, and what happens when the disk does not take it."""

import stat
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
import trio
from structlog.testing import capture_logs
from trio.testing import open_stream_to_socket_listener

from ric0_trio.access.store import OpenAccess
from ric0_trio.protocol import ServerSession, State
from ric0_trio.server import Server
from ric0_trio.server.addresses import Peer
from ric0_trio.server.metrics import Metrics
from ric0_trio.server.record_folder import FolderFullError, RecordFolder, used_bytes
from ric0_trio.server.recorder import MAX_PENDING_BYTES, Recorder
from ric0_trio.server.settings import RecordSettings
from ric0_trio.testing import (
    SERVER_KEY,
    START,
    connect_data,
    request,
)
from ric0_trio.transcript import RecordedSession, Replayed, replay
from tests.protocol.pair import CODECS
from tests.server.raw_client import RawClient
from tests.server.stage import make_settings

JSON = CODECS["json"]
SETTINGS = make_settings()
TOKEN = "a-token-that-nobody-may-see"  # noqa: S105


class Serving:
    """A server on a loopback socket, which is asked to stop by the end."""

    def __init__(self, server: Server, listener: trio.SocketListener, logs: list[structlog.typing.EventDict]) -> None:
        self.server = server
        self.logs = logs
        self.listener = listener

    async def hold_a_session(self) -> None:
        client = RawClient(await open_stream_to_socket_listener(self.listener))
        await client.reach(State.CHALLENGED)
        await client.ask(request("connect", connect_data(join_token=TOKEN), 2))
        await client.close()
        await client.gone()
        await trio.aclose_forcefully(client.stream)

    @property
    def events(self) -> list[str]:
        return [entry["event"] for entry in self.logs]

    @property
    def outcomes(self) -> dict[str, float]:
        found = {}
        for family in self.server.metrics.registry.collect():
            if family.name == "ric0_transcripts":
                found = {sample.labels["outcome"]: sample.value for sample in family.samples if sample.value}
        return found


@asynccontextmanager
async def serving(**record: Any) -> AsyncIterator[Serving]:
    with capture_logs() as logs, trio.fail_after(60):
        settings = make_settings(exempt_networks=("127.0.0.0/8",))
        server = Server(replace(settings, record=RecordSettings(**record)), SERVER_KEY, OpenAccess())
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        async with trio.open_nursery() as nursery:
            await nursery.start(server.serve, [listener])
            yield Serving(server, listener, logs)
            server.stop()


def replayed(folder: Path) -> list[Replayed]:
    found = []
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            found.append(replay(file))
    return found


async def test_a_session_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "transcripts"
    async with serving(dir=folder) as site:
        await site.hold_a_session()
    assert replayed(folder) == [Replayed(inputs=6, effects=6, end="over")]
    (path,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (ended,) = [entry for entry in site.logs if entry["event"] == "connection.ended"]
    assert path.name.endswith(f"Z-{ended['connection']}.jsonl")
    assert TOKEN.encode() not in path.read_bytes()
    assert str(connect_data()["challenge"]).encode() not in path.read_bytes()
    assert b"127.0.0.1" not in path.read_bytes()
    assert "record.on" in site.events
    assert site.outcomes == {"whole": 1}


async def test_nothing_is_written_unless_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with serving() as site:
        await site.hold_a_session()
    assert replayed(tmp_path) == []
    assert "record.on" not in site.events
    assert site.outcomes == {}


async def test_what_has_come_so_far_is_written_while_the_session_goes_on(tmp_path: Path) -> None:
    async with serving(dir=tmp_path) as site:
        client = RawClient(await open_stream_to_socket_listener(site.listener))
        await client.reach(State.CONNECTED)
        while [each.effects for each in replayed(tmp_path)] != [5]:  # noqa: ASYNC110 - it has no event for this
            await trio.sleep(0.05)
        (sofar,) = replayed(tmp_path)
        assert (sofar.difference, sofar.end) == (None, "missing")
        await trio.aclose_forcefully(client.stream)
    assert [each.end for each in replayed(tmp_path)] == ["over"]


async def test_it_is_begun_and_ended_while_the_server_runs(tmp_path: Path) -> None:
    async with serving() as site:
        await site.hold_a_session()
        site.server.change(replace(site.server.settings, record=RecordSettings(dir=tmp_path)))
        await site.hold_a_session()
        site.server.change(replace(site.server.settings, record=RecordSettings()))
        await site.hold_a_session()
    assert len(replayed(tmp_path)) == 1


async def test_a_transcript_has_a_bound(tmp_path: Path) -> None:
    async with serving(dir=tmp_path, max_transcript_bytes=16 * 1024) as site:
        client = RawClient(await open_stream_to_socket_listener(site.listener))
        await client.reach(State.CONNECTED)
        for number in range(30):
            await client.ask(request("x" * 64, {}, 2 * number))
        await client.close()
        await client.gone()
        await trio.aclose_forcefully(client.stream)
    assert used_bytes(tmp_path) <= 16 * 1024
    (told,) = replayed(tmp_path)
    assert (told.end, told.cut_why, told.difference) == ("cut", "max_transcript_bytes", None)
    assert site.outcomes == {"cut": 1}


async def test_a_folder_that_is_full(tmp_path: Path) -> None:
    (tmp_path / "old.jsonl").write_bytes(bytes(60_000))
    async with serving(dir=tmp_path, max_total_bytes=64 * 1024) as site:
        for _ in range(4):
            await site.hold_a_session()
        while not site.outcomes.get("lost"):  # noqa: ASYNC110 - it has no event for this
            await trio.sleep(0.05)
        await site.hold_a_session()
    assert used_bytes(tmp_path) <= 64 * 1024 + 4096
    (failed,) = [entry for entry in site.logs if entry["event"] == "record.failed"]
    assert "full" in failed["error"]


async def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    async with serving(dir=tmp_path / "file") as site:
        await site.hold_a_session()
        while not site.outcomes.get("lost"):  # noqa: ASYNC110 - it has no event for this
            await trio.sleep(0.05)
        await site.hold_a_session()
    assert site.events.count("record.failed") == 1
    assert "connection.failed" not in site.events
    assert site.outcomes == {"lost": 1}


# Which of them


def begin(recorder: Recorder, address: str) -> ServerSession | RecordedSession:
    return recorder.begin(SETTINGS, JSON, START, "0123456789abcdef", Peer(address, None))


def recorder_of(metrics: Metrics | None = None, **record: Any) -> Recorder:
    recorder = Recorder((metrics or Metrics()).count_transcript)
    recorder.change(RecordSettings(**record))
    return recorder


async def test_by_default_it_is_a_plain_session() -> None:
    assert type(begin(recorder_of(), "192.0.2.7")) is ServerSession


async def test_those_of_one_network(tmp_path: Path) -> None:
    recorder = recorder_of(dir=tmp_path, addresses=("192.0.2.0/24", "2001:db8::1", "unix"))
    recorded = ["192.0.2.7", "2001:db8::1", "unix"]
    for address in (*recorded, "198.51.100.7", "2001:db8::2", "unknown"):
        assert isinstance(begin(recorder, address), RecordedSession) == (address in recorded)


async def test_one_in_so_many(tmp_path: Path) -> None:
    recorder = recorder_of(dir=tmp_path, addresses=("192.0.2.7",), one_in=3)
    begun = []
    for _ in range(9):
        begun.append(isinstance(begin(recorder, "192.0.2.7"), RecordedSession))
        begin(recorder, "192.0.2.8")  # does not count
    assert begun == [False, False, True] * 3


async def test_settings_that_are_wrong_change_nothing(tmp_path: Path) -> None:
    recorder = recorder_of(dir=tmp_path)
    with pytest.raises(ValueError, match="nowhere"):
        recorder.change(RecordSettings(addresses=("nowhere",)))
    assert isinstance(begin(recorder, "192.0.2.7"), RecordedSession)


def begin_talker(recorder: Recorder) -> ServerSession | RecordedSession:
    """A session that bears a lot."""
    settings = make_settings(messages_before_auth=1_000_000)
    return recorder.begin(settings, JSON, START, "0123456789abcdef", Peer("192.0.2.7", None))


def talk(session: ServerSession | RecordedSession, size: int) -> None:
    """So many bytes come, at least, in large messages."""
    message = '{"time":"2023-11-14T22:13:20Z","type":"request","name":"connect","conversation":1,"data":{"x":"%s"}}'
    for _ in range(size // 16_000 + 1):
        session.receive(message % ("x" * 16_000), START)


async def test_no_more_waits_than_there_is_room_for(tmp_path: Path) -> None:
    """Nothing is written yet: transcripts are lost, and no memory with them."""
    recorder = recorder_of(dir=tmp_path, max_transcript_bytes=1_000_000_000)
    with capture_logs() as logs:
        talk(begin_talker(recorder), 2 * MAX_PENDING_BYTES)
    assert [entry["event"] for entry in logs] == ["record.failed"]
    await recorder.finish()
    assert 0 < used_bytes(tmp_path) <= MAX_PENDING_BYTES
    assert isinstance(begin(recorder, "192.0.2.7"), ServerSession)  # for a while, nothing more is begun


async def test_what_is_being_written_takes_room_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a disk that does not answer."""
    is_writing, answers = trio.Event(), threading.Event()

    def hang(*args: object, **options: object) -> None:
        trio.from_thread.run_sync(is_writing.set)
        assert answers.wait(60)

    monkeypatch.setattr(RecordFolder, "append", hang)
    recorder = recorder_of(dir=tmp_path, max_transcript_bytes=1_000_000_000)
    session = begin_talker(recorder)
    with capture_logs() as logs, trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            talk(session, MAX_PENDING_BYTES * 2 // 3)
            nursery.start_soon(recorder.run)
            await is_writing.wait()
            assert logs == []
            talk(session, MAX_PENDING_BYTES * 2 // 3)
            answers.set()
            nursery.cancel_scope.cancel()
    assert [entry["event"] for entry in logs] == ["record.failed"]


async def test_a_folder_that_was_moved_away_is_made_again(tmp_path: Path) -> None:
    recorder = recorder_of(dir=tmp_path / "transcripts")
    for number in range(2):
        session = recorder.begin(SETTINGS, JSON, START, f"{number:016}", Peer("192.0.2.7", None))
        session.connection_lost(START)
        await recorder.finish()
        (tmp_path / "transcripts").rename(tmp_path / f"moved{number}")
    assert [each.end for each in replayed(tmp_path / "moved1")] == ["over"]


async def test_no_thread_to_write_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*args: object, **options: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(trio.to_thread, "run_sync", fail)
    recorder = recorder_of(dir=tmp_path)
    begin(recorder, "192.0.2.7")
    with capture_logs() as logs:
        await recorder.finish()
    assert [(entry["event"], entry["error"]) for entry in logs] == [("record.failed", "can't start new thread")]


# The folder


def test_a_file_that_is_there_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "new.jsonl").symlink_to(tmp_path / "target")
    folder = RecordFolder(tmp_path, 1_000_000)
    for is_new in (True, False):
        with pytest.raises(OSError, match=r"File exists|symbolic links"):
            folder.append("new.jsonl", b"line\n", is_new=is_new)
    assert (tmp_path / "target").read_text() == "precious"


def test_lines_are_added(tmp_path: Path) -> None:
    folder = RecordFolder(tmp_path, 1_000_000)
    folder.append("0.jsonl", b"line\n", is_new=True)
    folder.append("0.jsonl", b"another\n", is_new=False)
    assert (tmp_path / "0.jsonl").read_bytes() == b"line\nanother\n"


def test_every_file_takes_blocks(tmp_path: Path) -> None:
    folder = RecordFolder(tmp_path, 5 * 4096)
    for number in range(5):
        folder.append(f"{number}.jsonl", b"line\n", is_new=True)
    with pytest.raises(FolderFullError):
        folder.append("5.jsonl", b"line\n", is_new=True)
    assert not (tmp_path / "5.jsonl").exists()


def test_a_folder_in_which_room_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("ric0_trio.server.record_folder.time.monotonic", lambda: now)
    folder = RecordFolder(tmp_path, 4096)
    folder.append("0.jsonl", b"line\n", is_new=True)
    (tmp_path / "0.jsonl").unlink()
    with pytest.raises(FolderFullError):
        folder.append("1.jsonl", b"line\n", is_new=True)
    now = 11.0
    folder.append("1.jsonl", b"line\n", is_new=True)
    assert [path.name for path in tmp_path.iterdir()] == ["1.jsonl"]
