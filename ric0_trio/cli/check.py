"""`ric0-trio check`: is what is kept sound?"""

import sqlite3
import sys
from collections import deque

import click

from ric0_trio.cli.data import Data, data_options
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.show import show_json


@click.command()
@data_options
def check(data: Data, as_json: bool) -> None:
    """Check the configuration and the whole database.

    It may be done while the server runs.

    Exit code 0 when all is well, 1 when the database is damaged, 78 when the configuration is wrong or nothing is
    kept there.

    \b
    Example:
      ric0-trio check --config ric0.toml
    """
    data.require_database()
    with data.database(any_version=True) as database:
        version, damage = database.version, database.find_damage()
    if not damage:
        damage = _find_nonsense(data)
    path = data.files.database
    if as_json:
        show_json({"database": str(path), "schema": version, "damage": damage})
    elif damage:
        click.echo(f"FAILED  {path} is damaged; stop the server, and put a backup in its place")
        for line in damage:
            click.echo(f"        {line}")
    else:
        click.echo(f"ok      {path}, schema {version}, read with SQLite {sqlite3.sqlite_version}")
    sys.exit(Exit.FAILED if damage else Exit.OK)


def _find_nonsense(data: Data) -> list[str]:
    """Read everything that is kept, as the server would."""
    try:
        with data.reading() as rules:
            for found in (rules.members(), rules.bans(), rules.client_rules(), rules.tokens(), rules.find_entries()):
                deque(found, maxlen=0)
            rules.client_default()
    except CommandError as error:
        return [str(error)]
    return []
