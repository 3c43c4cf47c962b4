"""The list of all faults, and how one gets onto it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.conform.reference.server import HONEST, Parts
from tests.independent.keys import ED25519

_Part = TypeVar("_Part", bound=type[Any])


@dataclass(frozen=True)
class Fault:
    """One thing that a server gets wrong."""

    part: type[Any]
    caught_by: tuple[str, ...]
    """The ids of the checks that have to fail."""
    encodings: tuple[str, ...]
    """Those in which they are run."""
    key_format: str
    """That of the server's key."""
    is_tls: bool

    @property
    def name(self) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "-", self.part.__name__).lower()

    @property
    def wrong(self) -> str:
        """What is wrong, in a sentence."""
        return (self.part.__doc__ or "").strip()

    @property
    def parts(self) -> Parts:
        """Those of the server that has it."""
        return HONEST.but(self.part)


FAULTS: list[Fault] = []


def seeds(
    *caught_by: str, encodings: tuple[str, ...] = ("json",), key_format: str = ED25519, is_tls: bool = False
) -> Callable[[_Part], _Part]:
    """Put a part with a fault, which its docstring names, on the list."""

    def note(part: _Part) -> _Part:
        FAULTS.append(Fault(part, caught_by, encodings, key_format, is_tls))
        return part

    return note
