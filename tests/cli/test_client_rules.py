"""`client`: which software may connect."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.rules_users import ADA, EVIL_APP, EVIL_SHOWN, Read, Tell, is_plain, lines

pytest_plugins = ["tests.cli.rules_site"]

ALLOWED, DENIED = "success", "disallowed_client"

# Rules in the order in which they are made, and what becomes of versions then.
DECISIONS: dict[str, tuple[list[list[str]], dict[str, str]]] = {
    "no rule": ([], {"App@1.0": ALLOWED}),
    "all versions": ([["deny", "App"]], {"App@0.0-dev": DENIED, "App@999.0": DENIED, "app@1.0": ALLOWED}),
    "below": (
        [["deny", "App", "--below", "2.3.0"]],
        {"App@2.2.9": DENIED, "App@2.3.0-beta": DENIED, "App@2.3.0": ALLOWED, "App@10.0": ALLOWED},
    ),
    "from": ([["deny", "App", "--from", "2.3"]], {"App@2.3.0-beta": ALLOWED, "App@2.3": DENIED}),
    "between": (
        [["deny", "App", "--from", "1.1-beta", "--below", "1.2"]],
        {"App@1.1-alpha": ALLOWED, "App@1.1-beta": DENIED, "App@1.1.9": DENIED, "App@1.2": ALLOWED},
    ),
    "the newest counts": (
        [["deny", "App"], ["allow", "App", "--from", "2.0"], ["deny", "App", "--from", "3.0"]],
        {"App@1.0": DENIED, "App@2.0": ALLOWED, "App@3.0": DENIED},
    ),
    "the default": (
        [["allow", "App", "--from", "1.4", "--default", "deny"]],
        {"App@1.4": ALLOWED, "App@1.3": DENIED, "Other@1.4": DENIED},
    ),
    "the default, and back": ([["deny", "--default", "deny"], ["allow", "--default", "allow"]], {"Other@1.0": ALLOWED}),
}


@pytest.mark.parametrize(("rules", "expected"), DECISIONS.values(), ids=DECISIONS)
def test_what_becomes_of_software(rules: list[list[str]], expected: dict[str, str], run: Run, tell: Tell) -> None:
    tell("user", "add", ADA)
    for rule in rules:
        tell("client", *rule)
    for program, status in expected.items():
        ended = run("explain", "--user", ADA, "--client", program)
        assert ended.code == (0 if status == ALLOWED else 3)
        assert f"connect would be answered: {status}" in ended.out


def test_a_rule_is_told(tell: Tell, read: Read) -> None:
    said = tell("client", "deny", "Old App", "--from", "1.0", "--below", "2.3.0", "--reason", "upgrade")
    assert said == "Old App, from 1.0.0 below 2.3.0: deny\nsoftware that no rule speaks of: allow\n"
    assert tell("client", "allow", "[b]", "--default", "deny", "--now") == (
        "[b], all versions: allow\nsoftware that no rule speaks of: deny\nno server runs now\n"
    )
    assert tell("client", "allow", "--default", "allow") == "software that no rule speaks of: allow\n"
    made = read("client", "deny", "X", "--below", "1.0-beta", "--now")
    assert made == {
        "rule": {
            "name": "X",
            "ruling": "deny",
            "from": None,
            "below": "1.0.0-beta",
            "reason": "",
            "since": made["rule"]["since"],
            "made_by": "olga",
        },
        "default": "allow",
        "closed": None,
    }
    assert read("client", "deny", "--default", "deny") == {"rule": None, "default": "deny", "closed": None}


def test_rules_are_listed_by_name_and_the_newest_first(tell: Tell, read: Read) -> None:
    tell("user", "add", ADA)
    assert tell("client", "list") == "there is no rule\n\nsoftware that no rule speaks of: allow\n"
    assert read("client", "list") == {"rules": [], "default": "allow"}
    tell("client", "deny", "B", "--below", "2.0", "--reason", "up")
    tell("client", "allow", "A")
    tell("client", "allow", "B", "--from", "1.5")
    assert lines(tell("client", "list")) == [
        "software versions ruling reason since by",
        "A all versions allow MOMENT olga",
        "B from 1.5.0 allow MOMENT olga",
        "B below 2.0.0 deny up MOMENT olga",
        "",
        "software that no rule speaks of: allow",
    ]
    listed = read("client", "list")["rules"]
    assert [(each["name"], each["ruling"], each["from"], each["below"], each["reason"]) for each in listed] == [
        ("A", "allow", None, None, ""),
        ("B", "allow", "1.5.0", None, ""),
        ("B", "deny", None, "2.0.0", "up"),
    ]


def test_software_is_named_as_it_names_itself(tell: Tell, read: Read) -> None:
    """Whatever that is; and it is shown so that it does no harm."""
    tell("user", "add", ADA)
    out = tell("client", "deny", EVIL_APP["name"], "--reason", "no")
    out += tell("client", "list") + tell("client", "list", "--json")
    assert out.count(EVIL_SHOWN) == 2
    assert is_plain(out)
    assert read("client", "list")["rules"][0]["name"] == EVIL_APP["name"]


def test_a_rule_replaces_those_of_which_it_leaves_nothing(tell: Tell, read: Read) -> None:
    for below in ("1.0", "2.0", "3.0"):
        tell("client", "deny", "App", "--below", below)
    assert [rule["below"] for rule in read("client", "list")["rules"]] == ["3.0.0"]
    tell("client", "allow", "App", "--from", "1.0", "--below", "2.0")
    assert len(read("client", "list")["rules"]) == 2
    tell("client", "allow", "App")
    assert [rule["ruling"] for rule in read("client", "list")["rules"]] == ["allow"]


def test_where_nothing_is_kept_there_is_no_list(run: Run, tmp_path: Path) -> None:
    ended = run("client", "list")
    assert (ended.code, ended.out) == (78, "")
    assert "nothing is kept in " in ended.err
    assert list(tmp_path.iterdir()) == []
