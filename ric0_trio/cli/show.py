"""What commands show: tables and lines for people, JSON for machines. What strangers chose is made safe."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import StringIO
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ric0_trio.access import moments
from ric0_trio.access.records import Entry
from ric0_trio.printable import make_printable
from ric0_trio.protocol import Fingerprint
from ric0_trio.protocol.keys import shorten_fingerprint

_WIDE: Final = 10_000
"""Columns, where no terminal sets a bound: nothing is cut or wrapped in a file or a pipe."""

_WHOLE: Final = frozenset({"user", "since", "expires", "last seen"})
"""Columns that are never cut in two: they are there to be copied, or hard to read otherwise."""

_CUT: Final = frozenset({"name", "client"})
_LEAST_CUT: Final = 8
_MOST_CUT: Final = 24
"""Columns that are cut on a terminal, and how wide they get: what strangers chose shall not fill the screen."""
_GAP: Final = 2


def show_json(value: Any) -> None:
    """Print one JSON value on a line, in ASCII: whatever a stranger chose is escaped."""
    click.echo(json.dumps(msgspec.to_builtins(value)))


def show_table(titles: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under titles; `empty` when there are none."""
    table = make_table(titles, rows)
    if not table.row_count:
        click.echo(empty)
    elif sys.stdout.isatty():
        Console(highlight=False).print(table)
    else:
        click.echo(to_lines(table))


def to_lines(table: Table) -> str:
    """Lay a table out for a file or a pipe: nothing is cut, and nothing is filled up with blanks."""
    console = Console(width=_WIDE, file=StringIO(), highlight=False)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def make_table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Lay out rows under titles."""
    cells = [[Text(to_words(value)) for value in row] for row in rows]
    widest = [max([len(title), *(row[column].cell_len for row in cells)]) for column, title in enumerate(titles)]
    cut = [column for column, title in enumerate(titles) if title in _CUT]
    if sys.stdout.isatty() and cut:
        others = sum(wide for column, wide in enumerate(widest) if column not in cut) + _GAP * len(titles)
        room = (Console().width - others) // len(cut)
        for column in cut:
            for row in cells:
                row[column].truncate(min(max(room, _LEAST_CUT), _MOST_CUT), overflow="ellipsis")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold", no_wrap=title in _WHOLE | _CUT)
    for row in cells:
        table.add_row(*row)
    return table


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
    """Cut a fingerprint to 16 digits; nobody's is empty."""
    return "" if user is None else shorten_fingerprint(user)


def count(number: int, thing: str) -> str:
    """Write "1 connection", "2 connections"."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def tell_closed(closed: int | None) -> str:
    """Say what became of the connections of those whom a change concerns."""
    return "no server runs now" if closed is None else f"{count(closed, 'connection')} closed"


def tell_note(text: str) -> None:
    """Say something beside the answer, on standard error."""
    click.echo(f"note: {make_printable(text)}", err=True)


def tell_entry(entry: Entry) -> str:
    """Write an entry of the audit on a line."""
    about = [
        shorten(entry.user),
        entry.name and _quote(entry.name),
        entry.client and f"with {_quote(entry.client)}",
        entry.peer and f"from {entry.peer}",
        f"by {entry.actor}" if entry.actor != "server" else "",
    ]
    parts = [" ".join(filter(None, about)), entry.status, entry.detail]
    return f"{to_words(entry.at)}  {entry.event:<14}  {to_words(': '.join(filter(None, parts)))}".rstrip()


def _quote(text: str) -> str:
    """Words of a stranger's, which shall not look like ours."""
    return '"' + text.replace('"', r"\"") + '"'
