"""A disk that fails: those who are on stay on, nobody is let in meanwhile, and all is well when it is mended."""

import sqlite3
from pathlib import Path

import pytest

from ric0_trio.protocol import State
from ric0_trio.testing import CONNECT, DISCONNECT
from tests.access.conftest import connections, path
from tests.access.failing import FAILURES, Failure
from tests.access.stage import OPEN, open_store
from tests.hostile.site import under_attack

__all__ = ["connections", "path"]

COUNTABLE = {name: FAILURES[name] for name in ("full", "disk fails", "read-only", "replaced")}
"""The others are made by a second connection of this process, of which SQLite keeps a descriptor."""


@pytest.mark.parametrize("failure", COUNTABLE.values(), ids=COUNTABLE)
async def test_a_disk_that_fails(failure: Failure, connections: list[sqlite3.Connection], path: Path) -> None:
    async with (
        open_store(path, OPEN) as access,
        under_attack(access=access, complains={"access.failed"}) as site,
        site.visitors(),
    ):
        user = await site.client(State.CONNECTED)
        with failure.breaks(connections[0], path):
            newcomer = await site.client(State.CHALLENGED)
            assert (await newcomer.ask(CONNECT))["status"] == "unknown_error"
            assert (await user.ask(CONNECT))["status"] == "already_connected"
            assert (await user.ask(DISCONNECT))["status"] == "success"
            assert (await user.ask(CONNECT))["status"] == "unknown_error"
        assert (await newcomer.ask(CONNECT))["status"] == "success"
        assert (await user.ask(CONNECT))["status"] == "success"
