"""How a check can end."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What became of a check. The value is how it is told."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It does not apply to this server, or to what the kit was given."""
    NOT_RUN = "could not run"
    """It could not be found out: which is no pass."""


class EndedError(Exception):
    """A check ends in another way than by passing."""

    status: Status


class FailedError(EndedError):
    """The server did something else than the rule says."""

    status = Status.FAILED

    def __init__(self, expected: str, came: str) -> None:
        super().__init__(f"expected {expected}; came: {came}")
        self.expected = expected
        self.came = came


class SkippedError(EndedError):
    """The check does not apply. Its text is the reason."""

    status = Status.SKIPPED


class NotRunError(EndedError):
    """The check could not be carried out. Its text is the reason."""

    status = Status.NOT_RUN


@dataclass(frozen=True)
class Result:
    """What became of one run of a check."""

    rule: str
    """The rule's id."""
    variant: str
    """With what it was run: "json, ed25519-sha512"; empty where that makes no difference."""
    status: Status
    reason: str
    """Why it did not pass: for people, safe to show. Empty when it did."""
    evidence: Sequence[str]
    """What was sent and received, with the time of each, when it failed or could not run."""
    seconds: float
