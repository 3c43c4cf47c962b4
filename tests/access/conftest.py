import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings
from trio.testing import MockClock

settings.register_profile("access", deadline=None)  # a busy machine is no failure
settings.load_profile("access")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the rules are kept: a folder with nothing else in it."""
    folder = tmp_path / "kept"
    folder.mkdir()
    return folder / "access.sqlite3"


@pytest.fixture
def clock() -> MockClock:
    """Real time, because threads are waited for; a test hurries it with `jump`."""
    return MockClock(rate=1.0)


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[sqlite3.Connection]]:
    """Every connection that is opened to a database, the oldest first: to be made to fail as a disk would."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def connect_and_note(*args: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*args, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", connect_and_note)
    yield opened
    for connection in opened:
        connection.close()


@pytest.fixture(autouse=True)
def fresh_structlog() -> Iterator[None]:
    """Tests that look at the log find it as it is by default."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
