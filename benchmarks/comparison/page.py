"""docs/benchmarks.md: what is made from results stands there between `<!-- figures: NAME -->` and `<!-- end -->`."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.comparison.results import Results
from benchmarks.comparison.tables import make_tables

_PART: Final = re.compile(r"(<!-- figures: (?P<name>[\w-]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


def renew(page: str, results: Results) -> str:
    """Put the tables of `results` in the page; what was not measured stays as it is."""

    def part(match: re.Match[str]) -> str:
        tables = _make_part(match["name"], results)
        return match[0] if not tables else f"{match[1]}\n{tables}\n{match[3]}"

    return _PART.sub(part, page)


def find_parts(page: str) -> Sequence[str]:
    """The names of the parts that are made."""
    return [match["name"] for match in _PART.finditer(page)]


def renew_file(path: Path, results: Results) -> None:
    """The same with a file."""
    path.write_text(renew(path.read_text(encoding="utf-8"), results), encoding="utf-8")


def _make_part(name: str, results: Results) -> str:
    tables = "\n".join(table.to_markdown() for table in make_tables(results, name))
    return f"{tables}\n{_tell_about(results)}" if tables else ""


def _tell_about(results: Results) -> str:
    """On what, when and how it was measured."""
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items() if name != "openssl")
    command = " ".join(["python -m benchmarks", *results.command])
    where = f"{machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}"
    return f"`{command}`, begun {results.begun}: {where}; {versions}, {results.versions['openssl']}.\n"
