"""`ric0-trio audit`: what happened."""

from datetime import datetime
from typing import Final

import click

from ric0_trio.access import audit as kept
from ric0_trio.access.records import Entry
from ric0_trio.access.rulebook import Rulebook
from ric0_trio.cli.data import Data, data_options
from ric0_trio.cli.show import shorten, show_json, to_words
from ric0_trio.cli.values import PAST, find_user

_LAST: Final = 100
_MOST: Final = 1_000_000


@click.command()
@click.option("--since", type=PAST, help=f"All since 2026-11-01T00:00:00Z, or 3d ago.  [default: the last {_LAST}]")
@click.option("--user", help="About this user alone.")
@data_options
def audit(data: Data, as_json: bool, since: datetime | None, user: str | None) -> None:
    """Show what happened: who, when, from where and why.

    Every change of a rule, and every user who was let in, refused, put out or left; an object a line with --json.
    How much is kept is configured in [audit]. Users who could not prove who they are stand in the server's log alone.

    \b
    Examples:
      ric0-trio audit --since 1h
      ric0-trio audit --since 2026-11-01T00:00:00Z --user ed25519:9f3c0a1b2c3d --json
    """
    data.require_database()
    with data.database() as database, database.transaction("read") as connection:
        who = None if user is None else find_user(user, Rulebook(connection))
        entries, has_more = kept.read(connection, since=since, user=who, last=_LAST if since is None else _MOST)
    for entry in entries:
        if as_json:
            show_json(entry)
        else:
            click.echo(f"{to_words(entry.at)}  {entry.event:<14}  {to_words(_tell(entry))}".rstrip())
    if not entries and not as_json:
        click.echo("nothing has happened yet")
    if has_more:
        click.echo("there is more, and older: see --since", err=True)


def _tell(entry: Entry) -> str:
    about = [
        shorten(entry.user),
        entry.name and f'"{entry.name}"',
        entry.client and f"with {entry.client}",
        entry.peer and f"from {entry.peer}",
        f"by {entry.actor}" if entry.actor != "server" else "",
    ]
    parts = [" ".join(filter(None, about)), entry.status, entry.detail]
    return ": ".join(filter(None, parts))
