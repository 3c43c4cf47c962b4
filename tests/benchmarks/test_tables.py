"""Results as tables."""

from pathlib import Path

from benchmarks.comparison.results import Measured, Results
from benchmarks.comparison.tables import make_tables
from tests.benchmarks.made import PLAIN, results_of, whole_run


def test_a_table_for_a_terminal() -> None:
    results = results_of(
        {
            ("session", PLAIN, "ours"): {"cpu_us": [2000.0, 2100.0, 1900.0], "per_second": [500.0, 510.0, 490.0]},
            ("session", PLAIN, "picows_server"): {"cpu_us": [500.0, 700.0, 380.0], "per_second": [990.0, None, 1010.0]},
            ("session", PLAIN, "signatures"): {"cpu_us": [77.0, 78.0, 77.5]},
        }
    )
    (table,) = make_tables(results, "session")
    assert table.to_text().splitlines() == [
        "session: plain ws://, Ed25519, JSON",
        "  peer                         CPU, µs a session   least to most  to ours  sessions/s",
        "  ric0-trio, rules in memory               2,000  1,900 to 2,100     1.00         500",
        "  picows, uvloop                             500      380 to 700     0.25  load-bound",
        "  floor: the signatures alone                 78        77 to 78     0.04",
    ]


def test_the_same_in_markdown() -> None:
    (table,) = make_tables(whole_run(), "storm")
    assert table.to_markdown().splitlines() == [
        "**storm: 200 users**",
        "",
        "| peer | CPU, µs a reconnection | least to most | all back, s | p50, ms |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| ric0-trio, rules in memory | 1,800 | 1,800 to 1,800 | 0.40 | 300.0 |",
    ]


def test_variants_of_one_peer_are_one_table() -> None:
    (table,) = make_tables(whole_run(), "flood")
    assert [row[0] for row in table.rows] == ["quiet", "challenges"]
    assert table.head == ["", "p99, ms", "least to most", "p50, ms", "p99, to quiet"]


def test_each_variant_has_its_table() -> None:
    titles = [table.title for table in make_tables(whole_run(), "message")]
    assert titles == ["message: 1 connection", "message: 100 connections"]


def test_nothing_was_measured() -> None:
    assert make_tables(whole_run(), "unheard of") == []


def test_what_went_wrong_is_told_below() -> None:
    results = whole_run()
    refused = Measured({"cpu_us": 2000.0}, [{"errors": {"http_503": 1_200}}, {"errors": {"http_503": 1}}])
    results.add("session", PLAIN, "ours", refused)
    results.add("session", PLAIN, "picows_server", Measured({}, problem="the load gave no report"))
    (table,) = make_tables(results, "session")
    assert table.notes == [
        "ric0-trio, rules in memory: not as expected were 1,201 http_503.",
        "picows, uvloop: the load gave no report",
    ]
    assert table.to_text().count("not as expected") == table.to_markdown().count("not as expected") == 1


def test_results_come_back_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    whole_run().save(path)
    assert Results.load(path) == whole_run()
