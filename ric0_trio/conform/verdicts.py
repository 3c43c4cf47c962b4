"""What all runs of a check come to, and all checks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ric0_trio.conform.outcomes import Result, Status
from ric0_trio.conform.rules import Level, Rule, load_rules
from ric0_trio.conform.run import Findings

_GRAVEST_FIRST: Final = (Status.FAILED, Status.NOT_RUN, Status.PASSED, Status.SKIPPED)


@dataclass(frozen=True)
class Verdict:
    """What came of one rule."""

    rule: Rule
    results: Sequence[Result]
    """In each variant."""

    @cached_property
    def status(self) -> Status:
        """The gravest of the results; one that passed counts for more than those that did not apply."""
        return next(status for status in _GRAVEST_FIRST if any(result.status is status for result in self.results))

    @property
    def told(self) -> Sequence[Result]:
        """The results that made it what it is."""
        return [result for result in self.results if result.status is self.status]

    @property
    def breaks_rule(self) -> bool:
        """Whether a MUST does not hold, or it could not be found out."""
        return self.rule.level is Level.MUST and self.status in (Status.FAILED, Status.NOT_RUN)

    @property
    def word(self) -> str:
        """How it is told: of a MAY, what the server does."""
        if self.rule.level is Level.MAY and self.status in (Status.PASSED, Status.FAILED):
            return "does" if self.status is Status.PASSED else "does not"
        if self.rule.level is Level.SHOULD and self.status is Status.FAILED:
            return "warning"
        return self.status.value


def judge(findings: Findings) -> list[Verdict]:
    """Bring the results of each rule together, in the order of the page."""
    return [Verdict(load_rules()[name], results) for name, results in _by_rule(findings.results).items()]


def _by_rule(results: Sequence[Result]) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.rule, []).append(result)
    return found


def by_reason(verdicts: Sequence[Verdict], status: Status) -> dict[str, list[Verdict]]:
    """Give those of one status by their reason, which many may share."""
    found: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.status is status:
            found.setdefault(verdict.told[0].reason, []).append(verdict)
    return found


def sections(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, list[Verdict]]]:
    """Give the verdicts of each section of the page."""
    for title in dict.fromkeys(verdict.rule.section for verdict in verdicts):
        yield title, [verdict for verdict in verdicts if verdict.rule.section == title]
