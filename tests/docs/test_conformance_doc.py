"""docs/conformance.md shows what there is: its commands are understood, and its table is the kit's."""

import re
import shlex
from fnmatch import fnmatchcase
from pathlib import Path

import click
import pytest

from ric0_trio.cli import command
from ric0_trio.conform.outcomes import Status
from ric0_trio.conform.registry import all_checks
from ric0_trio.conform.report import TITLES
from ric0_trio.conform.rules import load_rules

PAGE = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text()
COMMANDS = re.findall(r"^(?:\$ )?(?:\.venv/bin/)?(ric0-trio conform .*)$", PAGE, re.MULTILINE)
OPTIONS = set(re.findall(r"`(--[a-z-]+)", PAGE))


@pytest.mark.parametrize("shown", COMMANDS)
def test_each_command_is_understood(shown: str) -> None:
    _, name, *words = shlex.split(shown)
    subcommand = command.commands[name]
    subcommand.make_parser(click.Context(subcommand, **command.context_settings)).parse_args(words)


def test_there_are_commands_and_options() -> None:
    assert len(COMMANDS) >= 4
    known = {option for parameter in command.commands["conform"].params for option in parameter.opts}
    assert known >= OPTIONS >= {"--user-key", "--join-token", "--ca", "--only", "--list", "--junit", "--json", "--jobs"}


def test_the_table_shown_is_the_kit_s() -> None:
    assert "  ".join(TITLES).split() == re.findall(r"^section .*$", PAGE, re.MULTILINE)[0].split()
    assert re.findall(r"(\d+) rules in", PAGE) == [str(len(all_checks()))]


def test_patterns_name_rules() -> None:
    for patterns in re.findall(r"--only '?([A-Z][^'`]*)'?`", PAGE):
        for pattern in patterns.split(","):
            assert any(fnmatchcase(name, pattern) for name in load_rules()), pattern


def test_every_word_is_explained() -> None:
    rows = re.findall(r"^\| ([a-z ,]+) \| ", PAGE, re.MULTILINE)
    listed = {word.strip() for row in rows for word in row.split(",")}
    assert listed >= {*Status, "warning", "does", "does not"}
