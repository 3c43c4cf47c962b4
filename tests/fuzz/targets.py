"""The targets, by name: each is the function `target` of a module of its own, and asserts whatever it is given."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

NAMES = ("codec", "session", "head", "frames")
CORPUS = Path(__file__).parent / "corpus"
"""A folder of inputs for each target. They are replayed by pytest, and are where a fuzzer begins."""

Target = Callable[[bytes], None]


def load(name: str) -> Target:
    """Give a target. It is imported only here, so that a fuzzer can instrument what it imports."""
    target: Target = import_module(f"tests.fuzz.fuzz_{name}").target
    return target


def words_of(name: str) -> tuple[str, ...]:
    """What a target's inputs are made of: a fuzzer finds these sooner when it is told."""
    words: tuple[str, ...] = import_module(f"tests.fuzz.fuzz_{name}").WORDS
    return words
