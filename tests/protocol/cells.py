"""Cells of the table of states (`state_table`), and what a session did in the same words, to be compared."""

from collections.abc import Sequence

from ric0_trio.protocol import Close, Codec, Effect, Send, State
from ric0_trio.testing import unpack
from tests.protocol.pair import LIVE_STATES
from tests.protocol.state_table import TABLE


def due(row: str, state: State) -> str:
    """What the row says of the state. Our session closes where it only SHOULD."""
    return TABLE[row][2][LIVE_STATES.index(state)].replace("ignore, SHOULD ", "")


def done(codec: Codec, told: Sequence[Effect], before: State, after: State) -> str:
    """What was done: replies by their status, closes by their code, and the next state where it is another."""
    replies = [f"`{unpack(codec, effect.payload)['status']}`" for effect in told if isinstance(effect, Send)]
    closes = [f"close {int(effect.code)}" for effect in told if isinstance(effect, Close)]
    words = ", ".join([*replies, *closes])
    if closes or after is before:
        return words or "ignore"
    return f"{words} → {after.value}".strip()
