"""Files of every version that was released, and the way to the newest.

A version that is released gets its file in `schemas` with `python -m tests.access.make_schema`.
"""

from pathlib import Path

import pytest

from ric0_trio.access.database import Database, StoreError
from ric0_trio.access.schema import APPLICATION_ID, SCHEMA
from tests.access.files import fill, opened, raw_connection, reading, rows_of, schema_of
from tests.access.make_schema import FOLDER, dump

RELEASED = {int(file.stem.removeprefix("v")): file for file in sorted(FOLDER.iterdir())}

FIRST = "CREATE TABLE one (number INTEGER NOT NULL);\nINSERT INTO one VALUES (1)"
SECOND = "ALTER TABLE one RENAME TO two;\nINSERT INTO two VALUES (2)"
THIRD = "CREATE INDEX two_by_number ON two (number);\nUPDATE two SET number = number * 10"
BROKEN = "CREATE TABLE three (number INTEGER NOT NULL);\nINSERT INTO nowhere VALUES (3)"


@pytest.fixture(params=RELEASED)
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def old(version: int, tmp_path: Path) -> Path:
    """A file as that version left it."""
    path = tmp_path / "old.sqlite3"
    with raw_connection(path) as connection:
        connection.executescript(RELEASED[version].read_text(encoding="utf-8"))
    return path


def test_every_version_has_its_file() -> None:
    assert list(RELEASED) == list(range(1, len(SCHEMA) + 1))


def test_the_file_of_a_version_is_complete(old: Path, version: int) -> None:
    assert all(rows_of(old).values()), "a table without a row shows no loss"
    with raw_connection(old) as connection:
        marks = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id")]
    assert marks == [version, APPLICATION_ID]


def test_what_was_released_is_not_changed(old: Path, version: int, tmp_path: Path) -> None:
    """Fails when a change to a schema is no version of its own."""
    with opened(tmp_path / "made", schema=SCHEMA[:version]):
        assert schema_of(tmp_path / "made") == schema_of(old)


def test_an_old_file_gets_the_schema_of_a_fresh_one(old: Path, tmp_path: Path) -> None:
    with opened(old, is_server=True) as database, opened(tmp_path / "fresh") as fresh:
        assert database.version == fresh.version == len(SCHEMA)
        assert database.find_damage() == []
    assert schema_of(old) == schema_of(tmp_path / "fresh")


def test_an_old_file_loses_no_row(old: Path) -> None:
    before = rows_of(old)
    with opened(old, is_server=True), reading(old) as rules:
        assert rules.members()
        assert rules.bans()
        assert rules.client_rules()
        assert rules.tokens()
        assert rules.token_uses()
    after = rows_of(old)
    for table, rows in before.items():
        assert len(after[table]) == len(rows)
        for row, kept in zip(rows, after[table], strict=True):
            assert row.items() <= kept.items()


def test_opening_a_file_of_the_newest_version_changes_nothing(path: Path) -> None:
    fill(path)
    before = dump(path)
    with opened(path):
        pass
    assert dump(path) == before


# Schemas that are none of ours, to try more of them than there are


def test_all_that_is_pending_is_done_in_order(path: Path) -> None:
    with opened(path, schema=(FIRST,)) as database:
        assert database.version == 1
    with opened(path, is_server=True, schema=(FIRST, SECOND, THIRD)) as database:
        assert database.version == 3
    assert rows_of(path) == {"two": [{"number": 10}, {"number": 20}]}


@pytest.mark.parametrize("broken_at", [1, 2, 3])
def test_one_that_fails_leaves_the_file_whole_and_at_its_version(path: Path, broken_at: int) -> None:
    with opened(path, schema=(FIRST,)):
        before = dump(path)
    pending = [SECOND, THIRD]
    pending.insert(broken_at - 1, BROKEN)
    with pytest.raises(StoreError, match="no such table: nowhere"):
        Database(path, is_server=True, schema=(FIRST, *pending))
    assert dump(path) == before
    with opened(path, is_server=True, schema=(FIRST, SECOND)) as database:
        assert database.version == 2


def test_one_that_fails_on_a_new_file_leaves_it_empty(path: Path) -> None:
    with pytest.raises(StoreError, match="no such table: nowhere"):
        Database(path, schema=(FIRST, BROKEN))
    assert rows_of(path) == {}
    with opened(path) as database:
        assert database.version == len(SCHEMA)


def test_a_command_leaves_an_older_file_to_the_server(path: Path) -> None:
    """The one that runs may be of that version."""
    with opened(path, schema=(FIRST,)):
        before = dump(path)
    older = rf"^{path}: it has schema 1, and this ric0-trio 2; start the server of this version first"
    with pytest.raises(StoreError, match=older):
        Database(path, schema=(FIRST, SECOND))
    with opened(path, any_version=True, schema=(FIRST, SECOND)) as database:
        assert database.version == 1
    assert dump(path) == before


def test_a_file_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    with opened(path, schema=(*SCHEMA, "CREATE TABLE news (text TEXT NOT NULL)")):
        pass
    before = path.read_bytes()
    newer = rf"^{path}: a newer ric0-trio wrote it \(schema {len(SCHEMA) + 1}; this one knows {len(SCHEMA)}\)"
    with pytest.raises(StoreError, match=newer):
        Database(path)
    assert path.read_bytes() == before
