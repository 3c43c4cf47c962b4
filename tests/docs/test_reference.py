"""The reference has every public name, once, and each says what it is."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
ROOMS = ["protocol", "client", "server", "testing"]


def public_names(room: str) -> list[str]:
    names: list[str] = importlib.import_module(f"ric0_trio.{room}").__all__
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_is_there_once(room: str) -> None:
    page = (REFERENCE / f"{room}.md").read_text()
    blocks = re.findall(rf"^\.\. currentmodule:: ric0_trio\.{room}$(.*?)^```$", page, re.M | re.S)
    listed = re.findall(r"^\.\. auto\w+:: (\w+)$", "".join(blocks), re.M)
    assert sorted(listed) == sorted(public_names(room))


@pytest.mark.parametrize(("room", "name"), [(room, name) for room in ROOMS for name in public_names(room)])
def test_every_public_name_says_what_it_is(room: str, name: str) -> None:
    named = getattr(importlib.import_module(f"ric0_trio.{room}"), name)
    if inspect.isclass(named) or inspect.isfunction(named):
        assert named.__doc__
        own = [key for key, member in vars(named).items() if not key.startswith("_") and can_say(member)]
        assert not [key for key in own if not inspect.getdoc(getattr(named, key))]


def can_say(member: object) -> bool:
    """Whether it can have a docstring: a method or a property can, a field cannot."""
    return inspect.isfunction(member) or isinstance(member, property | staticmethod | classmethod)
