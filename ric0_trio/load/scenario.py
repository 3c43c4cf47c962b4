"""What a worker process asks of every scenario."""

from typing import Final, Protocol

REST_S: Final = 0.1
"""A place whose connection has failed stays empty for so long: a server that refuses must not be flooded."""

PART_S: Final = 5.0
"""How long connections are given to end well, when all is over."""


class Acts(Protocol):
    """A scenario at work. What it does is counted in the stage's tally, which changes when the measured time does."""

    def prepare(self) -> None:
        """Do what is not measured. Runs the loop."""

    def start(self, at: float) -> None:
        """Begin, at that time of the loop's clock; returns at once."""

    def conclude(self) -> None:
        """Note in the tally what is known at the end alone."""

    def end(self) -> None:
        """Begin nothing more, and part from the server as it should be. Runs the loop."""
