"""Users who log in, leave and come back without end, whatever becomes of the server, and what they are answered."""

import ssl
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from websockets.exceptions import InvalidHandshake

from tests.independent.client import Client
from tests.independent.keys import UserKey
from tests.independent.operating import wait_until
from tests.independent.serving import POLL_S
from tests.independent.wire import ClosedError


@dataclass
class ReturningUser:
    url: str
    ca: Path
    key: UserKey
    answers: Counter[str] = field(default_factory=Counter)
    """How often each came: the status of a reply, a close code, `refused` (nobody listened), `reset` (nothing was said
    before `connect` was sent), or `no reply` to it."""

    def log_in(self) -> str:
        """Log in once, and leave."""
        is_sent = False
        try:
            with Client(self.url, ca=self.ca) as client:
                client.challenge()
                is_sent = True
                status = str(client.connect(self.key)["status"])
                client.close()
                return status
        except ConnectionRefusedError:
            return "refused"
        except ClosedError as closed:
            return str(closed.code) if closed.code is not None else "no reply" if is_sent else "reset"
        except (InvalidHandshake, ConnectionError, ssl.SSLError, EOFError):
            return "no reply" if is_sent else "reset"

    def go_on(self, over: Event) -> None:
        while not over.wait(POLL_S):
            self.answers[self.log_in()] += 1


@contextmanager
def returning(users: list[ReturningUser]) -> Iterator[None]:
    """Have them come and go while the block lasts."""
    over = Event()
    with ThreadPoolExecutor(len(users)) as threads:
        running = [threads.submit(user.go_on, over) for user in users]
        try:
            yield
        finally:
            over.set()
    for each in running:
        each.result()


def wait_until_each_got_in(users: list[ReturningUser]) -> None:
    """Wait until each has logged in once more."""
    before = [user.answers["success"] for user in users]
    wait_until(
        lambda: [user.answers["success"] for user in users],
        lambda now: all(after > number for number, after in zip(before, now, strict=True)),
    )
