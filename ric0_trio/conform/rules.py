"""The numbered rules of docs/protocol.md, as docs/make_tables.py takes them out."""

from enum import StrEnum
from functools import cache
from importlib.resources import files

import msgspec


class Level(StrEnum):
    """How much a rule binds, as RFC 2119 says."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Rule(msgspec.Struct, frozen=True):
    """One sentence, or one row of a table."""

    id: str
    """Its number on the page: `T1`; `S1-OPEN` for a cell of the table of states."""
    level: Level
    section: str
    """The title of its section."""
    text: str


@cache
def load_rules() -> dict[str, Rule]:
    """Give every rule by its id, in the order of the page."""
    raw = files("ric0_trio.conform").joinpath("rules.json").read_bytes()
    return {rule.id: rule for rule in msgspec.json.decode(raw, type=list[Rule])}
