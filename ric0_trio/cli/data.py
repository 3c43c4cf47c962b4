"""What a command that deals with the rules works on: the data directory, and the server that may run there."""

import os
import pwd
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from ric0_trio.access import moments
from ric0_trio.access.database import Database, StoreError
from ric0_trio.access.editing import Editor
from ric0_trio.access.rulebook import Rulebook
from ric0_trio.cli.dev_setup import DEV_FOLDER
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.paths import FILE, FOLDER
from ric0_trio.cli.show import tell_note
from ric0_trio.config import Config, load_config
from ric0_trio.config_errors import ConfigError
from ric0_trio.data_dir import DataDir, DataDirError
from ric0_trio.server.control import Answer, Refresh, Request, Review, Who

_ANSWER_TIMEOUT_S: Final = 10.0


class Data:
    """The data directory that the command was pointed at."""

    def __init__(self, config: Config) -> None:
        self.config: Final = config
        self.files: Final = DataDir(config.data_dir.absolute())

    @contextmanager
    def changing(self, *, makes: bool = False) -> Iterator[Editor]:
        """Change rules: everything in the block, or nothing when it raises. `makes` what is not there yet."""
        if makes and not self.has_database():
            self._make()
        self.require_database()
        with self.database() as database, database.transaction() as connection:
            yield Editor(connection, find_account(), moments.now())

    @contextmanager
    def reading(self) -> Iterator[Rulebook]:
        """Look at the rules, as they are at one moment."""
        self.require_database()
        with self.database() as database, database.transaction("read") as connection:
            yield Rulebook(connection)

    @contextmanager
    def database(self, *, any_version: bool = False) -> Iterator[Database]:
        """Open the database, and say it to the operator when that or anything in the block fails for its sake."""
        try:
            database = Database(self.files.database, any_version=any_version)
            try:
                yield database
            finally:
                database.close()
        except StoreError as error:
            raise CommandError(str(error), Exit.FAILED) from None

    def has_database(self) -> bool:
        """Whether anything is kept here. Raises `CommandError` when this account may not know."""
        try:
            found = self.files.database
            return found.exists() and found.stat().st_size > 0  # an empty one is what is left of an accident
        except PermissionError:
            raise self._not_ours() from None

    def require_database(self) -> None:
        """Complain if nothing is kept here: a wrong folder should not look like an empty one."""
        if self.has_database():
            return
        hint = ""
        if DataDir(DEV_FOLDER).database.exists():
            hint = f"\nThere is something in {DEV_FOLDER}, where `serve --dev` keeps it: --data-dir {DEV_FOLDER}"
        why = f"nothing is kept in {self.files.folder} yet; see --data-dir and --config"
        raise CommandError(f"{why}{hint}", Exit.CONFIG)

    def ask(self, request: Request) -> Answer | None:
        """Ask the server that runs here. None when there is none. Raises `CommandError`."""
        try:
            told = self._talk(msgspec.json.encode(request) + b"\n")
            if told is None:
                return None
            answer = msgspec.json.decode(told, type=Answer)
        except PermissionError:
            raise self._not_ours() from None
        except (OSError, msgspec.MsgspecError) as error:
            where = self.files.control_socket
            raise CommandError(f"{where}: the server gave no answer: {error}", Exit.NO_ANSWER) from None
        if answer.error is not None:
            raise CommandError(f"the server could not do it: {answer.error}", Exit.FAILED)
        if answer.problem is not None:
            tell_note(f"the server lets nobody in: {answer.problem}")
        return answer

    def glance(self) -> Answer | None:
        """Look at the server that runs here, if it answers: one that hangs must not keep a rule from being changed."""
        try:
            return self.ask(Who())
        except CommandError:
            return None

    def ask_running(self, request: Request) -> Answer:
        """Ask the server that runs here. Raises `CommandError` when there is none, too."""
        answer = self.ask(request)
        if answer is None:
            why = f"no server runs on {self.files.folder}; see --data-dir and --config"
            raise CommandError(why, Exit.NO_ANSWER)
        return answer

    def make_known(self, request: Refresh | Review) -> int | None:
        """Have the server act on a change of rules that is kept already; it would see a ban by itself in a second.

        Returns how many connections it closed; None when no server runs.
        """
        try:
            answer = self.ask(request)
        except CommandError as error:
            raise CommandError(f"the change is kept, but {error}", error.code) from None
        return None if answer is None else answer.closed

    def _talk(self, line: bytes) -> bytes | None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
                link.settimeout(_ANSWER_TIMEOUT_S)
                _connect(link, str(self.files.control_socket))
                link.sendall(line)
                with link.makefile("rb") as received:
                    return received.read()
        except (FileNotFoundError, ConnectionRefusedError):
            if self.files.is_held:
                raise OSError("its control socket is gone; restart it") from None
            return None

    def _make(self) -> None:
        try:
            self.files.make()
        except DataDirError as error:
            raise CommandError(str(error), Exit.CONFIG) from None
        with self.database():
            click.echo(f"made {self.files.database}: no server has run there yet", err=True)

    def _not_ours(self) -> CommandError:
        why = "this account may not look there; give the command as the server's account"
        return CommandError(f"{self.files.folder}: {why}", Exit.CONFIG)


def server_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--config`, `--data-dir` and `--json`: it is called with `config_file`, `data_dir`, `as_json`."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("--data-dir", type=FOLDER, help="The server's data directory.  [default: ric0-data]"),
        click.option("--config", "config_file", type=FILE, help="The server's TOML file."),
    ):
        command = option(command)
    return command


def data_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the same options; it is called with `data` and `as_json`."""

    @server_options
    @wraps(command)
    def with_data(config_file: Path | None, data_dir: Path | None, **rest: Any) -> None:
        try:
            config = load_config(config_file, os.environ, {"data_dir": data_dir})
        except ConfigError as error:
            raise CommandError(str(error), Exit.CONFIG) from None
        command(data=Data(config), **rest)

    return with_data


def find_account() -> str:
    """Who gives the command, for the audit."""
    number = os.geteuid()
    try:
        account = pwd.getpwuid(number).pw_name
    except KeyError:  # as in containers
        account = f"uid {number}"
    asked_by = os.environ.get("SUDO_USER") if number == 0 else None
    return f"{asked_by} (as {account})" if asked_by else account


def _connect(link: socket.socket, path: str) -> None:
    deadline = time.monotonic() + _ANSWER_TIMEOUT_S
    while True:
        try:
            link.connect(path)
            return
        except BlockingIOError:  # too many commands wait already
            if time.monotonic() > deadline:
                raise TimeoutError("it is busy") from None
            time.sleep(0.02)
        except OSError as error:
            if error.errno is None:  # of Python itself: a path that is too long, so no server is there
                raise FileNotFoundError(path) from None
            raise
