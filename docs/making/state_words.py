"""What the tables of states say, in the few words that fit into a picture."""

import re
from collections.abc import Iterator, Sequence

from docs.making.state_table import LIVE_STATES, Row, rows
from ric0_trio.protocol import Outcome, State


def moves() -> dict[tuple[State, State], list[str]]:
    """Give what leads from a live state to another: the lines at the arrow."""
    found: dict[tuple[State, State], list[str]] = {}
    for row, state in _cells():
        target = row.results[state].state
        if target not in (None, State.CLOSED, state):
            assert target is not None
            found.setdefault((state, target), []).extend([_plain(row.given.value), f"{row.results[state].reply}"])
    return found


def stays(state: State) -> list[str]:
    """Give what leaves `state` as it is: replies by what they answer, and what is ignored."""
    replies: dict[str, list[str]] = {}
    for row, where in _cells():
        result = row.results[where]
        if where is state and result.state in (None, state) and result.close is None:
            answers = replies.setdefault(_plain(row.given.value), [])
            reply = "ignored" if result.reply is None else str(result.reply)
            if reply not in answers:
                answers.append(reply)
    causes: dict[str, list[str]] = {}
    for given, answers in replies.items():
        causes.setdefault(", ".join(answers), []).append(given)
    return [f"{', '.join(given)}: {answers}" for answers, given in causes.items()]


def closes(state: State) -> list[str]:
    """Give what closes from `state`, but not from every state: causes by their code."""
    own = _endings(state)
    return _by_code([ending for ending in own if any(ending not in _endings(other) for other in LIVE_STATES)])


def closes_everywhere() -> list[str]:
    """Give what closes from every live state."""
    first, *others = LIVE_STATES
    return _by_code([one for one in _endings(first) if all(one in _endings(other) for other in others)])


def _cells() -> Iterator[tuple[Row, State]]:
    for row in rows():
        for state in LIVE_STATES:
            yield row, state


def _endings(state: State) -> list[tuple[str, str]]:
    """Give code and cause of all that leads from `state` to `CLOSED`."""
    found: list[tuple[str, str]] = []
    for row in rows():
        result = row.results[state]
        if result.state is State.CLOSED:
            code = "" if result.close is None else str(int(result.close.code))
            cause = row.given.value if row.outcome is Outcome.DONE else row.outcome.value
            if (code, _plain(cause)) not in found:
                found.append((code, _plain(cause)))
    return found


def _by_code(endings: Sequence[tuple[str, str]]) -> list[str]:
    causes: dict[str, list[str]] = {}
    for code, cause in endings:
        causes.setdefault(code, []).append(cause)
    return [f"{code} {'; '.join(causes[code])}".strip() for code in sorted(causes)]


def _plain(markdown: str) -> str:
    return re.sub(r"`(\w+)`( request)?", r"\1", markdown).replace("bad ", "bad\N{NO-BREAK SPACE}")
