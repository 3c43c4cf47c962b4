"""The verdicts for people, and for programs."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ric0_trio.conform.outcomes import Result, Status
from ric0_trio.conform.rules import Level
from ric0_trio.conform.run import Findings
from ric0_trio.conform.verdicts import Verdict, sections

TITLES = ("section", "rules", "MUST held", "failed", "could not run", "skipped", "SHOULD held", "MAY done")


def rows(verdicts: Sequence[Verdict]) -> Iterator[tuple[str | int, ...]]:
    """Give a row of the table for each section, and one for all of them."""
    for title, some in sections(verdicts):
        yield (title, *_row(some))
    yield ("in all", *_row(verdicts))


def _row(verdicts: Sequence[Verdict]) -> tuple[str | int, ...]:
    must = [verdict.status for verdict in verdicts if verdict.rule.level is Level.MUST]
    counts = (must.count(status) for status in (Status.PASSED, Status.FAILED, Status.NOT_RUN, Status.SKIPPED))
    return len(verdicts), *counts, _share(verdicts, Level.SHOULD), _share(verdicts, Level.MAY)


def _share(verdicts: Sequence[Verdict], level: Level) -> str:
    statuses = [verdict.status for verdict in verdicts if verdict.rule.level is level]
    return f"{statuses.count(Status.PASSED)} of {len(statuses)}" if statuses else ""


def tell(verdict: Verdict) -> Iterator[str]:
    """Tell what was wrong with one rule, in lines: each variant of it with its evidence."""
    rule = verdict.rule
    yield f"{verdict.word.upper()}  {rule.id}  {rule.section}  {rule.level}"
    yield f"  {rule.text}"
    for result in verdict.told:
        yield f"  {result.variant}: {result.reason}" if result.variant else f"  {result.reason}"
        yield from (f"    {line}" for line in result.evidence)


def as_object(url: str, exit_code: int, findings: Findings, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Give everything that was found as one JSON object."""
    return {
        "url": url,
        "exit": exit_code,
        "seconds": round(findings.seconds, 3),
        "encodings": findings.encodings,
        "user_formats": findings.admissions,
        "rules": [
            {
                **msgspec.structs.asdict(verdict.rule),
                "status": verdict.word,
                "runs": [_as_run(result) for result in verdict.results],
            }
            for verdict in verdicts
        ],
    }


def _as_run(result: Result) -> dict[str, Any]:
    return {
        "variant": result.variant,
        "status": result.status.value,
        "reason": result.reason,
        "evidence": list(result.evidence),
        "seconds": round(result.seconds, 3),
    }
