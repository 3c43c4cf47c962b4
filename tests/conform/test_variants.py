"""The kit finds nothing wrong with a server that is right in another way."""

from typing import Any

import pytest
from trio.testing import MockClock

from ric0_trio.client.address import Address
from ric0_trio.conform.outcomes import Status
from ric0_trio.conform.run import Plan, run_checks
from ric0_trio.conform.verdicts import judge
from tests.conform.reference.running import running
from tests.conform.reference.server import HONEST
from tests.conform.variants import VARIANTS, AnswersSlowly
from tests.independent.keys import ED25519, UserKey


@pytest.mark.parametrize("part", VARIANTS, ids=lambda part: part.__name__)
async def test_what_the_page_leaves_open_breaks_no_must(
    part: type[Any], server_keys: dict[str, UserKey], loopback_clock: MockClock
) -> None:
    async with running(server_keys[ED25519], HONEST.but(part)) as url:
        verdicts = judge(await run_checks(Plan(Address.parse(url))))
    broken = [(verdict.rule.id, verdict.told[0].reason) for verdict in verdicts if verdict.breaks_rule]
    assert broken == []


async def test_who_is_slow_is_not_taken_for_wrong(server_keys: dict[str, UserKey], loopback_clock: MockClock) -> None:
    """The kit itself uses the time to authenticate up, with seven messages."""
    async with running(server_keys[ED25519], HONEST.but(AnswersSlowly)) as url:
        findings = await run_checks(Plan(Address.parse(url), checks=["M19"]))
    for result in findings.results:
        assert result.status is Status.NOT_RUN
        assert result.reason.startswith("the 10 s to authenticate passed")
