"""The rules of docs/protocol.md and the checks of the kit belong together, one and one."""

import re
from collections import Counter
from pathlib import Path

import pytest

from docs.making.rules import extract_rules
from ric0_trio.conform.registry import all_checks, check
from ric0_trio.conform.rules import Level, load_rules
from ric0_trio.conform.site import Site

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")


def test_every_rule_has_one_check_and_every_check_a_rule() -> None:
    assert list(all_checks()) == list(load_rules())
    assert len(all_checks()) >= 250


def test_no_rule_can_have_two_checks() -> None:
    all_checks()

    async def body(site: Site) -> None: ...

    with pytest.raises(ValueError, match="T1 has a check already"):
        check("T1")(body)


def test_the_rules_are_those_of_the_page() -> None:
    numbered = set(re.findall(r"\[`([A-Z]\d+)`\]", PAGE)) | set(re.findall(r"\| `([A-Z]\d+)` \|$", PAGE, re.MULTILINE))
    numbered -= {"T1"} if PAGE.count("[`T1`]") == 1 else set()  # only an example of how it looks
    assert numbered == {name for name in load_rules() if "-" not in name}


def test_levels() -> None:
    counts = Counter(rule.level for rule in load_rules().values())
    assert counts[Level.MUST] > 250
    for rule in load_rules().values():
        assert re.search(r"\b(SHOULD|MAY)\b", rule.text) is None or rule.level is not Level.MUST or "-" in rule.id


def test_each_rule_can_be_read_by_itself() -> None:
    for rule in load_rules().values():
        assert len(rule.text) > 10
        assert "[`" not in rule.text
        assert "](" not in rule.text


def test_extraction() -> None:
    text = (
        "## One\n\nIt is so. [`A1`] It MAY be\nso, see [there](#x). Unnumbered. The other SHOULD be so. [`A2`]\n"
        "- **Item** one. [`A3`]\n\n### Keys\n\n| a | id |\n| --- | --- |\n| x | `B1` |\n| y | |\n\n"
        "## Two\n\nIt MUST. [`C1`]\n"
    )
    rules = [(rule["id"], rule["level"], rule["section"], rule["text"]) for rule in extract_rules(text)]
    assert rules == [
        ("A1", "MUST", "One", "It is so."),
        ("A2", "SHOULD", "One", "The other SHOULD be so."),
        ("A3", "MUST", "One", "Item one."),
        ("B1", "MUST", "One", "Keys; a: x"),
        ("C1", "MUST", "Two", "It MUST."),
    ]


def test_a_number_is_there_once() -> None:
    with pytest.raises(SystemExit, match="A1"):
        extract_rules("## One\n\nIt is so. [`A1`] And so. [`A1`]\n")
