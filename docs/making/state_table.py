"""The table of states of docs/protocol.md: what the server does with each input, in each state, by each outcome."""

from collections.abc import Iterator
from typing import Final

import msgspec

from docs.making.markdown import table
from ric0_trio.protocol import OUTCOMES, TRANSITIONS, Action, Input, Outcome, Result, State

LIVE_STATES: Final = tuple(state for state in State if state is not State.CLOSED)


class Row(msgspec.Struct, frozen=True):
    """One input and one outcome."""

    number: str
    """S1, S2, ...: with a state behind it, as in S7-OPEN, the name of one cell."""
    given: Input
    outcome: Outcome
    results: dict[State, Result]


def rows() -> Iterator[Row]:
    """Give every row of the table, in the order of the source."""
    number = 0
    for given, actions in TRANSITIONS.items():
        for outcome in _outcomes(set(actions.values())):
            number += 1
            results = {state: _result(action, outcome) for state, action in actions.items()}
            yield Row(f"S{number}", given, outcome, results)


def _outcomes(actions: set[Action]) -> list[Outcome]:
    """Give the outcomes that differ in a row: those of the actions that have something to find out, else `DONE`."""
    several = {tuple(OUTCOMES[action]) for action in actions if Outcome.DONE not in OUTCOMES[action]}
    assert len(several) <= 1, f"actions of one row with different outcomes: {several}"
    return list(several.pop()) if several else [Outcome.DONE]


def _result(action: Action, outcome: Outcome) -> Result:
    results = OUTCOMES[action]
    return results[Outcome.DONE] if Outcome.DONE in results else results[outcome]


def make_state_table() -> str:
    """Give what each input leads to in each state."""
    return table(
        ["#", "received", "when", *(state.value for state in LIVE_STATES)],
        (
            [row.number, row.given.value, row.outcome.value, *(_cell(row.results[state]) for state in LIVE_STATES)]
            for row in rows()
        ),
    )


def _cell(result: Result) -> str:
    told = [f"`{result.reply}`"] if result.reply is not None else []
    if result.close is not None:
        close = f"close {result.close.code}"
        return ", ".join([*told, close] if not result.may_stay_open else ["ignore", f"SHOULD {close}"])
    if result.state is not None:
        return " ".join([*told, f"→ {result.state.value}"])
    return ", ".join(told or ["ignore"])
