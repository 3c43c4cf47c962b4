"""`ric0-trio who` and `ric0-trio kick`: who is connected to the server that runs, and putting them out."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Final

import click
from rich.live import Live

from ric0_trio.cli.data import Data, data_options, find_account
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.show import count, make_table, shorten, show_json, show_table, tell_note
from ric0_trio.cli.values import SENTENCE, find_user
from ric0_trio.server.control import KickUser, Present, Who

_WATCH_EVERY_S: Final = 1.0
_TITLES: Final = ("user", "name", "client", "from", "since")


@click.command()
@click.option("--watch", is_flag=True, help="Go on showing it, until Ctrl-C: off a terminal, whenever it changes.")
@data_options
def who(data: Data, as_json: bool, watch: bool) -> None:
    """Show who is connected, the latest first.

    Names and clients are what users say of themselves. USER alone is proved.

    \b
    Examples:
      ric0-trio who
      ric0-trio who --watch
      ric0-trio who --json | jq -r '.[].user'
    """
    present = _latest_first(data.ask_running(Who()).present)
    if not watch:
        _show(present, as_json=as_json)
    elif sys.stdout.isatty() and not as_json:
        _redraw(data)
    else:
        _show(present, as_json=as_json)
        for changed in _changes(data, present):
            _show(changed, as_json=as_json)
            sys.stdout.flush()


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
    closed = data.ask_running(KickUser(found, reason, find_account())).closed
    if not closed:
        raise CommandError(f"{found} is not connected", Exit.FAILED)
    if as_json:
        show_json({"user": found, "closed": closed})
    else:
        click.echo(f"{found}: {count(closed, 'connection')} closed")


def _show(present: Sequence[Present], *, as_json: bool) -> None:
    if as_json:
        show_json(present)
    else:
        show_table(_TITLES, _rows(present), empty="nobody is connected")


def _redraw(data: Data) -> None:
    with Live(auto_refresh=False, vertical_overflow="ellipsis") as screen:
        while True:
            answer = data.ask(Who())
            present = [] if answer is None else _latest_first(answer.present)
            table = make_table(_TITLES, _rows(present))
            table.title = (
                "no server runs now" if answer is None else f"{count(len(present), 'connection')}; Ctrl-C ends"
            )
            table.title_justify = "left"
            screen.update(table, refresh=True)
            time.sleep(_WATCH_EVERY_S)


def _changes(data: Data, before: Sequence[Present]) -> Iterator[Sequence[Present]]:
    """Who is connected, whenever that is not as before; a server that restarts is waited for."""
    is_there = True
    while True:
        time.sleep(_WATCH_EVERY_S)
        answer = data.ask(Who())
        present = [] if answer is None else _latest_first(answer.present)
        if answer is None and is_there:
            tell_note("no server runs now")
        is_there = answer is not None
        if present != before:
            yield present
            before = present


def _latest_first(present: Sequence[Present]) -> list[Present]:
    return sorted(present, key=lambda each: each.since, reverse=True)


def _rows(present: Sequence[Present]) -> list[tuple[object, ...]]:
    return [(shorten(each.user), _name(each), each.client, each.peer, each.since) for each in present]


def _name(each: Present) -> str:
    return each.name if each.type == "user" else f"{each.name} ({each.type})"
