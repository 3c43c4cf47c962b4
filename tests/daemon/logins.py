"""Users who log in again and again while a server is stopped, started or changed, and take note of each answer."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from websockets.exceptions import InvalidHandshake

from tests.independent.client import Client
from tests.independent.keys import ED25519, UserKey, fingerprint, make_key
from tests.independent.serving import START_S
from tests.independent.wire import ClosedError

T = TypeVar("T")

USERS = 4
_NOT_OPENED = (OSError, EOFError, InvalidHandshake)


@dataclass(frozen=True)
class Login:
    """What became of one `connect` that was sent on an open WebSocket."""

    user: str
    """The fingerprint."""
    ended: str | int | None
    """The status of the reply, or the code of the Close frame that came instead; None when neither came."""


class Logins:
    """What has happened so far. The lists are only added to."""

    def __init__(self, ca: Path) -> None:
        self.all: list[Login] = []
        self.not_opened: list[Exception] = []
        """Why there was no WebSocket, each time."""
        self.closed_before: list[int | None] = []
        """The codes with which WebSockets were closed before a `connect` was sent."""
        self._ca = ca
        self._url: str | None = None
        self._news = threading.Condition()
        self._is_over = False

    def go_to(self, url: str) -> None:
        """From here on the server is there. Until it is said where, all wait."""
        with self._news:
            self._url = url
            self._news.notify_all()

    def wait_for_more(self, number: int) -> None:
        """Wait until so many more users have been let in."""
        with self._news:
            wanted = self._successes + number
            assert self._news.wait_for(lambda: self._successes >= wanted, START_S), (self.all, self.not_opened)

    def end(self) -> None:
        """Begin no other login."""
        with self._news:
            self._is_over = True
            self._news.notify_all()

    def go_on_as(self, user: UserKey) -> None:
        """Log in and leave, one time after the other, until the end."""
        refused_at = None
        while (url := self._wait_for_server(refused_at)) is not None:
            try:
                client = Client(url, ca=self._ca)
            except _NOT_OPENED as error:
                self._note(self.not_opened, error)
                refused_at = url if isinstance(error, ConnectionRefusedError) else None
            else:
                with client:
                    self._log_in(client, user)

    def _wait_for_server(self, refused_at: str | None) -> str | None:
        """Where to go next: nowhere at the end. Where it was refused, nobody will be again, but elsewhere."""
        with self._news:
            assert self._news.wait_for(lambda: self._is_over or self._url not in (None, refused_at), START_S)
            return None if self._is_over else self._url

    def _log_in(self, client: Client, user: UserKey) -> None:
        try:
            client.challenge()
        except ClosedError as closed:
            self._note(self.closed_before, closed.code)
            return
        ended: str | int | None
        try:
            ended = client.connect(user)["status"]
        except ClosedError as closed:
            ended = closed.code
        self._note(self.all, Login(fingerprint(user.public), ended))
        if ended == "success":
            with suppress(ClosedError):
                client.disconnect()
                client.close()

    @property
    def _successes(self) -> int:
        return sum(login.ended == "success" for login in self.all)

    def _note(self, notes: list[T], note: T) -> None:
        with self._news:
            notes.append(note)
            self._news.notify_all()


@contextmanager
def constant_logins(ca: Path) -> Iterator[Logins]:
    """Some users who log in for as long as the block lasts. Raises what a server did that the protocol does not allow.

    Every `connect` that is sent on an open WebSocket has to end with a reply or a Close frame, also when the server
    never read it: the Close frame is sent before the connection is cut off, so it has come by then, and what has come
    can be read even after a reset. So there is no end that would have to be excused.
    """
    logins = Logins(ca)
    with ThreadPoolExecutor(USERS) as pool:
        users = [pool.submit(logins.go_on_as, make_key(ED25519)) for _ in range(USERS)]
        try:
            yield logins
        finally:
            logins.end()
    for user in users:
        user.result()
