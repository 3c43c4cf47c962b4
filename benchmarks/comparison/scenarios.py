"""What is measured, by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.comparison.growth import measure_growth
from benchmarks.comparison.idle import measure_idle
from benchmarks.comparison.messages import measure_messages
from benchmarks.comparison.overload import measure_overload
from benchmarks.comparison.sessions import measure_sessions
from benchmarks.comparison.storm import measure_storm
from benchmarks.comparison.turns import Bench


@dataclass(frozen=True)
class Scenario:
    """One thing to measure."""

    what: str
    measure: Callable[[Bench], None]
    rows: Sequence[str]
    """The names of its rows in the results."""


SCENARIOS: Final = {
    "session": Scenario(
        "come, challenge, connect, disconnect, leave: what it costs the server, and how long it takes at half load",
        measure_sessions,
        ["session"],
    ),
    "message": Scenario("a request of a connected user, and its answer", measure_messages, ["message"]),
    "idle": Scenario("users who are there and say nothing: memory, and CPU for the pings", measure_idle, ["idle"]),
    "storm": Scenario("all users are cut off, and come back at once", measure_storm, ["storm"]),
    "overload": Scenario(
        "the real command over TLS, asked for more than it can do", measure_overload, ["logins", "flood"]
    ),
    "growth": Scenario(
        "the same with more kept in the database, and more users there", measure_growth, ["kept", "live"]
    ),
}
