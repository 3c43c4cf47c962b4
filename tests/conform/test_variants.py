"""The kit finds nothing wrong with a server that is right in another way."""

from typing import Any

import pytest
from trio.testing import MockClock

from ric0_trio.client.address import Address
from ric0_trio.conform.run import Plan, run_checks
from ric0_trio.conform.verdicts import judge
from tests.conform.reference.running import running
from tests.conform.reference.server import HONEST
from tests.conform.variants import VARIANTS
from tests.independent.keys import ED25519, UserKey


@pytest.mark.parametrize("part", VARIANTS, ids=lambda part: part.__name__)
async def test_what_the_page_leaves_open_breaks_no_must(
    part: type[Any], server_keys: dict[str, UserKey], loopback_clock: MockClock
) -> None:
    async with running(server_keys[ED25519], HONEST.but(part)) as url:
        verdicts = judge(await run_checks(Plan(Address.parse(url))))
    broken = [(verdict.rule.id, verdict.told[0].reason) for verdict in verdicts if verdict.breaks_rule]
    assert broken == []
