"""The real command under attack: what it uses, and limits on that, changed while it runs."""

import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.independent.client import Client
from tests.independent.keys import ED25519, UserKey, make_key
from tests.independent.serving import POLL_S, START_S, Server


def descriptors_of(server: Server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def memory_of(server: Server) -> int:
    """What is resident, in bytes."""
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def log_of(folder: Path) -> str:
    return (folder / "output.txt").read_text()


@contextmanager
def limited(server: Server, what: int, soft: int) -> Iterator[None]:
    """The running server may have so much of a resource, for as long as the block lasts."""
    before, hard = resource.prlimit(server.process.pid, what)
    resource.prlimit(server.process.pid, what, (soft, hard))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, what, (before, hard))


@contextmanager
def crowd(server: Server, number: int) -> Iterator[None]:
    """So many TCP connections, and nothing on them."""
    place = urlsplit(server.url)
    with ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(socket.create_connection((place.hostname, place.port)))
        yield


def challenged(server: Server) -> Client:
    client = server.client()
    assert client.challenge()["status"] == "success"
    return client


def connected(server: Server, user: UserKey | None = None) -> Client:
    client = challenged(server)
    assert client.connect(user or make_key(ED25519))["status"] == "success"
    return client


def check_is_on(client: Client) -> None:
    """Whoever is may ask, and is answered."""
    assert client.request("connect", {})["status"] == "invalid_message"


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + START_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(POLL_S)
