"""The kit against a server that is right, and against one that gets one thing wrong at a time."""

import re

import pytest
from trio.testing import MockClock

from ric0_trio.client.address import Address
from ric0_trio.conform.outcomes import Status
from ric0_trio.conform.registry import all_checks
from ric0_trio.conform.rules import Level
from ric0_trio.conform.run import Findings, Plan, run_checks
from tests.conform.conftest import Tls
from tests.conform.faults import FAULTS, Fault, budgets, states
from tests.conform.liberties import LIBERAL
from tests.conform.reference.running import running
from tests.conform.reference.server import HONEST
from tests.independent.keys import ED25519, FORMATS, UserKey

MAY_ALONE = {"E27", "K20"}
"""What a server may do, and this one does not: take BSON's deprecated types, and refuse a format of keys."""


@pytest.mark.parametrize("key_format", FORMATS)
async def test_an_honest_server_of_another_make_passes(
    key_format: str, server_keys: dict[str, UserKey], tls: Tls, loopback_clock: MockClock
) -> None:
    async with running(server_keys[key_format], HONEST, tls.server) as url:
        findings = await run_checks(Plan(Address.parse(url), tls.client))
    assert findings.encodings == {"json": None, "bson": None}
    assert findings.admissions == dict.fromkeys(FORMATS)
    others = {result.rule: result for result in findings.results if result.status is not Status.PASSED}
    assert others.keys() == MAY_ALONE, others
    assert {result.rule for result in findings.results} == set(all_checks())


async def test_a_server_that_takes_every_liberty_gets_warnings_alone(
    server_keys: dict[str, UserKey], tls: Tls, loopback_clock: MockClock
) -> None:
    async with running(server_keys[ED25519], LIBERAL, tls.server) as url:
        findings = await run_checks(Plan(Address.parse(url), tls.client))
    others = {result.rule: result for result in findings.results if result.status is not Status.PASSED}
    assert others.keys() == {"S0", "T21", "E6"} | MAY_ALONE, others


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_is_caught_by_the_checks_that_should(
    fault: Fault, server_keys: dict[str, UserKey], tls: Tls, loopback_clock: MockClock
) -> None:
    findings = await check_with(fault, server_keys, tls)
    failed = {result.rule: result for result in findings.results if result.status is Status.FAILED}
    assert set(fault.caught_by) <= failed.keys(), (fault.wrong, findings.results)
    for rule in fault.caught_by:
        assert failed[rule].reason.startswith("expected ")
        assert "; came: " in failed[rule].reason
        assert failed[rule].evidence


@pytest.mark.parametrize("encoding", ["json", "bson"])
async def test_what_came_is_told_as_json(
    encoding: str, server_keys: dict[str, UserKey], loopback_clock: MockClock
) -> None:
    async with running(server_keys[ED25519], HONEST.but(budgets.TakesNineMessages)) as url:
        findings = await run_checks(Plan(Address.parse(url), encodings=[encoding], checks=["B2"]))
    (result,) = findings.results
    assert re.match(r'expected Close 1008; came: a message: {"time": "2\d{3}-[^"]+Z", "type": "reply", ', result.reason)


async def test_a_cell_tells_the_state_from_the_reply(
    server_keys: dict[str, UserKey], loopback_clock: MockClock
) -> None:
    async with running(server_keys[ED25519], HONEST.but(states.ConnectsTheBad)) as url:
        findings = await run_checks(Plan(Address.parse(url), encodings=["json"], checks=["S19-CHALLENGED"]))
    (result,) = findings.results
    assert result.reason.partition(" (")[2].startswith("a second request, which shows the state: CHALLENGED was ")


async def check_with(fault: Fault, server_keys: dict[str, UserKey], tls: Tls) -> Findings:
    """Carry out the checks that should catch it."""
    contexts = (tls.server, tls.client) if fault.is_tls else (None, None)
    async with running(server_keys[fault.key_format], fault.parts, contexts[0]) as url:
        plan = Plan(Address.parse(url), contexts[1], encodings=fault.encodings, checks=fault.caught_by)
        return await run_checks(plan)


def test_every_fault_is_one_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert len({fault.wrong for fault in FAULTS}) == len(FAULTS)
    assert all(fault.wrong.endswith(".") and fault.caught_by for fault in FAULTS)


def test_every_check_of_a_must_or_should_is_shown_to_be_able_to_fail() -> None:
    """By the tests above: each check that a fault names fails there."""
    bound = {name for name, check in all_checks().items() if check.rule.level is not Level.MAY}
    caught = {rule for fault in FAULTS for rule in fault.caught_by}
    assert bound <= caught <= set(all_checks())
