"""Users that are known by their fingerprints alone, and what commands print, made fit to compare."""

import re
from collections.abc import Callable
from typing import Any

from tests.independent.client import APP

Tell = Callable[..., str]
Read = Callable[..., Any]

ADA = f"ed25519:{'ad' * 32}"
BOB = f"rsa:{'b0' * 32}"
ADAS_LIKE = f"rsa:{'ad' * 32}"  # the same digits
NOBODY = f"ed25519:{'00' * 32}"
EVIL_APP = APP | {"name": "evil\x1b[2J\x9b\n\u202e"}
EVIL_SHOWN = r"evil\x1b[2J\x9b\n\u202e"


def short(user: str) -> str:
    label, digits = user.split(":")
    return f"{label}:{digits[:16]}"


def lines(out: str) -> list[str]:
    """The lines, whatever their spacing, and without what is another each time."""
    plain = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "MOMENT", out)
    return [" ".join(line.split()) for line in plain.splitlines()]


def line_with(out: str, text: str) -> str:
    (line,) = [line for line in lines(out) if text in line]
    return line


def is_plain(out: str) -> bool:
    """Nothing in it moves a cursor or forges a line."""
    return all(line.isprintable() for line in out.split("\n"))
