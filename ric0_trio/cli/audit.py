"""`ric0-trio audit`: what happened."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import click

from ric0_trio.access.records import Entry
from ric0_trio.cli.data import Data, data_options
from ric0_trio.cli.show import show_json, tell_entry, tell_note
from ric0_trio.cli.values import PAST, find_user

_LAST: Final = 100


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
    with data.reading() as rules:
        who = None if user is None else find_user(user, rules)
        found: Iterable[Entry] = rules.find_entries(since=since, user=who, last=-1 if since else _LAST + 1)
        has_more = False
        if since is None:
            newest = list(found)
            has_more, found = len(newest) > _LAST, newest[-_LAST:]
        is_empty = True
        for entry in found:
            is_empty = False
            if as_json:
                show_json(entry)
            else:
                click.echo(tell_entry(entry))
    if is_empty:
        tell_note("nothing is kept about that; who could not prove a key stands in the server's log alone")
    if has_more:
        tell_note(f"these are the last {_LAST}; --since shows more")
