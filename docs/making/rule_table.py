"""The list of rules in docs/conformance.md: those of the table of states by their number alone."""

from collections.abc import Sequence

from docs.making.markdown import table
from docs.making.rules import Rule


def make_rule_table(rules: Sequence[Rule]) -> str:
    """Give every rule that is a sentence or a row, and how many cells of the table of states are rules."""
    told = [rule for rule in rules if "-" not in rule["id"]]
    rows = ([f"`{rule['id']}`", rule["section"], rule["level"], rule["text"]] for rule in told)
    return (
        f"{len(told)} of them, and {len(rules) - len(told)} cells:\n\n{table(['id', 'section', 'level', 'rule'], rows)}"
    )
