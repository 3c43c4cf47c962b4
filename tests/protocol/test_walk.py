"""The state space of a server's session, walked until nothing new appears (docs/contributing.md, "Tests")."""

from functools import cache
from pathlib import Path
from random import Random

import pytest

from ric0_trio.protocol import Codec, ServerSession, State
from tests.protocol.pair import CODECS
from tests.protocol.walk import Walk, compare_ways, walk, wander
from tests.protocol.walk_account import InvariantError
from tests.protocol.walk_inputs import Step, alphabet
from tests.protocol.wrong_sessions import WRONG, WRONG_FAR_OUT

INPUTS = 67
ABSTRACT_STATES = 313
DEPTH = 12
TRANSITIONS = 7122
"""Inputs that lead on: all others are misuse, which is refused and changes nothing."""
OTHER_WAYS = 1201
"""Ways to an abstract state, beside the shortest, that differ by the abstract state before it."""

JSON = CODECS["json"]
LONG_WAYS = 4000


@cache
def steps_of(codec: Codec) -> dict[str, Step]:
    return alphabet(codec)


@cache
def walk_of(codec: Codec) -> Walk:
    return walk(steps_of(codec), codec)


def test_the_whole_of_the_states(codec: Codec) -> None:
    found = walk_of(codec)
    leading_on = [told for row in found.transitions.values() for told, _ in row.values() if told != "refused"]
    assert len(steps_of(codec)) == INPUTS
    assert (len(found.paths), found.depth, len(leading_on)) == (ABSTRACT_STATES, DEPTH, TRANSITIONS)


def test_the_figures_are_told() -> None:
    page = " ".join((Path(__file__).parents[2] / "docs" / "contributing.md").read_text(encoding="utf-8").split())
    assert f"each of {INPUTS} inputs" in page
    assert (
        f"{ABSTRACT_STATES} abstract states, the farthest after {DEPTH} inputs, and {TRANSITIONS:,} transitions" in page
    )
    assert f"{LONG_WAYS:,} longer ones" in page


def test_the_walk_is_the_same_in_every_encoding() -> None:
    first, *others = [walk_of(codec) for codec in CODECS.values()]
    assert all(other.transitions == first.transitions for other in others)


def test_the_walk_comes_to_every_state_and_question() -> None:
    asked = {key[:2] for key in walk_of(JSON).paths}
    anywhere = {(state.value, kind) for state in State for kind in ("", "Sign")}
    checking = {State.CHALLENGED, State.DISCONNECTED, State.CLOSED}
    assert asked == anywhere | {(state.value, kind) for state in checking for kind in ("Verify", "Admit")}


# The abstraction: what comes next depends on nothing but the abstract state


def test_all_ways_to_one_abstract_state_lead_to_the_same() -> None:
    found = walk_of(JSON)
    assert sum(len(paths) for paths in found.others.values()) == OTHER_WAYS
    compare_ways(found, steps_of(JSON), JSON)


@pytest.mark.parametrize("seed", range(4))
def test_long_ways_lead_where_the_walk_saw_them_lead(seed: int) -> None:
    take_long_ways(walk_of(JSON), ServerSession, seed, LONG_WAYS // 4)


def take_long_ways(found: Walk, session_type: type[ServerSession], seed: int, number: int) -> None:
    choose = Random(seed)  # noqa: S311 - no secret
    for _ in range(number):
        wander(found, steps_of(JSON), JSON, choose, session_type)


# The invariants: each can fail


@pytest.mark.parametrize(("session_type", "invariant"), WRONG.items(), ids=lambda one: getattr(one, "__name__", one))
def test_a_wrong_session_is_found(session_type: type[ServerSession], invariant: str) -> None:
    steps = steps_of(JSON)
    with pytest.raises(InvariantError) as caught:
        walk(steps, JSON, session_type)
    assert caught.value.invariant == invariant, str(caught.value)


@pytest.mark.parametrize("session_type", WRONG_FAR_OUT)
def test_a_session_that_differs_by_what_cannot_be_seen_is_found_on_long_ways(session_type: type[ServerSession]) -> None:
    """The walk takes one way to each abstract state, and this fault shows on another way alone."""
    found = walk(steps_of(JSON), JSON, session_type)
    with pytest.raises(InvariantError) as caught:
        take_long_ways(found, session_type, 0, LONG_WAYS)
    assert caught.value.invariant == WRONG_FAR_OUT[session_type], str(caught.value)
