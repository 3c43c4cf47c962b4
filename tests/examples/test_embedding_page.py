"""docs/embedding.md shows the asyncio example as it is, and names tests that there are."""

import re
from pathlib import Path

import pytest

from tests.examples.running import EXAMPLES

PAGE = (EXAMPLES.parent / "embedding.md").read_text()


def section(title: str) -> str:
    return re.split(r"^## ", PAGE, flags=re.M)[[*re.findall(r"^## (.*)$", PAGE, re.M)].index(title) + 1]


def code(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def test_the_pieces_are_the_whole_example() -> None:
    pieces = re.findall(r"^```python\n(.*?)^```$", section("One adapter, line by line"), re.M | re.S)
    assert code("".join(pieces)) == code((EXAMPLES / "asyncio_server.py").read_text())


def test_every_test_of_the_checklist_is_there() -> None:
    named = re.findall(r"`(test_\w+)`", section("Checklist for adapter authors"))
    assert len(named) > 10
    tests = Path(__file__).with_name("test_runtimes.py").read_text()
    for name in named:
        assert f"def {name}(" in tests, name


@pytest.mark.parametrize("page", ["embedding.md", "../README.md"])
def test_every_example_is_linked(page: str) -> None:
    text = (EXAMPLES.parent / page).read_text()
    for example in EXAMPLES.glob("*_server.py"):
        assert f"examples/{example.name})" in text
