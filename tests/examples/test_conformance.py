"""The examples under the conformance kit: docs/embedding.md says which rules do not hold there, and all others do.

What takes long to wait for (budgets and deadlines, and the cells of S30) is left out.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch

import pytest

from ric0_trio.client.address import Address
from ric0_trio.conform.outcomes import Status
from ric0_trio.conform.registry import all_checks
from ric0_trio.conform.report import tell
from ric0_trio.conform.rules import Level
from ric0_trio.conform.run import Plan, run_checks
from ric0_trio.conform.verdicts import judge
from tests.examples.running import EXAMPLES, Running

PAGE = EXAMPLES.parent / "embedding.md"
COLUMNS = ["asyncio", "asgi", "threads", "trio"]
AWAITED = ["B*", "S30-*"]


def rules_that(word: str, runtime: str) -> set[str]:
    """Those of which the page's table says this of a runtime."""
    table = PAGE.read_text().partition("<!-- rules that do not hold -->")[2].partition("\n\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| [^|]+((?:\| (?:no|not always|holds) ){4})\|$", table, re.M)
    assert len(rows) == 11
    told = {rule for rule, cells in rows if cells.strip("| ").split(" | ")[COLUMNS.index(runtime)] == word}
    return {rule for rule in told if not is_awaited(rule)}


def is_awaited(rule: str) -> bool:
    return any(fnmatch(rule, pattern) for pattern in AWAITED)


@pytest.fixture(params=COLUMNS)
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def address(runtime: str) -> Iterator[Address]:
    command = [sys.executable, str(EXAMPLES / f"{runtime}_server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            yield Address.parse(Running(process).url)
        finally:
            process.kill()


async def test_every_rule_holds_but_those_that_are_told(runtime: str, address: Address) -> None:
    rules = [rule for rule in all_checks() if not is_awaited(rule)]
    findings = await run_checks(Plan(address, checks=rules, jobs=16))
    wrong = {
        verdict.rule.id: "\n".join(tell(verdict))
        for verdict in judge(findings)
        if verdict.status not in (Status.PASSED, Status.SKIPPED) and verdict.rule.level is not Level.MAY
    }
    told = rules_that("no", runtime)
    unexpected = wrong.keys() - told - rules_that("not always", runtime)
    assert not unexpected, "\n".join(wrong[rule] for rule in unexpected)
    assert told <= wrong.keys()
