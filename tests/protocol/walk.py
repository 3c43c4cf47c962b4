"""The walk through the states of a server's session: breadth first, until no abstract state is new."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from ric0_trio.protocol import Codec, ServerSession, State
from ric0_trio.testing import SERVER_KEY, START, server_profile
from tests.protocol.walk_account import LIMITS
from tests.protocol.walk_inputs import Step
from tests.protocol.walk_watch import Watch

PROFILE = server_profile(accepted_key_formats=frozenset({SERVER_KEY.public.format}))

END_CHANCE = 0.25
"""How often a long way may take a step that ends the connection."""

Key = tuple[object, ...]
"""An abstract state: what `Watch.key` gives."""
Path = tuple[str, ...]
"""The names of the inputs that lead from the beginning to somewhere."""
Transition = tuple[str, Key]
"""What was told, in words, and the next abstract state."""


@dataclass
class Walk:
    """What was seen."""

    paths: dict[Key, Path] = field(default_factory=dict)
    """The shortest way to each abstract state: names of inputs."""
    others: dict[Key, dict[Key, Path]] = field(default_factory=dict)
    """All other ways to it that differ by the abstract state before the last step, by that state."""
    transitions: dict[Key, dict[str, Transition]] = field(default_factory=dict)
    """What each input led to, in each abstract state. A misuse leads to the same state."""

    @property
    def depth(self) -> int:
        """How many inputs the abstract state that is farthest takes."""
        return max(len(path) for path in self.paths.values())


def follow(
    path: Path, steps: Mapping[str, Step], codec: Codec, session_type: type[ServerSession] = ServerSession
) -> Watch:
    """Give a new session the inputs of `path`."""
    watch = Watch(session_type(PROFILE, LIMITS, codec, START), codec)
    for name in path:
        steps[name](watch)
    return watch


def walk(steps: Mapping[str, Step], codec: Codec, session_type: type[ServerSession] = ServerSession) -> Walk:
    """Give every abstract state every input, each time from the beginning. Raises `InvariantError`."""
    begin = follow((), steps, codec, session_type)
    found = Walk({begin.key(): ()})
    queue = deque(found.paths.items())
    while queue:
        key, path = queue.popleft()
        found.transitions[key] = look_ahead(path, steps, codec, session_type)
        for name, (told, reached) in found.transitions[key].items():
            if reached not in found.paths:
                found.paths[reached] = (*path, name)
                queue.append((reached, (*path, name)))
            elif told != "refused":
                found.others.setdefault(reached, {}).setdefault(key, (*path, name))
    return found


def look_ahead(
    path: Path, steps: Mapping[str, Step], codec: Codec, session_type: type[ServerSession] = ServerSession
) -> dict[str, Transition]:
    """Give what each input leads to after `path`."""
    seen: dict[str, Transition] = {}
    watch: Watch | None = None
    for name, step in steps.items():
        if watch is None:
            watch = follow(path, steps, codec, session_type)
        step(watch)
        seen[name] = (watch.told, watch.key())
        if not watch.was_refused:  # what is refused changes nothing, as the watch has seen
            watch = None
    return seen


def compare_ways(found: Walk, steps: Mapping[str, Step], codec: Codec) -> None:
    """Check that each abstract state leads to the same, whichever way it was reached."""
    for key, paths in found.others.items():
        for path in paths.values():
            assert look_ahead(path, steps, codec) == found.transitions[key], path


def wander(
    found: Walk,
    steps: Mapping[str, Step],
    codec: Codec,
    choose: Random,
    session_type: type[ServerSession] = ServerSession,
) -> None:
    """Go on from anywhere until the connection ends, and check that every step leads where the walk saw it lead."""
    state = choose.choice([state for state in State if state is not State.CLOSED])
    key = choose.choice([key for key in found.paths if key[0] == state.value])
    watch = follow(found.paths[key], steps, codec, session_type)
    while key[0] != "CLOSED":
        ways: dict[Key, list[str]] = {}  # by what they lead to: most inputs lead to the same
        for name, (told, then) in found.transitions[key].items():
            if told != "refused":
                ways.setdefault(then, []).append(name)
        may_end = choose.random() < END_CHANCE
        goal = choose.choice([then for then in ways if may_end or then[0] != "CLOSED"] or list(ways))
        name = choose.choice(ways[goal])
        steps[name](watch)
        seen = watch.told, watch.key()
        assert seen == found.transitions[key][name], f"{name} leads to {seen}, expected {found.transitions[key][name]}"
        key = watch.key()
