"""When figures cannot be used, and what is said then."""

from collections import Counter
from dataclasses import replace

import pytest

from ric0_trio.client.address import Address
from ric0_trio.load.plan import Plan, Scenario
from ric0_trio.load.tally import Tally
from ric0_trio.load.verdict import bottleneck, shortcoming

BOTTLENECKS = [
    # share, asked, begun: what is said
    (0.0, None, 0, None),
    (0.9, None, 0, None),
    (0.91, None, 0, "--processes"),
    (1.0, None, 0, "--processes"),
    (0.5, 1000.0, 1000, None),
    (0.5, 1000.0, 980, None),
    (0.5, 1000.0, 978, "--connections"),
    (0.5, 1000.0, 0, "--connections"),
    (0.91, 1000.0, 1000, "--processes"),
    (0.5, 0.9, 0, None),  # the one that was due at the edge
]


@pytest.mark.parametrize(("share", "asked", "begun", "said"), BOTTLENECKS)
def test_the_load_is_the_bottleneck(share: float, asked: float | None, begun: int, said: str | None) -> None:
    found = bottleneck(share, asked, begun)
    assert (found is None) == (said is None)
    assert (said or "") in (found or "")


URL = "ws://127.0.0.1:8080"
PLAN = Plan(
    url=URL,
    address=Address.parse(URL),
    scenario=Scenario.SESSION,
    connections=4,
    seconds=1.0,
    rate=None,
    encoding="json",
    user_format="ed25519-sha512",
    users=4,
    seed=0,
    ca=None,
    join_token=None,
    processes=1,
    resumes=True,
)

SHORTCOMINGS = [
    (Scenario.SESSION, Tally(operations=1, errors=Counter(http_503=9)), None),
    (Scenario.SESSION, Tally(errors=Counter(refused=1, http_503=9)), "9 http_503, 1 refused"),
    (Scenario.SESSION, Tally(), "too short"),
    (Scenario.MESSAGE, Tally(operations=1), None),
    (Scenario.MESSAGE, Tally(operations=1, errors=Counter(closed_1008=1)), "messages_burst"),
    (Scenario.IDLE, Tally(operations=4, stayed=4), None),
    (Scenario.IDLE, Tally(operations=3, stayed=3, errors=Counter(closed_1006=1)), "3 of 4 users stayed: 1 closed_1006"),
    (Scenario.STORM, Tally(operations=4, stayed=4), None),
    (Scenario.STORM, Tally(operations=3, stayed=3), "3 of 4 users were back"),
]


@pytest.mark.parametrize(("scenario", "tally", "said"), SHORTCOMINGS)
def test_shortcomings(scenario: Scenario, tally: Tally, said: str | None) -> None:
    found = shortcoming(replace(PLAN, scenario=scenario), tally)
    assert (found is None) == (said is None)
    assert (said or "") in (found or "")


SHARES = [(10, 1, [10]), (10, 3, [4, 3, 3]), (2, 2, [1, 1])]


@pytest.mark.parametrize(("connections", "processes", "shares"), SHARES)
def test_processes_share_the_connections(connections: int, processes: int, shares: list[int]) -> None:
    plan = replace(PLAN, processes=processes)
    assert [plan.share(connections, worker) for worker in range(processes)] == shares
