"""A store with its control socket, and commands that are spoken by hand."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from ric0_trio.access import moments
from ric0_trio.access.audit import AuditBounds
from ric0_trio.access.database import Database
from ric0_trio.access.editing import Editor
from ric0_trio.access.rules import Mode, Policy
from ric0_trio.access.sqlite import SqliteAccess, open_sqlite_access
from ric0_trio.access.store import Applicant
from ric0_trio.protocol import Admit, Admitted, Kick, PrivateKey
from ric0_trio.server.control import ControlSocket, bind_control_socket
from ric0_trio.testing import CLIENT_APP, server_profile, user
from tests.server.site import PATIENCE_S

WHO = b'{"type": "who"}\n'


@dataclass(frozen=True)
class Station:
    """A store with its control socket."""

    access: SqliteAccess
    path: Path
    database: Path

    async def join(self, key: PrivateKey, connection_id: str = "c0ffee") -> list[Kick]:
        """Let a user in, and give what puts them out."""
        kicks: list[Kick] = []
        applicant = Applicant(connection_id, "192.0.2.1", kicks.append)
        assert await self.access.admit(applicant, Admit(user(key.public), CLIENT_APP, None)) == Admitted()
        return kicks

    async def say(self, said: bytes) -> bytes:
        """What is answered; nothing, when the line is dropped."""
        async with await trio.open_unix_socket(self.path) as stream:
            with suppress(trio.BrokenResourceError):
                await stream.send_all(said)
                await stream.send_eof()
            return await receive_rest(stream)

    async def ask(self, said: bytes) -> dict[str, Any]:
        heard = await self.say(said)
        assert heard.endswith(b"\n")
        answer: dict[str, Any] = json.loads(heard)
        return answer

    def change(self, change: Callable[[Editor], object]) -> None:
        """Change the rules as a command does."""
        database = Database(self.database)
        with database.transaction() as connection:
            change(Editor(connection, "olga", moments.now()))
        database.close()


async def receive_rest(stream: trio.SocketStream) -> bytes:
    """All that is sent until the end, however that comes."""
    received = b""
    with suppress(trio.BrokenResourceError):
        while piece := await stream.receive_some():
            received += piece
    return received


@asynccontextmanager
async def open_station(folder: Path, mode: Mode = Mode.OPEN) -> AsyncIterator[Station]:
    path, database = folder / "control.sock", folder / "access.sqlite3"
    with trio.fail_after(PATIENCE_S):
        async with (
            open_sqlite_access(database, Policy(mode), AuditBounds()) as access,
            trio.open_nursery() as nursery,
        ):
            with bind_control_socket(path) as listener:
                nursery.start_soon(ControlSocket(access, server_profile).serve, listener)
                yield Station(access, path, database)
                assert "error" not in await Station(access, path, database).ask(WHO)
                nursery.cancel_scope.cancel()
    assert not path.exists()
