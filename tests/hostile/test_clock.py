"""The system's clock steps, by years: nobody is put out for it, nobody stays longer, and everyone can come."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from trio.testing import MockClock

from ric0_trio.protocol import State
from ric0_trio.testing import CHALLENGE, CONNECT, DISCONNECT
from tests.access.stage import OPEN, HandClock, open_store
from tests.hostile.site import ATTACKER, retry_after_s, under_attack
from tests.hostile.test_guessing import FORGED, fail, from_one_address
from tests.server.raw_client import RawClient

YEAR_S = 365.25 * 86_400
STEPS = [-30 * YEAR_S, 40 * YEAR_S, -10 * YEAR_S, -1.0, 0.0]
"""In seconds, each from the true time."""

Step = Callable[[float], None]


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Step:
    """Sets the system's clock, so many seconds from the true time."""
    true_time, offset = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: true_time() + offset[0])

    def set_offset(seconds: float) -> None:
        offset[0] = seconds

    return set_offset


async def test_while_people_are_on(step: Step, loopback_clock: MockClock) -> None:
    """What the server tells of the time goes forward on each connection, as before."""
    async with under_attack() as site, site.visitors():
        user, times = await site.client(State.CONNECTED), list[str]()
        for offset in STEPS:
            step(offset)
            times.append((await user.ask(CONNECT))["time"])
            assert (await user.ask(DISCONNECT))["status"] == "success"
            assert (await user.ask(CONNECT))["status"] == "success"
            await site.check_answers()
        assert times == sorted(times)
        assert len({moment[:4] for moment in times}) == 1, "it is the year in which they came"


async def test_while_people_connect(step: Step, loopback_clock: MockClock) -> None:
    async with under_attack() as site, site.visitors():
        for offset in STEPS:
            client = await site.client()
            step(offset)
            await client.upgrade()
            step(-offset)
            assert (await client.ask(CHALLENGE))["status"] == "success"
            step(offset)
            assert (await client.ask(CONNECT))["status"] == "success"


@pytest.mark.parametrize("offset", STEPS[:2], ids=["back", "forward"])
async def test_who_waits_for_it(offset: float, step: Step, loopback_clock: MockClock) -> None:
    """The time to authenticate, to open and to be barred is that which passes."""
    limits = {"auth_timeout_s": 1, "opening_timeout_s": 1}
    refuses = {**limits, "failures_per_address": 2}
    async with under_attack(refuses=refuses, auth_timeout_s=0.5, opening_timeout_s=0.5) as site:
        async with site.visitors():
            last = await fail(from_one_address(site), FORGED)
            assert (await last.closing())[0] == 1013
        silent, dumb = await site.client(State.OPEN, "127.0.0.2"), RawClient(await site.socket("127.0.0.3"))
        step(offset)
        retry_after_s(await site.knock(ATTACKER))
        assert (await silent.closing())[0] == 1008
        assert await dumb.gone() == b""


async def test_the_store_that_steps_as_well(step: Step, tmp_path: Path) -> None:
    clock = HandClock()
    true_moment = clock.moment
    async with (
        open_store(tmp_path / "access.sqlite3", OPEN, clock) as access,
        under_attack(access=access) as site,
        site.visitors(),
    ):
        user = await site.client(State.CONNECTED)
        for offset in STEPS:
            step(offset)
            clock.moment = true_moment + timedelta(seconds=offset)
            await site.check_answers()
            assert (await user.ask(CONNECT))["status"] == "already_connected"
