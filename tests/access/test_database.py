"""The file: made, opened, refused, and shared."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_IMODE

import pytest

from ric0_trio.access.database import Database, StoreError
from ric0_trio.access.schema import SCHEMA
from tests.access.files import NOISE, PAGE, editing, fill, opened, overwrite_at, raw_connection, writing_held
from tests.access.stage import fingerprint

OPENER = """
import sys
from pathlib import Path
from ric0_trio.access.database import Database
for line in sys.stdin:
    path, name = line.split()
    database = Database(Path(path))
    with database.transaction() as connection:
        connection.execute("INSERT INTO setting VALUES (?, 'opened')", (name,))
    database.close()
    print("ok", flush=True)
"""
"""Opens each file that it is told to, writes the name that it is told, and says so when it has closed it."""


class Opener:
    """Another process that opens files."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", OPENER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout

    def begin(self, path: Path, name: str) -> None:
        self._stdin.write(f"{path} {name}\n")
        self._stdin.flush()

    def must_end(self) -> None:
        assert self._stdout.readline() == "ok\n"

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture
def openers() -> Iterator[list[Opener]]:
    started = [Opener(), Opener()]
    yield started
    for opener in started:
        opener.close()


def names_in(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM setting ORDER BY name")]


def modes(folder: Path) -> dict[str, int]:
    return {file.name: S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


# Made


def test_a_new_file_is_its_owners_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        with editing(path) as editor:
            editor.add_member(fingerprint(1))
            assert modes(path.parent) == {path.name + suffix: 0o600 for suffix in ("", "-wal", "-shm")}
    finally:
        os.umask(before)
    assert modes(path.parent) == {path.name: 0o600}  # nothing else is left


@pytest.mark.parametrize("name", ["a?mode=memory", "50%", "%41", "#1", "Zoë", "a b", "file:a", ":memory:", "-a"])
def test_a_file_has_exactly_the_name_that_is_said(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with editing(path) as editor:
        editor.add_member(fingerprint(1))
    assert list(tmp_path.iterdir()) == [path]
    with opened(path) as database:
        database.back_up(tmp_path / f"{name}.copy")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_new_file_has_the_newest_schema(path: Path) -> None:
    with opened(path) as database:
        assert database.version == len(SCHEMA)
        assert database.path == path
        assert database.find_damage() == []


def test_processes_that_make_a_file_at_once_all_succeed(tmp_path: Path, openers: list[Opener]) -> None:
    for number in range(20):
        path = tmp_path / str(number)
        for name, opener in enumerate(openers):
            opener.begin(path, str(name))
        for opener in openers:
            opener.must_end()
        with raw_connection(path) as connection:
            assert names_in(connection) == ["0", "1"]


# Refused


def make_foreign(path: Path, user_version: int = 0, application_id: int = 0, *, is_empty: bool = False) -> None:
    with raw_connection(path) as connection:
        if not is_empty:
            connection.execute("CREATE TABLE bookmark (url TEXT)")
        connection.execute(f"PRAGMA user_version = {user_version}")
        connection.execute(f"PRAGMA application_id = {application_id}")


def cut(end: int) -> Callable[[Path], None]:
    """Make a file of ours, and cut it there."""

    def make(path: Path) -> None:
        fill(path)
        path.write_bytes(path.read_bytes()[:end])

    return make


def overwrite(noise: bytes, at: int = 0) -> Callable[[Path], None]:
    """Make a file of ours, and write over a piece of it."""

    def make(path: Path) -> None:
        fill(path)
        overwrite_at(path, noise, at)

    return make


STRANGERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "foreign": (make_foreign, "the database of another program"),
    "foreign, of the same version": (lambda path: make_foreign(path, 1), "the database of another program"),
    "foreign, of a higher version": (lambda path: make_foreign(path, 99), "the database of another program"),
    "foreign, of a version alone": (
        lambda path: make_foreign(path, 1, is_empty=True),
        "the database of another program",
    ),
    "foreign, with a mark": (lambda path: make_foreign(path, 1, 77), "the database of another program"),
    "text": (lambda path: path.write_text("members:\n- ann\n" * 1000), "not a database"),
    "two letters": (lambda path: path.write_text("xy"), "not a database"),
    "zeros": (lambda path: path.write_bytes(bytes(4 * PAGE)), "not a database"),
    "cut in its head": (cut(50), "damaged"),
    "cut behind its head": (cut(100), "damaged"),
    "cut to a page": (cut(PAGE), "damaged"),
    "cut in half": (cut(8 * PAGE), "damaged"),
    "cut by a page": (cut(-PAGE), "damaged"),
    "noise for a beginning": (overwrite(NOISE), "not a database"),
    "zeros for a beginning": (overwrite(bytes(PAGE)), "not a database"),
    "noise for its tables": (overwrite(NOISE[: PAGE - 100], at=100), "damaged"),
    "a folder": (Path.mkdir, "it cannot be opened; let this account read and write"),
}


@pytest.mark.parametrize(("make", "said"), STRANGERS.values(), ids=STRANGERS)
def test_what_is_no_file_of_ours_is_refused_and_left_alone(
    path: Path, make: Callable[[Path], object], said: str
) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError, match=rf"^{path}: .*{said}"):
        Database(path)
    assert before is None or path.read_bytes() == before


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"No such file or directory; let this account"):
        Database(tmp_path / "nowhere" / "file")


def test_an_empty_file_is_a_new_one(path: Path) -> None:
    path.touch()
    with opened(path) as database:
        assert database.version == len(SCHEMA)


# Shared


def test_only_what_others_write_changes_the_data_version(path: Path) -> None:
    with opened(path) as database, opened(path) as other:
        first = database.data_version
        with database.transaction() as connection:
            connection.execute("INSERT INTO setting VALUES ('own', '1')")
        with other.transaction("read") as connection:
            connection.execute("SELECT * FROM setting").fetchall()
        assert database.data_version == first
        with other.transaction() as connection:
            connection.execute("INSERT INTO setting VALUES ('other', '1')")
        second = database.data_version
        assert second != first
        assert database.data_version == second


def test_a_file_that_another_holds_is_said(path: Path) -> None:
    with opened(path, busy_timeout_s=0) as database:
        with (
            writing_held(path),
            pytest.raises(StoreError, match="another process holds it for too long"),
            database.transaction(),
        ):
            pass
        with database.transaction() as connection:  # and it is as good as before
            connection.execute("INSERT INTO setting VALUES ('a', '1')")


def test_a_second_connection_of_the_process_takes_nothing_from_the_first(path: Path, openers: list[Opener]) -> None:
    """POSIX drops all locks that a process has on a file when it closes any descriptor of it.

    Without its locks a connection counts for nothing: another process that is done deletes the log under it.
    """

    def let_another_write(name: str) -> None:
        openers[0].begin(path, name)
        openers[0].must_end()

    with opened(path) as database:
        with opened(path):
            pass
        let_another_write("a")
        with database.transaction() as connection:
            connection.execute("INSERT INTO setting VALUES ('b', 'kept')")
        let_another_write("c")
        with database.transaction("read") as connection:
            assert [row["name"] for row in connection.execute("SELECT name FROM setting")] == ["a", "b", "c"]
    with raw_connection(path) as connection:
        assert names_in(connection) == ["a", "b", "c"]


# Transactions


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, sqlite3.OperationalError])
def test_nothing_of_a_transaction_that_fails_is_kept(path: Path, fault: type[BaseException]) -> None:
    expected = StoreError if issubclass(fault, sqlite3.Error) else fault
    with opened(path) as database:

        def fail() -> None:
            with database.transaction() as connection:
                connection.execute("INSERT INTO setting VALUES ('a', '1')")
                raise fault

        with pytest.raises(expected):
            fail()
        with database.transaction() as connection:
            assert connection.execute("SELECT count(*) FROM setting").fetchone()[0] == 0


def test_a_row_that_refers_to_nothing_is_not_written(path: Path) -> None:
    with opened(path) as database:

        def write() -> None:
            with database.transaction() as connection:
                connection.execute("INSERT INTO token_use (token, user, name, at) VALUES (99, 'a', 'b', 'c')")

        with pytest.raises(StoreError, match="FOREIGN KEY"):
            write()


@pytest.mark.parametrize("replace", [Path.unlink, lambda path: path.rename(path.with_name("aside"))])
def test_a_file_that_is_replaced_is_not_used_any_more(path: Path, replace: Callable[[Path], object]) -> None:
    """Else the server would go by another file than commands change."""
    fill(path)
    with opened(path) as database:
        replace(path)
        for is_made_anew in (False, True):
            if is_made_anew:
                fill(path)
            with pytest.raises(StoreError, match=r"removed or replaced .*restart the server"), database.transaction():
                pass
            with pytest.raises(StoreError, match="removed or replaced"):
                _ = database.data_version


def test_a_closed_database_says_so_and_closes_again(path: Path) -> None:
    database = Database(path)
    database.close()
    database.close()
    with pytest.raises(StoreError, match="closed"):
        _ = database.version
