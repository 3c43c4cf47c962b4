"""The results as tables: for a terminal, and in Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.comparison.columns import COLUMNS, Column
from benchmarks.comparison.peers import OURS, PEERS
from benchmarks.comparison.results import Results, Row
from benchmarks.comparison.sessions import SIGNATURES
from benchmarks.comparison.spread import ratio_of, spread_of

LOAD_BOUND: Final = "load-bound"
_BY_VARIANT: Final = {
    "logins": "logins asked for: plain ws://",
    "flood": "meanwhile strangers flood it with",
    "kept": "members, bans and tokens kept",
    "live": "users there",
}
"""Rows of these are of one peer each, and are told apart by their variant."""


@dataclass(frozen=True)
class Table:
    """Rows of text under a title."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def to_text(self) -> str:
        """For a terminal."""
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if place == 0 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in [self.head, *self.rows]
        ]
        return "\n".join([self.title, *(f"  {line}" for line in lines), *(f"  {note}" for note in self.notes), ""])

    def to_markdown(self) -> str:
        """For a document."""
        lines = [self.head, ["---", *["---:"] * (len(self.head) - 1)], *self.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return "\n\n".join([f"**{self.title}**", table, *self.notes]) + "\n"


def make_tables(results: Results, scenario: str) -> list[Table]:
    """The tables of one name of rows: one a variant, or one for all."""
    found = results.of(scenario)
    if scenario in _BY_VARIANT:
        rows = [row for several in found.values() for row in several]
        return [_make_table(scenario, _BY_VARIANT[scenario], rows, by_variant=True)] if rows else []
    return [_make_table(scenario, variant, rows, by_variant=False) for variant, rows in found.items()]


def _make_table(scenario: str, title: str, rows: Sequence[Row], *, by_variant: bool) -> Table:
    columns = [column for column in COLUMNS[scenario] if any(row.values(column.figure) for row in rows)]
    ours = next((row for row in rows if row.peer == OURS), None)
    compares = not by_variant and ours is not None and len(rows) > 1
    first, others = columns[0], columns[1:]
    head = ["" if by_variant else "peer", first.title, "least to most", *(["to ours"] if compares else [])]
    lines = []
    for row in rows:
        line = [row.variant if by_variant else title_of(row.peer), _median(row, first), _range(row, first)]
        if compares and ours is not None:
            ratio = ratio_of(row.values(first.figure), ours.values(first.figure))
            line.append("" if ratio is None else f"{ratio:.2f}")
        lines.append([*line, *(_median(row, column) for column in others)])
    return Table(f"{scenario}: {title}", [*head, *(column.title for column in others)], lines, _notes(rows))


def title_of(peer: str) -> str:
    """What a peer is, in a line."""
    return "floor: the signatures alone" if peer == SIGNATURES else PEERS[peer].what


def _median(row: Row, column: Column) -> str:
    values = row.values(column.figure)
    spread = spread_of(values)
    return column.show(spread.median) if spread is not None else LOAD_BOUND if values else ""


def _range(row: Row, column: Column) -> str:
    spread = spread_of(row.values(column.figure))
    return "" if spread is None else f"{column.show(spread.low)} to {column.show(spread.high)}"


def _notes(rows: Sequence[Row]) -> list[str]:
    notes = []
    for row in rows:
        errors: dict[str, int] = {}
        for measured in row.rounds:
            for kind, count in measured.errors.items():
                errors[kind] = errors.get(kind, 0) + count
            if measured.problem is not None:
                notes.append(f"{title_of(row.peer)}: {measured.problem}")
        if errors:
            told = ", ".join(f"{count:,} {kind}" for kind, count in errors.items())
            notes.append(f"{title_of(row.peer)}: not as expected were {told}.")
    return list(dict.fromkeys(notes))
