"""The operator's side: a real server that is configured, and commands, each in a process of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from tests.independent.client import APP, Client
from tests.independent.keys import ED25519, PublicKey, UserKey, from_base64
from tests.independent.serving import POLL_S, START_S, Server, running_server

T = TypeVar("T")
Said = list[dict[str, Any]]


class Ended(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


Operator = Callable[[Sequence[str]], Ended]
"""Gives a command, and waits for its end."""

# A process that has loaded the package, and forks for each command: most of what one takes is to load it.
STANDS_BY = """
import gc, json, os, sys
from ric0_trio.cli import main
gc.freeze()  # or each would take the whole package apart at its end
for line in sys.stdin:
    words, files = json.loads(line)
    child = os.fork()
    if not child:
        for number, file in enumerate(files, start=1):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        sys.argv = ["ric0-trio", *words]
        main()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def start(words: Sequence[str]) -> "subprocess.Popen[str]":
    """Begin a command as a shell does."""
    command = [sys.executable, "-m", "ric0_trio", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(command: "subprocess.Popen[str]") -> Ended:
    with command:
        out, err = command.communicate(timeout=START_S)
    return Ended(command.returncode, out, err)


def call(words: Sequence[str]) -> Ended:
    return finish(start(words))


@contextmanager
def standing_by(folder: Path) -> Iterator[Operator]:
    """An operator who is quick."""
    files = [folder / "out", folder / "err"]
    pipe, command = subprocess.PIPE, [sys.executable, "-c", STANDS_BY]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asks, answers = process.stdin, process.stdout

        def give(words: Sequence[str]) -> Ended:
            asks.write(json.dumps([list(words), [str(file) for file in files]]) + "\n")
            asks.flush()
            return Ended(int(answers.readline()), *(file.read_text() for file in files))

        yield give
        asks.close()


@dataclass(frozen=True)
class Site:
    """A server, and the data directory by which its operator reaches it."""

    server: Server
    folder: Path
    operator: Operator = call

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> str:
        return (self.folder / "output.txt").read_text()

    def words(self, *words: str) -> list[str]:
        return [*words, "--data-dir", str(self.data)]

    def run(self, *words: str) -> str:
        """What a command printed, which has to succeed."""
        ended = self.operator(self.words(*words))
        assert ended.code == 0, ended.err
        return ended.out

    def read(self, *words: str) -> Any:
        """What a command told with --json."""
        return json.loads(self.run(*words, "--json"))

    def make_token(self, *options: str) -> str:
        return self.run("token", "create", *options).strip()

    def audit(self) -> Said:
        return [json.loads(line) for line in self.run("audit", "--since", "1h", "--json").splitlines()]

    def audit_with(self, event: str, number: int) -> Said:
        """The audit, once it has so many entries of `event`: what users do is written down soon after."""
        return wait_until(self.audit, lambda entries: [each["event"] for each in entries].count(event) >= number)

    def challenged(self) -> Client:
        client = self.server.client()
        assert client.challenge()["status"] == "success"
        return client

    def connected(
        self, user: UserKey, *, name: str = "Ada", join_token: str | None = None, app: dict[str, Any] = APP
    ) -> Client:
        client = self.challenged()
        reply = client.connect(user, name, join_token=join_token, app=app)
        assert reply["status"] == "success", reply
        return client


@contextmanager
def open_site(folder: Path, config: str = "", operator: Operator = call) -> Iterator[Site]:
    """A server with this configuration; killed at the end, if it still runs then."""
    (folder / "ric0.toml").write_text(config)
    with running_server(folder, "--config", str(folder / "ric0.toml")) as server:
        yield Site(server, folder, operator)


class ServersOwnKey(UserKey):
    """What a client claims that would be the server. Only the server can sign with it."""

    format = ED25519

    def __init__(self, public: PublicKey) -> None:
        self._public = public

    def public_bytes(self) -> bytes:
        return from_base64(self._public["key"])

    def sign(self, message: bytes) -> bytes:
        return bytes(64)


def wait_until(look: Callable[[], T], holds: Callable[[T], object]) -> T:
    """Look until it holds, and return what was seen then."""
    deadline = time.monotonic() + START_S
    while not holds(seen := look()):
        assert time.monotonic() < deadline, seen
        time.sleep(POLL_S)
    return seen
