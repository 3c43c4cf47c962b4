"""The alert rules name metrics and labels that there are, and the page says what to do about each."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.server.labels import VALUES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "operations.md").read_text()
METRICS = set(re.findall(r"^\| `((?:ric0|process)_[a-z_]+)", PAGE, re.MULTILINE))
(GROUP,) = yaml.safe_load((DOCS / "ric0-trio.rules.yml").read_text())["groups"]
RULES: dict[str, dict[str, Any]] = {rule["alert"]: rule for rule in GROUP["rules"]}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_is_of_what_there_is(rule: dict[str, Any]) -> None:
    named = {name.removesuffix("_bucket") for name in re.findall(r"\b(?:ric0|process)_[a-z_]+", rule["expr"])}
    assert named <= METRICS
    assert named or "up{" in rule["expr"]
    for label, value in re.findall(r'(\w+)="([^"]*)"', rule["expr"]):
        assert (label, value) == ("job", "ric0-trio") or value in VALUES[label]
    assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["annotations"]["summary"]


def test_the_page_says_what_to_do() -> None:
    assert set(re.findall(r"^\| `(Ric0\w+)`", PAGE, re.MULTILINE)) == set(RULES)
