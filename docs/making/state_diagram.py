"""The picture of the states, docs/states.svg. Where things stand is laid out by hand; what they say, the tables say.

The live states stand in one line. Above each is what leaves it as it is, below it what closes from there alone; what
closes from all of them stands in the box of CLOSED.
"""

from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import Final

from docs.making.state_table import LIVE_STATES
from docs.making.state_words import closes, closes_everywhere, moves, stays
from ric0_trio.protocol import State

_PITCH: Final = 310
"""From the middle of one live state to that of the next."""
_LEFT: Final = 170
_WIDTH: Final = _LEFT * 2 + _PITCH * (len(LIVE_STATES) - 1)
_BOX_WIDTH: Final = 160
_BOX_HEIGHT: Final = 64
_MARGIN: Final = 28
_LINE: Final = 16
_LINE_CHARS: Final = 38
_JUMP_DEPTH: Final = 70
"""How far an arrow between states that are not neighbours swings out, for each state that it passes."""

_STYLE: Final = """\
text { font: 12.5px sans-serif; fill: #24292f; }
.name { font-size: 16px; font-weight: bold; text-anchor: middle; }
.cause { fill: #0b5cad; text-anchor: middle; }
.note { fill: #57606a; text-anchor: middle; }
.close { fill: #a3261d; }
.centred { text-anchor: middle; }
.live { fill: #eaf2fb; stroke: #0b5cad; stroke-width: 1.5; }
.closed { fill: #fcf1ef; stroke: #a3261d; stroke-width: 1.5; }
.move { fill: none; stroke: #0b5cad; stroke-width: 1.6; marker-end: url(#move-head); }
.stay { fill: none; stroke: #8c959f; stroke-width: 1.4; marker-end: url(#stay-head); }
.beginning, .ending { fill: none; stroke: #a3261d; stroke-width: 1.4; }
.ending { marker-end: url(#ending-head); }
"""
_HEADS: Final = {"move": "#0b5cad", "stay": "#8c959f", "ending": "#a3261d"}


def make_state_diagram() -> str:
    """Give the picture as SVG."""
    notes = {state: _wrapped(stays(state)) for state in LIVE_STATES}
    endings = {state: _wrapped(closes(state)) for state in LIVE_STATES}
    top = _MARGIN + _LINE * max(len(lines) for lines in notes.values()) + 48
    bottom = top + _BOX_HEIGHT
    closed_top = bottom + _LINE * max(len(lines) for lines in endings.values()) + 84
    everywhere = closes_everywhere()
    closed_height = 44 + _LINE * -(-len(everywhere) // 2)
    shapes = [
        *_beginning(top),
        *(shape for state in LIVE_STATES for shape in _live(state, top, notes[state])),
        *(shape for state in LIVE_STATES for shape in _ending(state, bottom, closed_top, endings[state])),
        *(shape for (source, target), causes in moves().items() for shape in _move(source, target, top, causes)),
        *_closed(closed_top, closed_height, everywhere),
    ]
    return _document(closed_top + closed_height + _MARGIN, shapes)


def _wrapped(sentences: Sequence[str]) -> list[str]:
    """Give the sentences' lines, with an empty one between two sentences."""
    lines = [line for sentence in sentences for line in ("", *wrap(sentence, _LINE_CHARS))]
    return lines[1:]


def _middle(state: State) -> int:
    return _LEFT + _PITCH * LIVE_STATES.index(state)


def _text(kind: str, x: int, y: int, lines: Sequence[str]) -> list[str]:
    return [
        f'<text class="{kind}" x="{x}" y="{y + _LINE * number}">{escape(line, quote=False)}</text>'
        for number, line in enumerate(lines)
        if line
    ]


def _box(kind: str, x: int, y: int, width: int, height: int) -> str:
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="10"/>'


def _path(kind: str, course: str) -> str:
    return f'<path class="{kind}" d="{course}"/>'


def _beginning(top: int) -> list[str]:
    x, y = _middle(State.OPEN) - _BOX_WIDTH // 2, top + _BOX_HEIGHT // 2
    return [f'<circle cx="{x - 50}" cy="{y}" r="7" fill="#0b5cad"/>', _path("move", f"M {x - 43} {y} H {x - 2}")]


def _live(state: State, top: int, stays_here: Sequence[str]) -> list[str]:
    x = _middle(state)
    loop = f"M {x - 18} {top} C {x - 34} {top - 44}, {x + 34} {top - 44}, {x + 18} {top - 2}"
    return [
        _box("live", x - _BOX_WIDTH // 2, top, _BOX_WIDTH, _BOX_HEIGHT),
        *_text("name", x, top + _BOX_HEIGHT // 2 + 6, [state.value]),
        _path("stay", loop),
        *_text("note", x, top - 44 - _LINE * (len(stays_here) - 1), stays_here),
    ]


def _move(source: State, target: State, top: int, causes: Sequence[str]) -> list[str]:
    """Draw an arrow: there above, back below, and below the boxes between states that are not neighbours."""
    start, end = LIVE_STATES.index(source), LIVE_STATES.index(target)
    x, goal = _middle(source), _middle(target)
    way = 1 if goal > x else -1
    if abs(end - start) == 1:
        y = top + _BOX_HEIGHT // 2 - 18 * way
        edge = _BOX_WIDTH // 2
        label = y - 8 - _LINE * (len(causes) - 1) if way == 1 else y + 18
        return [
            _path("move", f"M {x + edge * way} {y} H {goal - (edge + 2) * way}"),
            *_text("cause", (x + goal) // 2, label, causes),
        ]
    y, depth = top + _BOX_HEIGHT, _JUMP_DEPTH * abs(end - start)
    x, goal = x + 30 * way, goal - 30 * way
    return [
        _path("move", f"M {x} {y} C {x} {y + depth}, {goal} {y + depth}, {goal} {y + 2}"),
        *_text("cause", (x + goal) // 2, y + depth * 3 // 4 + 16, causes),
    ]


def _ending(state: State, bottom: int, closed_top: int, causes: Sequence[str]) -> list[str]:
    """Draw the way to CLOSED, with a gap where its causes stand."""
    x, first = _middle(state), closed_top - 40 - _LINE * (len(causes) - 1)
    before = [_path("beginning", f"M {x} {bottom} V {first - 20}")] if causes else []
    start = closed_top - 30 if causes else bottom
    return [*before, _path("ending", f"M {x} {start} V {closed_top - 2}"), *_text("close centred", x, first, causes)]


def _closed(top: int, height: int, causes: Sequence[str]) -> list[str]:
    half = -(-len(causes) // 2)
    middle = _WIDTH // 2
    return [
        _box("closed", _MARGIN, top, _WIDTH - 2 * _MARGIN, height),
        *_text("name", _LEFT, top + height // 2, [State.CLOSED.value]),
        *_text("note", _LEFT, top + height // 2 + 20, ["from every state:"]),
        *_text("close", middle - 310, top + 36, causes[:half]),
        *_text("close", middle + 210, top + 36, causes[half:]),
    ]


def _document(height: int, shapes: Sequence[str]) -> str:
    heads = "".join(
        f'<marker id="{kind}-head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M 0 0 L 10 5 L 0 10 z" fill="{colour}"/></marker>\n'
        for kind, colour in _HEADS.items()
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        'role="img" aria-labelledby="title">\n'
        '<title id="title">The states of a connection, what leads from one to another, and what closes it</title>\n'
        f"<style>\n{_STYLE}</style>\n<defs>\n{heads}</defs>\n"
        f'<rect width="{_WIDTH}" height="{height}" rx="12" fill="#ffffff"/>\n' + "\n".join(shapes) + "\n</svg>\n"
    )
