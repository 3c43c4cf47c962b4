"""What commands show: tables and lines for people, JSON for machines. What strangers chose is made safe."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ric0_trio.access import moments
from ric0_trio.printable import make_printable
from ric0_trio.protocol import Fingerprint
from ric0_trio.protocol.keys import SHORT_DIGITS

_WIDE: Final = 1_000
"""Columns, where no terminal sets a bound: nothing is cut or wrapped in a file or a pipe."""

_WHOLE: Final = frozenset({"user", "since", "expires", "last seen"})
"""Columns that are never cut in two: they are there to be copied, or hard to read otherwise."""


def show_json(value: Any) -> None:
    """Print one JSON value on a line."""
    click.echo(msgspec.json.encode(value))


def show_table(titles: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under titles; `empty` when there are none."""
    table = make_table(titles, rows)
    if table.row_count:
        make_console().print(table)
    else:
        click.echo(empty)


def make_table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Lay out rows under titles."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold", no_wrap=title in _WHOLE)
    for row in rows:
        table.add_row(*(Text(to_words(value)) for value in row))
    return table


def make_console() -> Console:
    """Where tables go: the terminal with its width and colours, or a file."""
    is_terminal = sys.stdout.isatty()
    return Console(width=None if is_terminal else _WIDE, highlight=False)


def show_fields(fields: dict[str, object]) -> None:
    """Print a line a field, without those that are empty."""
    width = max(map(len, fields))
    for name, value in fields.items():
        if value not in (None, ""):
            click.echo(f"{name:<{width}}  {to_words(value)}")


def to_words(value: object) -> str:
    """Write a value for people; a moment in UTC to the second."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return moments.to_words(value)
    return make_printable(str(value))


def shorten(user: Fingerprint | None) -> str:
    """Cut a fingerprint to 16 digits: enough for commands, not for comparing."""
    if user is None:
        return ""
    label, digits = user.split(":")
    return f"{label}:{digits[:SHORT_DIGITS]}"


def count(number: int, thing: str) -> str:
    """Write "1 connection", "2 connections"."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def tell_closed(closed: int | None) -> str:
    """Say what became of the connections of those whom a change concerns."""
    return "no server runs here" if closed is None else f"{count(closed, 'connection')} closed"
