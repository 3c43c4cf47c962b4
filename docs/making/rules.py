"""The numbered rules of docs/protocol.md, taken out for `ric0-trio conform`, which has a check for each.

A rule is a sentence with a number behind it, as in "It is so. [`T1`]", or a row of a table that has one in its column
"id". Of the table of states, each cell is one, `S1-OPEN`, if a client alone can bring it about.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

from docs.making.state_table import LIVE_STATES
from ric0_trio.protocol import Input, Outcome

_NUMBERED: Final = re.compile(r"(?P<sentences>.*?)\s*\[`(?P<id>[A-Z]\d+)`\]", re.DOTALL)
_SENTENCE_END: Final = re.compile(r"(?<=\.)\s+")
_ITEM: Final = re.compile(r"\s*(?:[-*]|\d{1,2}\.) ")
_LEVEL: Final = re.compile(r"\b(MUST|SHOULD|MAY)\b")
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")

_UNSEEN_INPUTS: Final = frozenset({Input.KICK, Input.SHUTDOWN})
_UNSEEN_OUTCOMES: Final = frozenset(
    {
        Outcome.DISALLOWED_CLIENT,
        Outcome.DISALLOWED_USER,
        Outcome.UNRECOGNISED_USER,
        Outcome.JOIN_TOKEN_REQUIRED,
        Outcome.INVALID_JOIN_TOKEN,
        Outcome.ALREADY_CONNECTED,
        Outcome.UNDECIDED,
        Outcome.LATE,
    }
)
"""What takes an operator's hand, or a fault of the server's own."""

Rule = dict[str, str]
"""Its `id`, `level`, `section` and `text`."""


def write_rules(rules: Sequence[Rule]) -> str:
    """Write rules down as the kit reads them: JSON, one rule a line."""
    lines = (json.dumps(rule, ensure_ascii=False) for rule in rules)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def extract_rules(document: str) -> list[Rule]:
    """Give every rule of the document, in its order. Each has a number of its own, or this raises `SystemExit`."""
    rules: list[Rule] = []
    for part in re.split(r"^## ", document, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        subtitle = ""
        for block in _blocks(re.sub(r"^```.*?^```$", "", body, flags=re.DOTALL | re.MULTILINE)):
            if block[0].startswith("#"):
                subtitle = block[0].lstrip("#").strip()
            rules += [{**rule, "section": title} for rule in _rules_of(block, subtitle)]
    names = [rule["id"] for rule in rules]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SystemExit(f"protocol.md: each rule has a number of its own; these are there twice: {', '.join(twice)}")
    return rules


def _blocks(body: str) -> Iterator[list[str]]:
    """Give the lines of each title, paragraph, item of a list, and table."""
    block: list[str] = []
    for line in [*body.splitlines(), ""]:
        begins = not line.strip() or line.startswith("#") or _ITEM.match(line) is not None
        if block and (begins or block[0].startswith("#") or line.startswith("|") != block[0].startswith("|")):
            yield block
            block = []
        if line.strip():
            block.append(_ITEM.sub("", line, count=1).strip() if begins else line.strip())


def _rules_of(block: Sequence[str], subtitle: str) -> Iterator[Rule]:
    if not block[0].startswith("|"):
        for match in _NUMBERED.finditer(" ".join(block)):
            yield _rule(match["id"], _SENTENCE_END.split(match["sentences"])[-1])
        return
    head, _, *lines = map(_cells, block)
    for row in (dict(zip(head, cells, strict=True)) for cells in lines):
        if "received" in row:
            yield from _cell_rules(row)
        elif number := row.pop("id", ""):
            told = [f"{title}: {cell}" for title, cell in row.items() if cell]
            yield _rule(number.strip("`"), "; ".join([subtitle, *told] if subtitle else told))


def _cell_rules(row: dict[str, str]) -> Iterator[Rule]:
    """Give a rule for each state. To close, where a cell says SHOULD, is a rule of its own: this one is to ignore."""
    given, outcome = Input(row["received"]), Outcome(row["when"])
    if given in _UNSEEN_INPUTS or outcome in _UNSEEN_OUTCOMES:
        return
    for state in LIVE_STATES:
        when = "" if outcome is Outcome.DONE else f", {outcome.value}"
        text = f"in {state.value}, {given.value}{when}: {row[state.value]}"
        yield {**_rule(f"{row['#']}-{state.value}", text), "level": "MUST"}


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split(" | ")]


def _rule(number: str, markdown: str) -> Rule:
    text = _LINK.sub(r"\1", markdown).replace("**", "").strip()
    level = _LEVEL.search(text)
    return {"id": number, "level": level[1] if level else "MUST", "text": text}
