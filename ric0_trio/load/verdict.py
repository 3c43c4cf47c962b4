"""What is wrong with a run's figures, if anything, and what to do about it."""

from typing import Final

from ric0_trio.load.plan import Plan, Scenario
from ric0_trio.load.tally import Tally

MAX_SHARE: Final = 0.9
"""Of a processor: a load that uses more in the measured time cannot ask for more."""

MIN_BEGUN: Final = 0.98
"""Of the operations that were asked for by --rate."""


def bottleneck(share: float, asked: float | None, begun: int) -> str | None:
    """What to do when it was the load that was measured, and not the server; None when it was the server.

    `share` is that of the busiest of the load's processes, or processors; `asked` is None for a closed loop.
    """
    if share > MAX_SHARE:
        return (
            f"the load used {share:.0%} of a processor, so the server may do more than this: give it more --processes,"
            " and processors that the server does not use"
        )
    if asked is not None and begun + 1 < MIN_BEGUN * asked:  # one can be due at the edge
        return (
            f"{begun} of {asked:.0f} operations were begun, as all connections were in use: give more --connections,"
            " or a lower --rate if the server does no more"
        )
    return None


def shortcoming(plan: Plan, tally: Tally) -> str | None:
    """Why the figures are not those of the whole plan; None when they are."""
    if plan.scenario is Scenario.MESSAGE and tally.errors["closed_1008"]:
        return (
            f"the server closed {tally.errors['closed_1008']} connections with 1008, as it allows a user fewer messages"
            " (by default 20 a second): raise that on the server that is measured (ric0-trio: messages_per_s and"
            " messages_burst in [limits])"
        )
    if plan.scenario is Scenario.STORM and tally.stayed < plan.connections:
        return f"{tally.stayed} of {plan.connections} users were back after {tally.seconds:.0f} seconds"
    if plan.scenario is Scenario.IDLE and tally.stayed < plan.connections:
        return f"{tally.stayed} of {plan.connections} users stayed: {say_errors(tally.errors)}"
    if not tally.operations:
        return f"nothing succeeded in the measured time: {say_errors(tally.errors)}"
    return None


def say_errors(errors: dict[str, int]) -> str:
    """How often each kind came, the most frequent first."""
    ordered = sorted(errors.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {kind}" for kind, count in ordered) or "the time was too short"
