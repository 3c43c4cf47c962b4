"""The control socket: how commands reach a running server. A line of JSON in, a line of JSON out, and the end.

It is a Unix socket in the data directory, of mode 0600: whoever can open it is the operator.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
import structlog
import trio

from ric0_trio.access.database import StoreError
from ric0_trio.access.places import Place
from ric0_trio.access.rules import Policy
from ric0_trio.access.sqlite import SqliteAccess
from ric0_trio.protocol import Fingerprint, ServerProfile
from ric0_trio.server.listening import listen_at_unix_socket

MAX_REQUEST_BYTES: Final = 16 * 1024
_TIMEOUT_S: Final = 10.0
_AT_ONCE: Final = 8
_OWNER_ALONE: Final = 0o600


class Who(msgspec.Struct, frozen=True, tag="who"):
    """Who is connected, and by what policy?"""


class KickUser(msgspec.Struct, frozen=True, tag="kick"):
    """Put a user out."""

    user: Fingerprint
    reason: str
    actor: str


class Refresh(msgspec.Struct, frozen=True, tag="refresh"):
    """Someone was banned: put them out."""


class Review(msgspec.Struct, frozen=True, kw_only=True, tag="review"):
    """The rules have changed: put out whoever would not be let in now. Of this user, or with this software, alone."""

    user: Fingerprint | None = None
    client: str | None = None
    actor: str


Request = Who | KickUser | Refresh | Review


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """One connection of a user who is on."""

    user: Fingerprint
    name: str
    type: str
    client: str
    peer: str
    since: datetime
    connection: str


class Answer(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the server says."""

    error: str | None = None
    """Why it could not be done; nothing else is told then."""
    closed: int = 0
    """How many connections were put out."""
    present: Sequence[Present] = ()
    policy: Policy = Policy()
    key_formats: Sequence[str] = ()
    problem: str | None = None
    """Why nobody can be let in, if that is so."""
    server: Fingerprint | None = None
    """The server's own key."""


@contextmanager
def bind_control_socket(path: Path) -> Iterator[trio.SocketListener]:
    """Listen at `path` while the block lasts. Raises `OSError` when that is no place for a socket.

    Whatever is there already is taken to be left over from a crash: hold the lock of the data directory.
    """
    path.unlink(missing_ok=True)
    with listen_at_unix_socket(path, mode=_OWNER_ALONE) as listener:
        yield listener


class ControlSocket:
    """Answers commands while `serve` runs."""

    def __init__(self, access: SqliteAccess, profile: Callable[[], ServerProfile]) -> None:
        """`profile` gives what the server is, which can change."""
        self._access = access
        self._profile = profile
        self._room = trio.Semaphore(_AT_ONCE)
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    async def serve(self, listener: trio.SocketListener) -> None:
        """Answer until cancelled."""
        await trio.serve_listeners(self._attend, [listener])

    async def _attend(self, stream: trio.SocketStream) -> None:
        try:
            with trio.move_on_after(_TIMEOUT_S):
                async with self._room:
                    answer = await self._answer(await _read_line(stream))
                    await stream.send_all(msgspec.json.encode(answer) + b"\n")
        except trio.BrokenResourceError:  # the command was stopped
            pass
        except Exception:  # the connection's boundary, as in Connection.run
            self._log.exception("control.failed")
        finally:
            await trio.aclose_forcefully(stream)

    async def _answer(self, line: bytes) -> Answer:
        try:
            request: Request = msgspec.json.decode(line, type=Request)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            return Answer(error=f"the request is not understood: {error}")
        try:
            match request:
                case Who():
                    return self._who()
                case KickUser(user, reason, actor):
                    return Answer(closed=await self._access.kick(user, reason, actor))
                case Refresh():
                    return Answer(closed=await self._access.refresh())
                case Review(user=user, client=client, actor=actor):
                    return Answer(closed=await self._access.review(user=user, client=client, actor=actor))
        except StoreError as error:
            return Answer(error=str(error))

    def _who(self) -> Answer:
        return Answer(
            present=[_present(place) for place in self._access.who()],
            policy=self._access.policy,
            problem=self._access.problem,
            key_formats=sorted(self._profile().accepted_key_formats),
            server=self._profile().info.pubkey.fingerprint,
        )


def _present(place: Place) -> Present:
    guest = place.guest
    return Present(
        user=guest.fingerprint,
        name=guest.user.name,
        type=guest.user.type,
        client=guest.client,
        peer=guest.peer,
        since=place.since,
        connection=place.applicant.connection_id,
    )


async def _read_line(stream: trio.SocketStream) -> bytes:
    line = b""
    while not line.endswith(b"\n") and len(line) < MAX_REQUEST_BYTES:
        piece = await stream.receive_some(MAX_REQUEST_BYTES)
        if not piece:
            break
        line += piece
    return line
