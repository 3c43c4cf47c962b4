"""Take the numbered rules of docs/protocol.md out, for `ric0-trio conform`, which has a check for each.

    python docs/make_rules.py            write ric0_trio/conform/rules.json
    python docs/make_rules.py --check    change nothing; exit 1 when it is out of date

A rule is a sentence with a number behind it, as in "It is so. [`T1`]", or a row of a table that has one in its column
"id". A row of the table of states is a rule for each state: `S1-OPEN`.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

DOCUMENT: Final = Path(__file__).with_name("protocol.md")
RULES: Final = Path(__file__).parents[1] / "ric0_trio" / "conform" / "rules.json"

_ID: Final = r"[A-Z]\d+"
_NUMBERED: Final = re.compile(rf"(?P<sentences>.*?)\s*\[`(?P<id>{_ID})`\]", re.DOTALL)
_SENTENCE_END: Final = re.compile(r"(?<=\.)\s+")
_LEVEL: Final = re.compile(r"\b(MUST|SHOULD|MAY)\b")
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_STATES: Final = frozenset({"OPEN", "CHALLENGED", "CONNECTED", "DISCONNECTED"})

Rule = dict[str, str]


def extract(text: str) -> list[Rule]:
    """Give every rule, in the order of the page: its `id`, `level`, `section` and `text`."""
    rules: list[Rule] = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        body = re.sub(r"^```.*?^```$", "", body, flags=re.DOTALL | re.MULTILINE)
        subtitle = ""
        for block in _blocks(body):
            if block[0].startswith("#"):
                subtitle = block[0].lstrip("#").strip()
            found = _rows(block, subtitle) if block[0].startswith("|") else _sentences(" ".join(block))
            rules += [{"id": name, "level": _level(said), "section": title, "text": said} for name, said in found]
    names = [rule["id"] for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SystemExit(f"{DOCUMENT.name}: each rule has a number of its own; these are there twice: {twice}")
    return rules


def _blocks(body: str) -> Iterator[list[str]]:
    """Give the lines of each paragraph, item of a list, and table."""
    block: list[str] = []
    for line in [*body.splitlines(), ""]:
        is_new = not line.strip() or re.match(r"\s*(?:[-*]|\d+\.) ", line) is not None or line.startswith("#")
        is_new = is_new or (
            bool(block) and (line.startswith("|") != block[0].startswith("|") or block[0].startswith("#"))
        )
        if is_new and block:
            yield block
            block = []
        if line.strip():
            block.append(line if line.startswith("|") else re.sub(r"^\s*(?:[-*]|\d+\.) ", "", line).strip())


def _sentences(paragraph: str) -> Iterator[tuple[str, str]]:
    """Give each sentence that has a number: from the end of the one before to the number."""
    for match in _NUMBERED.finditer(paragraph):
        yield match["id"], _plain(_SENTENCE_END.split(match["sentences"])[-1])


def _rows(lines: Sequence[str], subtitle: str) -> Iterator[tuple[str, str]]:
    """Give each row that has a number: its cells with their titles, under the section's smaller title if it has one."""
    head, _, *rows = (_cells(line) for line in lines)
    if "id" not in head:
        return
    for row in rows:
        cells = dict(zip(head, row, strict=True))
        name = cells.pop("id").strip("`")
        if not re.fullmatch(_ID, name):
            continue
        if cells.keys() >= _STATES:
            received = row[[title for title in head if title != "id"].index("received") + (head[0] == "id")]
            yield from (
                (f"{name}-{state}", _plain(f"{received}: {cells[state]}")) for state in head if state in _STATES
            )
        else:
            yield name, _plain("; ".join([*filter(None, [subtitle]), *_titled(cells.items())]))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def _titled(cells: Iterable[tuple[str, str]]) -> Iterator[str]:
    return (f"{title}: {cell}" for title, cell in cells if cell)


def _plain(markdown: str) -> str:
    return _LINK.sub(r"\1", markdown).replace("**", "").strip()


def _level(text: str) -> str:
    found = _LEVEL.search(text)
    return found[1] if found else "MUST"


def main(arguments: Sequence[str]) -> int:
    """Write the rules, or check them; give the exit status."""
    if list(arguments) not in ([], ["--check"]):
        print("usage: python docs/make_rules.py [--check]", file=sys.stderr)
        return 2
    new = json.dumps(extract(DOCUMENT.read_text(encoding="utf-8")), indent=1, ensure_ascii=False) + "\n"
    if RULES.exists() and RULES.read_text(encoding="utf-8") == new:
        return 0
    if arguments:
        print(f"{RULES.name} is out of date: run python docs/make_rules.py", file=sys.stderr)
        return 1
    RULES.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
