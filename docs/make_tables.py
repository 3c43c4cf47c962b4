"""Make what comes from the source: parts of docs/protocol.md, and its picture of the states.

    python docs/make_tables.py            rewrite them in place
    python docs/make_tables.py --check    change nothing; exit 1 when they are out of date

A part stands between the lines `<!-- made: NAME -->` and `<!-- end -->`. Its text is what `PARTS[NAME]` gives.
"""

import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))  # run by its path, a program finds its own folder alone

from docs.making.example import make_example_bson, make_example_json, make_example_keys
from docs.making.key_tables import make_key_table
from docs.making.state_diagram import make_state_diagram
from docs.making.state_table import make_state_table
from ric0_trio.protocol import (
    AppInfo,
    ChallengeReply,
    ChallengeRequest,
    ConnectReply,
    ConnectRequest,
    DisconnectRequest,
    PublicKey,
    RefusalReply,
    ServerInfo,
    SoftwareVersion,
    UserIdentity,
)

DOCUMENT: Final = Path(__file__).with_name("protocol.md")
PICTURE: Final = Path(__file__).with_name("states.svg")
_PART: Final = re.compile(r"(<!-- made: (?P<name>[\w-]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
_STRUCTS: Final = (
    PublicKey,
    SoftwareVersion,
    AppInfo,
    UserIdentity,
    ServerInfo,
    ChallengeRequest,
    ChallengeReply,
    ConnectRequest,
    ConnectReply,
    DisconnectRequest,
    RefusalReply,
)

PARTS: Final[dict[str, Callable[[], str]]] = {
    "state-table": make_state_table,
    **{struct.__name__: partial(make_key_table, struct) for struct in _STRUCTS},
    "example-keys": make_example_keys,
    "example-json": make_example_json,
    "example-bson": make_example_bson,
}


def remake(text: str) -> str:
    """Give the document's text with every part made anew. Each has to be there once."""
    found = [match["name"] for match in _PART.finditer(text)]
    if sorted(found) != sorted(PARTS):
        odd = ", ".join(sorted(set(found) ^ set(PARTS))) or "one of them twice"
        raise SystemExit(f"{DOCUMENT.name}: expected each part once, between its markers; wrong: {odd}")
    return _PART.sub(lambda match: f"{match[1]}\n{PARTS[match['name']]()}\n{match[3]}", text)


def main(arguments: Sequence[str]) -> int:
    """Rewrite what is out of date, or tell; give the exit status."""
    if list(arguments) not in ([], ["--check"]):
        print("usage: python docs/make_tables.py [--check]", file=sys.stderr)
        return 2
    is_check, status = bool(arguments), 0
    for path, text in _made().items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if is_check:
            print(f"{path.name} is out of date: run python docs/make_tables.py", file=sys.stderr)
            status = 1
        else:
            path.write_text(text, encoding="utf-8")
    return status


def _made() -> dict[Path, str]:
    return {DOCUMENT: remake(DOCUMENT.read_text(encoding="utf-8")), PICTURE: make_state_diagram()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
