"""`backup` and `check`: a copy of all that is kept, and whether it is sound."""

import gc
import json
import os
import resource
import shutil
import sqlite3
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.rules_users import ADA, BOB, Read, Tell
from tests.independent.keys import ED25519, fingerprint, make_key
from tests.independent.operating import Site, open_site

pytest_plugins = ["tests.cli.rules_site"]

DATA = Path("ric0-data")
KEPT = DATA / "access.sqlite3"


@pytest.fixture(autouse=True)
def _any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever listens on this machine is of no concern here."""
    monkeypatch.setenv("RIC0_TRIO_LISTEN_PORT", "0")


# Copies


def test_a_backup(run: Run, tell: Tell, read: Read, tmp_path: Path) -> None:
    tell("user", "add", ADA)
    size = KEPT.stat().st_size
    assert tell("backup", "copy.sqlite3") == f"wrote copy.sqlite3, {size:,} bytes\n"
    assert read("backup", tmp_path / "copy 2") == {"file": str(tmp_path / "copy 2"), "bytes": size}
    assert {path.name for path in tmp_path.iterdir()} == {"ric0-data", "copy.sqlite3", "copy 2"}
    assert (tmp_path / "copy 2").stat().st_mode & 0o777 == 0o600
    tell("user", "add", BOB)
    _restore(Path("copy.sqlite3"), Path("other"))
    assert [each["user"] for each in read("user", "list", "--data-dir", "other")] == [ADA]
    assert run("check", "--data-dir", "other").code == 0


def _restore(copy: Path, data: Path) -> None:
    data.mkdir()
    shutil.copy(copy, data / "access.sqlite3")


def make_file(path: Path) -> None:
    path.write_text("precious")


NO_PLACE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file": (make_file, "exists already; a file is never overwritten"),
    "a folder": (Path.mkdir, "exists already; a file is never overwritten"),
    "a link to nowhere": (lambda path: path.symlink_to("nowhere"), "exists already; a file is never overwritten"),
    "a folder that is not there": (lambda path: None, "No such file or directory"),
}


@pytest.mark.parametrize(("make", "told"), NO_PLACE.values(), ids=NO_PLACE)
def test_no_place_for_a_backup(make: Callable[[Path], object], told: str, run: Run, tell: Tell, tmp_path: Path) -> None:
    tell("user", "add", ADA)
    target = tmp_path / ("nowhere/copy" if told.startswith("No such") else "copy")
    make(target)
    before = sorted(tmp_path.rglob("*"))
    ended = run("backup", target)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"Error: {target}")
    assert told in ended.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_is_that_of_the_copy(run: Run, tell: Tell, tmp_path: Path) -> None:
    """What is kept is on another, and has room."""
    tell("user", "add", ADA)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (48 * 1024, hard))
    try:
        ended = run("backup", "copy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (ended.code, ended.out) == (1, "")
    assert [path.name for path in tmp_path.iterdir()] == ["ric0-data"]
    assert ended.err.startswith("Error: copy: ")


def test_a_restored_backup_is_as_good_as_the_original(
    site: Site, tell: Tell, read: Read, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Copied from a server that runs, and served by another."""
    used, unused = read("token", "create", "--count", "2")
    member, banned, guest = (make_key(ED25519) for _ in range(3))
    with site.connected(member, join_token=used["token"]):
        tell("user", "ban", fingerprint(banned.public), "--reason", "spam")
        tell("client", "deny", "Denied")
        tell("backup", tmp_path / "copy.sqlite3")
    monkeypatch.delenv("RIC0_TRIO_DATA_DIR")
    _restore(tmp_path / "copy.sqlite3", tmp_path / "data")
    with open_site(tmp_path, '[access]\nmode = "invite"\n') as restored:
        with restored.connected(member), restored.connected(guest, join_token=unused["token"]):
            present = {each["user"] for each in read("who", "--data-dir", "data")}
            assert present == {fingerprint(user.public) for user in (member, guest)}
        with restored.challenged() as client:
            assert client.connect(banned)["data"] == {"disallowed_user_reason": "spam"}
            refused = client.connect(make_key(ED25519), join_token=used["token"])
            assert refused["status"] == "invalid_join_token"
        assert [rule["name"] for rule in read("client", "list", "--data-dir", "data")["rules"]].count("Denied") == 1
        assert "data/access.sqlite3: sound, schema " in tell("check", "--data-dir", "data")


# Whether it is sound


def test_what_is_sound(tell: Tell, read: Read, tmp_path: Path) -> None:
    tell("user", "add", ADA)
    path = tmp_path / KEPT
    assert f"ok      {path}: sound, schema 1, read with SQLite {sqlite3.sqlite_version}\n" in tell("check")
    told = read("check")
    assert (told["ok"], told["database"], told["schema"], told["damage"]) == (True, str(path), 1, [])


def test_it_is_sound_while_a_server_runs(site: Site, tell: Tell) -> None:
    assert f"ok      {site.data}/access.sqlite3: sound, schema " in tell("check")


def in_sql(*statements: str) -> Callable[[], None]:
    def spoil() -> None:
        with closing(sqlite3.connect(KEPT)) as database, database:
            for statement in statements:
                database.execute(statement)

    return spoil


def overwrite(begin: int, content: bytes) -> Callable[[], None]:
    def spoil() -> None:
        with KEPT.open("r+b") as file:
            file.seek(begin)
            file.write(content)

    return spoil


DAMAGE: dict[str, tuple[Callable[[], object], str]] = {
    "no database": (lambda: KEPT.write_text("precious " * 1000), "put a backup in its place"),
    "a header that is none": (overwrite(0, bytes(100)), "put a backup in its place"),
    "pages that are none": (overwrite(4096, b"\xff" * 16_384), "put a backup in its place"),
    "half of it": (lambda: os.truncate(KEPT, KEPT.stat().st_size // 2), "put a backup in its place"),
    "a use of a token that never was": (
        in_sql("INSERT INTO token_use (token, user, name, at) VALUES (99, 'x', 'Ada', '2026-01-01T00:00:00Z')"),
        "a row of token_use refers to one of token that is not there",
    ),
    "a moment that is none": (in_sql("UPDATE ban SET since = 'yesterday'"), "yesterday"),
    "a version that is none": (in_sql("UPDATE client_rule SET below = 'new'"), "new"),
    "another program's": (
        in_sql("PRAGMA application_id = 7"), "the database of another program; use another data directory",
    ),
    "a newer one": (in_sql("PRAGMA user_version = 99"), "a newer ric0-trio wrote it (schema 99; this one knows"),
}  # fmt: skip


@pytest.fixture
def _spoiled(spoil: Callable[[], object], tell: Tell) -> None:
    tell("user", "ban", ADA)
    tell("client", "deny", "Old", "--below", "2.0")
    spoil()


@pytest.mark.parametrize(("spoil", "told"), DAMAGE.values(), ids=DAMAGE)
@pytest.mark.usefixtures("_spoiled")
def test_damage_is_1_and_says_what_to_do(told: str, run: Run) -> None:
    ended = run("check")
    assert ended.code == 1
    (line,) = [line for line in ended.out.splitlines() if line.startswith("FAILED")]
    assert told in line
    assert str(KEPT) in line
    ended = run("check", "--json")
    assert ended.code == 1
    found = json.loads(ended.out)
    assert found["damage"]
    assert not found["ok"]


@pytest.mark.parametrize(("spoil", "told"), DAMAGE.values(), ids=DAMAGE)
@pytest.mark.usefixtures("_spoiled")
def test_whom_damage_concerns_is_told_of_it(told: str, run: Run) -> None:
    """In one line. What is sound can still be read."""
    for words in (["user", "list"], ["client", "list"], ["explain", "--user", ADA, "--client", "Old@1.0"]):
        ended = run(*words)
        assert ended.code in (0, 1, 3)
        assert len(ended.err.splitlines()) == (ended.code == 1)
        assert told in ended.err or ended.code != 1


@pytest.mark.parametrize("words", [("backup", "copy"), ("check",)], ids=" ".join)
def test_where_nothing_is_kept(words: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    ended = run(*words)
    assert ended.code == 78
    assert "nothing is kept in " in ended.out + ended.err
    assert list(tmp_path.iterdir()) == []


def test_no_server_starts_on_what_is_damaged(run: Run, tell: Tell) -> None:
    """And what it had opened by then is closed again."""
    tell("user", "add", ADA)
    KEPT.write_text("precious " * 1000)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        ended = run("serve", "--dev", "--port", "0", "--data-dir", DATA)
        gc.collect()
    assert ended.code == 78
    assert "put a backup in its place" in ended.err
    assert [str(warning.message) for warning in warned] == []
