"""What is changed in the source, one change a mutant: the operators of cosmic-ray that suit it, and five more.

cosmic-ray changes numbers, comparisons, arithmetic, `and` and `or`, conditions, decorators and loops. It leaves alone
what a protocol is made of: names on the wire, members of enums in tables, and statements. Those are here, written
against the trees of parso that cosmic-ray walks.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from cosmic_ray.plugins import get_operator, operator_names
from parso import parse

from ric0_trio.access import records, rules
from ric0_trio.protocol import client, effects, messages, states

Node = Any
"""A node or a leaf of a tree of parso."""
Position = tuple[tuple[int, int], tuple[int, int]]

LEFT_OUT: Final = (
    # Each `|` in these modules joins types: what it is replaced by fails at the import, or is never looked at.
    "core/ReplaceBinaryOperator_BitOr_.*",
    # What `is` compares here has no equality of its own (None, types, members of enums): `==` says the same, and an
    # order is a TypeError. `is not` for `is`, and the reverse, are tried.
    r"core/ReplaceComparisonOperator_Is_(?!IsNot$).*",
    r"core/ReplaceComparisonOperator_IsNot_(?!Is$).*",
    # These want arguments, and would put random numbers for variables.
    "core/Variable.*",
    # It fails over names with a dot; `ReplaceCaught` stands for it.
    "core/ExceptionReplacer",
)
"""cosmic-ray's operators that are not asked, as patterns of their names."""

_ENUMS: Final = {
    "CloseCode": effects.CloseCode,
    "Status": messages.Status,
    "State": states.State,
    "Input": states.Input,
    "Action": states.Action,
    "Outcome": states.Outcome,
    "_A": states.Action,
    "ClientState": client.ClientState,
    "Mode": rules.Mode,
    "Rule": rules.Rule,
    "WhenExceeded": rules.WhenExceeded,
    "Ruling": records.Ruling,
}


class ReplaceText:
    """Puts XX at the head of a string, one with fields included. Docstrings and the types of parameters stay."""

    def mutation_positions(self, node: Node) -> Iterator[Position]:
        if node.type not in ("string", "fstring_string"):
            return
        parent = node.parent
        while parent is not None and parent.type in ("strings", "fstring", "atom_expr", "trailer", "subscriptlist"):
            parent = parent.parent
        if parent is not None and parent.type not in ("simple_stmt", "funcdef", "tfpdef", "param"):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Node, index: int) -> Node:
        node.value = re.sub(r"""^([a-z]*["'])?""", r"\g<0>XX", node.value)
        return node


class ReplaceMember:
    """Puts the next member of the same enum."""

    def mutation_positions(self, node: Node) -> Iterator[Position]:
        if node.type == "atom_expr" and self._members(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Node, index: int) -> Node:
        name = node.children[1].children[1]
        members = self._members(node)
        name.value = members[(members.index(name.value) + 1) % len(members)]
        return node

    @staticmethod
    def _members(node: Node) -> list[str]:
        enum, *trailers = (child.get_code(include_prefix=False) for child in node.children)
        members = list(_ENUMS[enum].__members__) if enum in _ENUMS else []
        return members if len(trailers) == 1 and trailers[0].removeprefix(".") in members else []


class RemoveStatement:
    """Does nothing in place of a statement in a function, or returns None in place of a value."""

    def mutation_positions(self, node: Node) -> Iterator[Position]:
        if node.type != "simple_stmt" or node.search_ancestor("funcdef") is None:
            return
        statement = node.children[0]
        if statement.get_code(include_prefix=False) not in ("pass", "return None") and statement.type != "string":
            yield statement.start_pos, statement.end_pos

    def mutate(self, node: Node, index: int) -> Node:
        statement = node.children[0]
        first = statement.get_first_leaf()
        instead = "return None" if statement.type == "return_stmt" else "pass"
        node.children[0] = parse(first.prefix + instead)
        return node


class ReplaceCaught:
    """Catches a ZeroDivisionError, which nothing here raises, in place of one of the exceptions that are named."""

    def mutation_positions(self, node: Node) -> Iterator[Position]:
        if node.type == "except_clause":
            for place, number in self._caught(node):
                yield place.children[number].start_pos, place.children[number].end_pos

    def mutate(self, node: Node, index: int) -> Node:
        place, number = self._caught(node)[index]
        place.children[number] = parse(place.children[number].get_first_leaf().prefix + "ZeroDivisionError")
        return node

    @staticmethod
    def _caught(node: Node) -> list[tuple[Node, int]]:
        """Each exception, as a node and the number of its child."""
        caught = node.children[1]
        if caught.type != "atom":
            return [(node, 1)]
        listed = caught.children[1]
        return [(listed, number) for number in range(0, len(listed.children), 2)]


class ForgetCase:
    """Never takes a `case` that has a condition. parso knows no `match`, and gives its words as they stand."""

    def mutation_positions(self, node: Node) -> Iterator[Position]:
        if node.type == "keyword" and node.value == "if" and node.parent.type == "error_node":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Node, index: int) -> Node:
        node.value = "if False and"
        return node


def operators() -> dict[str, Any]:
    """Every operator that is used, by its name."""
    left_out = re.compile("|".join(LEFT_OUT))
    theirs = {name: get_operator(name)() for name in operator_names() if not left_out.fullmatch(name)}
    ours = (ReplaceText(), ReplaceMember(), RemoveStatement(), ReplaceCaught(), ForgetCase())
    return theirs | {type(operator).__name__: operator for operator in ours}
