"""What a look through the whole file finds: damaged pages, and rows that do not fit each other."""

from contextlib import suppress
from pathlib import Path

import pytest

from ric0_trio.access.database import StoreError
from tests.access.files import NOISE, PAGE, editing, fill, opened, overwrite_at, raw_connection, reading
from tests.access.stage import fingerprint


def all_but_the_first_page(path: Path) -> list[tuple[str, int]]:
    with raw_connection(path) as connection:
        rows = connection.execute("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 1")
        return [(str(name), int(page)) for name, page in rows]


@pytest.mark.parametrize("piece", [NOISE, bytes(PAGE), bytes(3)], ids=["noise", "zeros", "a head of zeros"])
def test_every_damaged_page_is_found(path: Path, piece: bytes) -> None:
    fill(path)
    whole, pages = path.read_bytes(), all_but_the_first_page(path)
    assert len(pages) == len(whole) // PAGE - 1
    silent = []
    for name, page in pages:
        path.write_bytes(whole)
        overwrite_at(path, piece, (page - 1) * PAGE)
        with opened(path) as database, suppress(StoreError):
            if not database.find_damage():
                silent.append(name)
    assert silent == []


def test_damage_is_told_rather_than_raised(path: Path) -> None:
    fill(path)
    page = dict(all_but_the_first_page(path))["member"]
    overwrite_at(path, bytes(PAGE), (page - 1) * PAGE)
    with opened(path) as database:
        assert database.find_damage()


def test_an_index_that_missed_a_write_is_found(path: Path) -> None:
    fill(path)
    page = dict(all_but_the_first_page(path))["audit_by_time"]
    before = path.read_bytes()[(page - 1) * PAGE : page * PAGE]
    with editing(path) as editor:
        editor.add_member(fingerprint(77))
    overwrite_at(path, before, (page - 1) * PAGE)
    with opened(path) as database:
        assert any("missing from index audit_by_time" in line for line in database.find_damage())


def test_a_reference_to_nothing_is_found(path: Path) -> None:
    fill(path)
    with raw_connection(path) as connection:
        connection.execute("DELETE FROM token")
    with opened(path) as database:
        damage = database.find_damage()
    assert {line.split(" refers ")[0] for line in damage} == {"a row of member", "a row of token_use"}
    assert all("one of token that is not there" in line for line in damage)
    with reading(path) as rules:  # which can still be read
        assert rules.token_uses()
