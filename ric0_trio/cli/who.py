"""`ric0-trio who` and `ric0-trio kick`: who is connected to the server that runs, and putting them out."""

import time
from collections.abc import Sequence
from typing import Final

import click
from rich.live import Live
from rich.table import Table

from ric0_trio.cli.data import Data, data_options
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.show import count, make_console, make_table, shorten, show_json, show_table
from ric0_trio.cli.values import SENTENCE, find_user
from ric0_trio.server.control import KickUser, Present, Who

_WATCH_EVERY_S: Final = 1.0
_TITLES: Final = ("user", "name", "client", "from", "since")


@click.command()
@click.option("--watch", is_flag=True, help="Go on showing it, until Ctrl-C.")
@data_options
def who(data: Data, as_json: bool, watch: bool) -> None:
    """Show who is connected.

    Names and clients are what users say of themselves. USER alone is proved.

    \b
    Examples:
      ric0-trio who
      ric0-trio who --watch
      ric0-trio who --json | jq -r '.[].user'
    """
    present = data.ask_running(Who()).present
    if not watch:
        if as_json:
            show_json(present)
        else:
            show_table(_TITLES, _rows(present), empty="nobody is connected")
        return
    if as_json:
        while True:
            show_json(present)
            time.sleep(_WATCH_EVERY_S)
            present = data.ask_running(Who()).present
    with Live(console=make_console(), auto_refresh=False) as screen:
        while True:
            screen.update(_show(present), refresh=True)
            time.sleep(_WATCH_EVERY_S)
            present = data.ask_running(Who()).present


@click.command()
@click.argument("user")
@click.option("--reason", type=SENTENCE, default="", help="What the user is told.")
@data_options
def kick(data: Data, as_json: bool, user: str, reason: str) -> None:
    """Close every connection of USER, with 4002. They may come back: see `ric0-trio user ban`.

    \b
    Example:
      ric0-trio kick ed25519:9f3c0a1b2c3d --reason "mind your tone"
    """
    with data.reading() as rules:
        found = find_user(user, rules)
    closed = data.ask_running(KickUser(found, reason, data.account)).closed
    if as_json:
        show_json({"user": found, "closed": closed})
    if not closed:
        raise CommandError(f"{found} is not connected", Exit.FAILED)
    if not as_json:
        click.echo(f"{found}: {count(closed, 'connection')} closed")


def _show(present: Sequence[Present]) -> Table:
    table = make_table(_TITLES, _rows(present))
    table.title = f"{count(len(present), 'connection')}; Ctrl-C ends"
    table.title_justify = "left"
    return table


def _rows(present: Sequence[Present]) -> list[tuple[object, ...]]:
    return [(shorten(each.user), _name(each), each.client, each.peer, each.since) for each in present]


def _name(each: Present) -> str:
    return each.name if each.type == "user" else f"{each.name} ({each.type})"
