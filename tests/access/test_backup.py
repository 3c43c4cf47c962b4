"""A copy of everything at one moment: whole, for its owner alone, or not there at all."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from stat import S_IMODE

import pytest

from ric0_trio.access.database import StoreError
from tests.access.failing import files_limited_to
from tests.access.files import NOISE, PAGE, editing, fill, opened, overwrite_at, raw_connection
from tests.access.make_schema import dump
from tests.access.stage import PATIENCE_S, fingerprint


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where a copy goes: a folder with nothing else in it."""
    folder = tmp_path / "copies"
    folder.mkdir()
    return folder / "copy.sqlite3"


def test_a_copy_is_whole_and_its_owners_alone(path: Path, target: Path) -> None:
    fill(path)
    before = os.umask(0)
    try:
        with opened(path) as database:
            database.back_up(target)
    finally:
        os.umask(before)
    assert list(target.parent.iterdir()) == [target]  # no log beside it that could be forgotten
    with raw_connection(target) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)  # and none is made by reading it
    assert S_IMODE(target.stat().st_mode) == 0o600
    assert dump(target) == dump(path)
    with opened(target) as copy:
        assert copy.find_damage() == []


def test_a_copy_holds_what_is_not_yet_moved_from_the_log(path: Path, target: Path) -> None:
    fill(path)
    with opened(path) as database:
        assert database.version  # from now on, it is there
        with editing(path) as editor:
            editor.add_member(fingerprint(77))
        assert path.with_name(f"{path.name}-wal").stat().st_size > 0
        database.back_up(target)
    assert dump(target) == dump(path)


def test_copies_are_consistent_while_another_writes(path: Path, target: Path) -> None:
    """The writer keeps two rows equal, and adds pages all the time."""
    is_over, has_begun = threading.Event(), threading.Event()
    step = "UPDATE setting SET value = CAST(value AS INTEGER) + 1 WHERE name = ?"
    with opened(path) as database:
        with database.transaction() as connection:
            connection.executemany("INSERT INTO setting VALUES (?, '0')", [("a",), ("z",)])

        def write() -> None:
            with opened(path) as other:
                while not is_over.is_set():
                    with other.transaction() as connection:
                        connection.execute(step, ("a",))
                        connection.execute("INSERT INTO setting VALUES (hex(randomblob(8)), hex(zeroblob(2000)))")
                        connection.execute(step, ("z",))
                    has_begun.set()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            assert has_begun.wait(PATIENCE_S)
            copies = [target.with_name(str(number)) for number in range(8)]
            for copy in copies:
                database.back_up(copy)
        finally:
            is_over.set()
            writer.join()
    for copy in copies:
        with opened(copy) as found:
            assert found.find_damage() == []
        with raw_connection(copy) as connection:
            (count,) = connection.execute("SELECT count(*) - 2 FROM setting").fetchone()
            values = connection.execute("SELECT value FROM setting WHERE name IN ('a', 'z')").fetchall()
            assert values == [(str(count),)] * 2


@pytest.mark.parametrize(
    "occupy",
    [lambda path: path.write_text("a letter"), lambda path: path.symlink_to("nowhere"), Path.mkdir],
    ids=["file", "link to nothing", "folder"],
)
def test_nothing_is_overwritten(path: Path, target: Path, occupy: Callable[[Path], object]) -> None:
    occupy(target)
    before = target.lstat()
    with opened(path) as database, pytest.raises(FileExistsError):
        database.back_up(target)
    assert target.lstat() == before
    assert list(target.parent.iterdir()) == [target]


def test_a_missing_folder_is_told(path: Path, target: Path) -> None:
    with opened(path) as database, pytest.raises(FileNotFoundError):
        database.back_up(target.parent / "nowhere" / "copy")


def test_a_full_disk_leaves_nothing_behind(path: Path, target: Path) -> None:
    fill(path)
    with opened(path) as database:
        with files_limited_to(path.stat().st_size // 2), pytest.raises(StoreError, match="full"):
            database.back_up(target)
        assert list(target.parent.iterdir()) == []
        database.back_up(target)
    assert dump(target) == dump(path)


@pytest.mark.parametrize(
    "damage",
    [lambda path: overwrite_at(path, NOISE, 7 * PAGE), lambda path: os.truncate(path, PAGE)],
    ids=["overwritten", "cut"],
)
def test_damage_is_not_copied(path: Path, target: Path, damage: Callable[[Path], None]) -> None:
    fill(path)
    with opened(path) as database:
        damage(path)
        with pytest.raises(StoreError, match=rf"^{path}: .*(damaged|the disk fails)"):
            database.back_up(target)
        assert list(target.parent.iterdir()) == []
