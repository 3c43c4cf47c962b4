"""Well-formed names of users."""

import re
from collections.abc import Callable
from unicodedata import category, is_normalized

FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def is_composed(name: str) -> bool:
    return is_normalized("NFC", name)


def has_no_control(name: str) -> bool:
    return not any(category(char)[0] == "C" or category(char) in ("Zl", "Zp") for char in name)


def has_no_filler(name: str) -> bool:
    return FILLERS.isdisjoint(name)


def has_no_outer_space(name: str) -> bool:
    return bool(name) and "Zs" not in (category(name[0]), category(name[-1]))


def has_a_letter_or_number(name: str) -> bool:
    return any(category(char)[0] in "LN" for char in name)


def has_few_marks_in_a_row(name: str) -> bool:
    return re.search("MMM", "".join(category(char)[0] for char in name)) is None


NAME_RULES: tuple[Callable[[str], bool], ...] = (
    is_composed,
    has_no_control,
    has_no_filler,
    has_no_outer_space,
    has_a_letter_or_number,
    has_few_marks_in_a_row,
)


def is_well_formed_name(name: object) -> bool:
    return isinstance(name, str) and all(rule(name) for rule in NAME_RULES)
