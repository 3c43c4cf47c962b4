"""What is made in docs/benchmarks.md, and that everything that is measured has its place there."""

import re
from pathlib import Path

import pytest

from benchmarks.comparison.columns import COLUMNS
from benchmarks.comparison.page import find_parts, renew
from benchmarks.comparison.scenarios import SCENARIOS
from tests.benchmarks.made import whole_run

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def test_tables_take_the_place_of_what_was_there() -> None:
    page = "before\n<!-- figures: storm -->\nold\n<!-- end -->\nafter\n"
    made = renew(page, whole_run())
    assert "old" not in made
    assert "| ric0-trio, rules in memory | 1,800 |" in made
    assert made.startswith("before\n<!-- figures: storm -->\n")
    assert made.endswith("\n<!-- end -->\nafter\n")
    assert renew(made, whole_run()) == made


def test_what_was_not_measured_stays() -> None:
    page = "<!-- figures: overload -->\nof another run\n<!-- end -->\n"
    assert renew(page, whole_run()) == page


def test_it_tells_on_what_it_was_measured() -> None:
    made = renew("<!-- figures: storm -->\n<!-- end -->\n", whole_run())
    assert "`python -m benchmarks session`, begun 2026-01-01T00:00:00+00:00: a processor, 2 cores, Linux 6" in made
    assert "trio 0.30, OpenSSL 3" in made


def test_every_row_that_is_measured_has_columns_and_a_place_in_the_page() -> None:
    rows = [row for scenario in SCENARIOS.values() for row in scenario.rows]
    assert set(rows) == set(COLUMNS)
    assert set(find_parts(PAGE.read_text(encoding="utf-8"))) == set(rows)


def test_every_picture_has_a_place_in_the_page() -> None:
    pytest.importorskip("matplotlib", reason="pictures are drawn with matplotlib, of the extra bench")
    from benchmarks.comparison.plots import PICTURES

    shown = re.findall(r'<img src="benchmarks/(\w+)\.svg"', PAGE.read_text(encoding="utf-8"))
    assert shown == list(PICTURES)
