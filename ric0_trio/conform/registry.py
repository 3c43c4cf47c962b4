"""The checks, each found by the id of its rule."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import import_module
from typing import Final

from ric0_trio.conform.rules import Rule, load_rules
from ric0_trio.conform.site import Site

Body = Callable[[Site], Awaitable[None]]


class Variants(Enum):
    """With what a check is run."""

    ONCE = "once"
    """It makes no difference to it."""
    ENCODINGS = "in each encoding"
    KEYS = "in each encoding, with each format of users' keys"


@dataclass(frozen=True)
class Check:
    """How one rule is checked. The body returns when the rule holds, and raises an `EndedError` otherwise."""

    rule: Rule
    body: Body
    variants: Variants
    waits_s: float
    """How long it waits for the server's deadlines, by design: those that wait longest begin first."""
    encoding: str | None
    """The only encoding that the rule is about."""


_CHECKS: Final[dict[str, Check]] = {}
_MODULES: Final = (
    "transport",
    "broken_frames",
    "upgrade",
    "encodings",
    "json_text",
    "bson_types",
    "envelope",
    "moments",
    "names",
    "keys",
    "rsa_keys",
    "structures",
    "statuses",
    "messages",
    "joining",
    "negotiation",
    "states",
    "budgets",
    "deadlines",
    "closes",
)


def check(
    rule: str, variants: Variants = Variants.ENCODINGS, *, waits_s: float = 0.0, encoding: str | None = None
) -> Callable[[Body], Body]:
    """Make a function the check of that rule."""

    def register(body: Body) -> Body:
        if rule in _CHECKS:
            raise ValueError(f"{rule} has a check already")
        _CHECKS[rule] = Check(load_rules()[rule], body, variants, waits_s, encoding)
        return body

    return register


@cache
def all_checks() -> dict[str, Check]:
    """Give every check by its rule's id, in the order of the page."""
    for name in _MODULES:
        import_module(f"ric0_trio.conform.checks.{name}")
    return {rule: _CHECKS[rule] for rule in load_rules() if rule in _CHECKS}
