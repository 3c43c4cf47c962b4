"""Who has a turn when, and what becomes of a turn that fails."""

import pytest

from benchmarks.comparison.load import LoadFailedError
from benchmarks.comparison.peers import PEERS, UnknownPeerError, choose_peers
from benchmarks.comparison.results import Measured
from benchmarks.comparison.turns import Bench, turns
from tests.benchmarks.made import results_of


def test_peers_have_their_turns_one_after_another() -> None:
    assert list(turns(2, ["a", "b", "c"])) == [(0, "a"), (0, "b"), (0, "c"), (1, "a"), (1, "b"), (1, "c")]


def test_figures_are_kept_in_order_and_a_failure_is_not_the_others() -> None:
    results = results_of({})
    order = []

    def act(name: str) -> Measured:
        order.append(name)
        return Measured({"cpu_us": float(len(order))})

    def fail() -> Measured:
        raise LoadFailedError("no answer")

    bench = Bench([], 2, 0.1, False, results)
    bench.take_turns("session", "plain", {"a": lambda: act("a"), "broken": fail, "b": lambda: act("b")})
    assert order == ["a", "b", "a", "b"]
    by_peer = {row.peer: row for row in results.of("session")["plain"]}
    assert by_peer["a"].values("cpu_us") == [1.0, 3.0]
    assert by_peer["b"].values("cpu_us") == [2.0, 4.0]
    assert [measured.problem for measured in by_peer["broken"].rounds] == ["no answer"] * 2


def test_peers_are_chosen_in_the_order_in_which_they_are_named() -> None:
    chosen, left_out = choose_peers(["floor_trio_tcp", "ours"])
    assert ([peer.name for peer in chosen], left_out) == (["floor_trio_tcp", "ours"], [])


def test_a_peer_that_there_is_not() -> None:
    with pytest.raises(UnknownPeerError, match="no peer 'daphne'; there are ours, ours_plain, served, "):
        choose_peers(["daphne"])


def test_a_peer_whose_packages_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.comparison.peers.find_spec", lambda package: None)
    with pytest.raises(UnknownPeerError, match=r"picows_server: picows and uvloop not installed; pip install"):
        choose_peers(["picows_server"])
    chosen, left_out = choose_peers(None)
    assert {peer.name for peer in chosen} == {name for name, peer in PEERS.items() if not peer.needs}
    assert "picows_server is left out" in " ".join(left_out)
