"""The results as pictures: SVG, the same bytes for the same figures, and PNG."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.comparison.columns import COLUMNS, Column
from benchmarks.comparison.idle import OVER_TLS
from benchmarks.comparison.peers import OURS, PEERS, SERVED
from benchmarks.comparison.results import Results, Row
from benchmarks.comparison.spread import Spread, spread_of
from benchmarks.comparison.tables import title_of

_STYLE: Final[Any] = {
    "svg.hashsalt": "ric0-trio",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_STRONG, _SOFT, _OTHERS, _FLOOR = "#c2410c", "#fdba74", "#64748b", "#cbd5e1"
_LINES: Final = ("#1d4ed8", "#0891b2", "#4d7c0f", "#7e22ce", "#475569", "#94a3b8", "#cbd5e1", "#a8a29e")
_WIDTH: Final = 8.0
_FORMATS: Final[dict[str, dict[str, Any]]] = {
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "png": {"metadata": {"Software": None}, "dpi": 150},
}


def draw_all(results: Results, folder: Path) -> list[str]:
    """Draw what there are figures for into `folder`, and give the names of the pictures, without their suffix."""
    drawn = []
    with mpl.rc_context(_STYLE):
        for name, draw in PICTURES.items():
            figure = Figure()
            if draw(results, figure):
                figure.tight_layout()
                for suffix, options in _FORMATS.items():
                    figure.savefig(folder / f"{name}.{suffix}", **options)
                drawn.append(name)
    return drawn


def _draw_sessions(results: Results, figure: Figure) -> bool:
    return _draw_bars(results, figure, "session", "cpu_us", 0, "a session: CPU of the server, µs")


def _draw_messages(results: Results, figure: Figure) -> bool:
    return _draw_bars(results, figure, "message", "cpu_us", 1, "a message: CPU of the server, µs")


def _draw_storm(results: Results, figure: Figure) -> bool:
    return _draw_bars(results, figure, "storm", "all_back_s", -1, "a storm: seconds until all are back")


def _draw_bars(results: Results, figure: Figure, scenario: str, name: str, variant: int, title: str) -> bool:
    """Draw a bar for each peer, the least at the top; whiskers reach from the least round to the most."""
    variants = list(results.of(scenario).items())
    if not variants:
        return False
    label, rows = variants[variant if variant < len(variants) else 0]
    known = _known(rows, name)
    known.sort(key=lambda one: one[1].median, reverse=True)
    if not known:
        return False
    axes = _axes(figure, len(known), f"{title}   ({label})")
    spreads = [spread for _, spread in known]
    titles, colors = [title_of(row.peer) for row, _ in known], [_color(row.peer) for row, _ in known]
    axes.barh(titles, [spread.median for spread in spreads], color=colors, xerr=_whiskers(spreads), capsize=3)
    column = next(column for column in COLUMNS[scenario] if column.figure == name)
    for place, spread in enumerate(spreads):
        _write(axes, place, spread, column)
    axes.set_xlim(0, max(spread.high for spread in spreads) * 1.12)
    return True


def _draw_latency(results: Results, figure: Figure) -> bool:
    """Draw p50, p99 and p99.9 at half load: a line with three marks for each peer."""
    rows = next(iter(results.of("session").values()), [])
    kinds = (("p50_ms", "p50", "o"), ("p99_ms", "p99", "s"), ("p999_ms", "p99.9", "D"))
    marks = {row.peer: [spread_of(row.values(name)) for name, _, _ in kinds] for row in rows}
    known = [(peer, [spread.median for spread in found if spread]) for peer, found in marks.items() if all(found)]
    known.sort(key=lambda one: one[1][1], reverse=True)
    if not known:
        return False
    axes = _axes(figure, len(known), "a session at half of what each server can do: how long it takes, ms")
    for place, (peer, values) in enumerate(known):
        axes.plot(values, [place] * len(values), color=_color(peer), zorder=1)
        for value, (_, kind, mark) in zip(values, kinds, strict=True):
            axes.scatter(value, place, color=_color(peer), marker=mark, label=None if place else kind, zorder=2)
    axes.set_yticks(range(len(known)), [title_of(peer) for peer, _ in known])
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.06), ncols=len(kinds), frameon=False)
    return True


def _draw_idle(results: Results, figure: Figure) -> bool:
    """Draw memory over connections in plain, a line for each peer."""
    rows = [row for label, rows in results.of("idle").items() for row in rows if not label.endswith(OVER_TLS)]
    others = iter(_LINES * 2)
    axes = _axes(figure, 9, "idle users: memory of the server (RSS), MiB")
    for peer in dict.fromkeys(row.peer for row in rows):
        points = _points([row for row in rows if row.peer == peer], "memory_bytes")
        is_own = peer in (OURS, SERVED)
        color = _color(peer) if is_own else next(others)
        heights = [spread.median / 1024**2 for _, spread in points]
        style = "-" if is_own else ":" if PEERS[peer].is_floor else "--"
        axes.plot([number for number, _ in points], heights, style, label=title_of(peer), color=color, marker="o")
    axes.set_xlabel("connections")
    axes.set_ylim(0, axes.get_ylim()[1] * 1.05)
    if rows:
        axes.legend(frameon=False)
    return bool(rows)


def _draw_overload(results: Results, figure: Figure) -> bool:
    """Draw how long users wait while strangers flood: p50 within p99, for each flood."""
    rows = [row for rows in results.of("flood").values() for row in rows][::-1]
    axes = _axes(figure, len(rows), "a user's wait while strangers ask for twice what the server can do, ms")
    for name, kind, color, height in (("p99_ms", "p99", _SOFT, 0.8), ("p50_ms", "p50", _STRONG, 0.4)):
        known = _known(rows, name)
        titles = [row.variant for row, _ in known]
        axes.barh(titles, [spread.median for _, spread in known], height, color=color, label=kind)
    if rows:
        axes.legend(loc="lower right", frameon=False)
    return bool(rows)


def _draw_growth(results: Results, figure: Figure) -> bool:
    """Draw a session's cost over what is kept, and over who is there: flat, if all is well."""
    axes = _axes(figure, 6, "a session, the more there is: CPU of the server, µs")
    kinds = (("kept", "members, bans and tokens kept, each", _SOFT), ("live", "users who are there", _STRONG))
    for scenario, label, color in kinds:
        points = _points([row for rows in results.of(scenario).values() for row in rows], "cpu_us")
        spreads = [spread for _, spread in points]
        if points:
            numbers, heights = [number for number, _ in points], [spread.median for spread in spreads]
            axes.errorbar(numbers, heights, _whiskers(spreads), label=label, color=color, marker="o", capsize=3)
    if not axes.has_data():
        return False
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylim(0, axes.get_ylim()[1] * 1.1)
    axes.legend(loc="lower right", frameon=False)
    return True


PICTURES: Final[dict[str, Callable[[Results, Figure], bool]]] = {
    "session": _draw_sessions,
    "latency": _draw_latency,
    "message": _draw_messages,
    "idle": _draw_idle,
    "storm": _draw_storm,
    "overload": _draw_overload,
    "growth": _draw_growth,
}
"""By their file's name. Each draws, and tells whether there was anything to draw."""


def _axes(figure: Figure, lines: int, title: str) -> Axes:
    figure.set_size_inches(_WIDTH, 1.0 + 0.4 * max(lines, 1))
    figure.suptitle(title, x=0.01, horizontalalignment="left", fontsize=11)
    return figure.add_subplot()


def _known(rows: Sequence[Row], name: str) -> list[tuple[Row, Spread]]:
    return [(row, spread) for row in rows if (spread := spread_of(row.values(name))) is not None]


def _points(rows: Sequence[Row], name: str) -> list[tuple[int, Spread]]:
    """Figures over the number with which their variant begins, in its order."""
    numbered = [(int(row.variant.split()[0].replace(",", "")), spread) for row, spread in _known(rows, name)]
    return sorted(numbered, key=lambda one: one[0])


def _whiskers(spreads: Sequence[Spread]) -> list[list[float]]:
    below = [spread.median - spread.low for spread in spreads]
    return [below, [spread.high - spread.median for spread in spreads]]


def _write(axes: Axes, place: int, spread: Spread, column: Column) -> None:
    text = column.show(spread.median)
    axes.annotate(text, (spread.high, place), (6, 0), textcoords="offset points", verticalalignment="center")


def _color(peer: str) -> str:
    if peer == OURS:
        return _STRONG
    if peer == SERVED:
        return _SOFT
    return _OTHERS if peer in PEERS and not PEERS[peer].is_floor else _FLOOR
