"""What a command that deals with the rules works on: the data directory, and the server that may run there."""

import getpass
import os
import socket
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
from ric0_trio.cli.places import FILE, FOLDER
from ric0_trio.config import Config, ConfigError, load_config
from ric0_trio.data_dir import DataDir, DataDirError
from ric0_trio.server.control import Answer, Refresh, Request

_ANSWER_TIMEOUT_S: Final = 10.0


class Data:
    """The data directory that the command was pointed at."""

    def __init__(self, config: Config) -> None:
        self.config: Final = config
        self.places: Final = DataDir(config.data_dir)
        self.account: Final = _find_account()
        """Who gives the command, for the audit."""

    @contextmanager
    def changing(self) -> Iterator[Editor]:
        """Change rules: everything in the block, or nothing when it raises. Makes what is not there yet."""
        try:
            self.places.make()
        except DataDirError as error:
            raise CommandError(str(error), Exit.CONFIG) from None
        if not self.places.database.exists():
            click.echo(f"made {self.places.database}", err=True)
        with self.database() as database, database.transaction() as connection:
            yield Editor(connection, self.account, moments.now())

    @contextmanager
    def reading(self) -> Iterator[Rulebook]:
        """Look at the rules, as they are at one moment."""
        self.require_database()
        with self.database() as database, database.transaction("read") as connection:
            yield Rulebook(connection)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Open the database, and say it to the operator when that or anything in the block fails for its sake."""
        try:
            database = Database(self.places.database)
            try:
                yield database
            finally:
                database.close()
        except StoreError as error:
            raise CommandError(str(error), Exit.FAILED) from None

    def require_database(self) -> None:
        """Complain if nothing is kept here: a wrong folder should not look like an empty one."""
        if self.places.database.exists():
            return
        hint = ""
        if DataDir(DEV_FOLDER).database.exists() and self.places.folder != DEV_FOLDER:
            hint = f"\nThere is something in {DEV_FOLDER}, where `serve --dev` keeps it: --data-dir {DEV_FOLDER}"
        why = f"nothing is kept in {self.places.folder} yet; see --data-dir and --config"
        raise CommandError(f"{why}{hint}", Exit.CONFIG)

    def ask(self, request: Request) -> Answer | None:
        """Ask the server that runs here. None when there is none."""
        path = self.places.control_socket
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
                link.settimeout(_ANSWER_TIMEOUT_S)
                link.connect(str(path))
                link.sendall(msgspec.json.encode(request) + b"\n")
                with link.makefile("rb") as received:
                    answer = msgspec.json.decode(received.read(), type=Answer)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise CommandError(f"{path}: the server gave no answer: {error}", Exit.NO_ANSWER) from None
        if answer.error is not None:
            raise CommandError(f"the server could not do it: {answer.error}", Exit.FAILED)
        return answer

    def ask_running(self, request: Request) -> Answer:
        """Ask the server that runs here. Raises `CommandError` when there is none."""
        answer = self.ask(request)
        if answer is None:
            why = f"no server runs on {self.places.folder}; see --data-dir and --config"
            raise CommandError(why, Exit.NO_ANSWER)
        return answer

    def make_known(self, *, review: bool) -> int | None:
        """Have the server act on a change of rules that is kept already; it would see a ban by itself in a second.

        Returns how many connections it closed; None when no server runs.
        """
        try:
            answer = self.ask(Refresh(review))
        except CommandError as error:
            raise CommandError(f"the change is kept, but {error}", error.code) from None
        return None if answer is None else answer.closed


def data_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--config`, `--data-dir` and `--json`; it is called with `data` and `as_json`."""

    @click.option("--config", "config_file", type=FILE, help="The server's TOML file.")
    @click.option("--data-dir", type=FOLDER, help="The server's data directory.  [default: ric0-data]")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @wraps(command)
    def with_data(config_file: Path | None, data_dir: Path | None, **rest: Any) -> None:
        try:
            config = load_config(config_file, os.environ, {"data_dir": data_dir})
        except ConfigError as error:
            raise CommandError(str(error), Exit.CONFIG) from None
        command(data=Data(config), **rest)

    return with_data


def _find_account() -> str:
    account = getpass.getuser()
    asked_by = os.environ.get("SUDO_USER")
    return f"{asked_by} (as {account})" if asked_by else account
