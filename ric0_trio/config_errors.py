"""What msgspec says of a bad configuration, said for the person who has to mend it."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Final, get_args

import msgspec

_KINDS: Final = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "object": "a table",
    "path": "the path of a file or folder",
    "str": "text",
}
_BOUNDS: Final = {">": "above", ">=": "of at least", "<=": "of at most"}


class ConfigError(Exception):
    """The configuration cannot be used. Its text says where, what was wrong, and what would be right."""


def explain(error: str, merged: dict[str, Any], defaults: msgspec.Struct) -> str:
    """Turn "Expected `float` > 0.0 - at `$.limits.x`" into "[limits] x: expected a number above 0, got -3"."""
    what, _, where = error.partition(" - at `$")
    where = where.strip("`.")
    unknown = re.match(r"Object contains unknown field `(.*)`", what, re.DOTALL)
    if unknown is not None:
        known = _fields_of(getattr(defaults, where)) if where else _fields_of(defaults)
        meant = get_close_matches(unknown[1], known, n=1)
        guess = f"is it {meant[0]}? " if meant else ""
        return f"{_place(where, unknown[1])}: no such key; {guess}expected {one_of(known)}"
    steps = re.findall(r"\.\.\.|[^.\[\]]+", where)
    section, _, key = where.partition(".")
    return f"{_place(section, key)}: expected {_expected(what, steps, defaults)}{_got(what, steps, merged)}"


def _place(section: str, key: str) -> str:
    return f"[{section}] {key}" if section and key else section or key


def _fields_of(section: msgspec.Struct) -> list[str]:
    return [field.name for field in msgspec.structs.fields(section)]


def _expected(what: str, steps: list[str], defaults: msgspec.Struct) -> str:
    match = re.match(r"Expected `(\w+)[^`]*`( of length)?(?: (>=|<=|>) ([\d.]+))?", what)
    if match is None and not what.startswith("Invalid enum value"):
        return f"another value ({what.replace('`', '').lower()})"
    if match is None:  # one of several words
        section = getattr(defaults, steps[0])
        kind = next(f.type for f in msgspec.structs.fields(section) if f.name == steps[1])
        return one_of(get_args(kind) or tuple(kind))  # of a Literal, or of an enum
    kind, length, bound, number = match.groups()
    text = _KINDS[kind] + (length or "")
    if bound is None:
        return text
    least = _BOUNDS[bound].removeprefix("of ") if length else _BOUNDS[bound]
    return f"{text} {least} {number.removesuffix('.0')}"


def _got(what: str, steps: list[str], merged: dict[str, Any]) -> str:
    value: Any = merged
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal():
            value = value[int(step)]
        else:  # within a table of any keys, msgspec does not say where
            kind = re.search(r"got `(\w+)`$", what)
            return f", got {_KINDS.get(kind[1], kind[1])}" if kind else ""
    if isinstance(value, dict):
        return ", got a table"
    return ", got several lines" if "\n" in str(value) else f", got {value!r}"


def one_of(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
