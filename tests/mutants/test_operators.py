"""What our own operators change, and what they leave alone."""

import pytest

pytest.importorskip("cosmic_ray", reason="the extra mutation is not installed")

from cosmic_ray.mutating import mutate_code

from tests.mutants.operators import operators

CHANGED: list[tuple[str, str, list[str]]] = [
    ("ReplaceText", 'x = "a"\n', ['x = "XXa"\n']),
    ("ReplaceText", 'f(b"", r"\\d")\n', ['f(b"XX", r"\\d")\n', 'f(b"", r"XX\\d")\n']),
    ("ReplaceText", 'x = f"a {b} c"\n', ['x = f"XXa {b} c"\n', 'x = f"a {b}XX c"\n']),
    ("ReplaceText", 'type: Literal["request"]\n', ['type: Literal["XXrequest"]\n']),
    ("ReplaceText", 'def f(x: "int") -> "int | None":\n    """Words."""\n', []),
    ("ReplaceMember", "x = Mode.OPEN\n", ["x = Mode.MEMBERS\n"]),
    ("ReplaceMember", "x = Mode.INVITE\n", ["x = Mode.OPEN\n"]),
    ("ReplaceMember", "x = Mode, Model.OPEN, Mode.nothing, Mode.OPEN.value\n", []),
    ("RemoveStatement", "def f():\n    x = 1\n", ["def f():\n    pass\n"]),
    ("RemoveStatement", "def f():\n    return x\n", ["def f():\n    return None\n"]),
    ("RemoveStatement", 'x = 1\ndef f():\n    """Words."""\n    return None\n', []),
    ("ReplaceCaught", "try:\n    x\nexcept E as e:\n", ["try:\n    x\nexcept ZeroDivisionError as e:\n"]),
    ("ReplaceCaught", "try:\n    x\nexcept a.E:\n", ["try:\n    x\nexcept ZeroDivisionError:\n"]),
    (
        "ReplaceCaught",
        "try:\n    x\nexcept (a.E, F):\n",
        ["try:\n    x\nexcept (ZeroDivisionError, F):\n", "try:\n    x\nexcept (a.E, ZeroDivisionError):\n"],
    ),
    ("ForgetCase", "match x:\n    case int() if x > 0:\n", ["match x:\n    case int() if False and x > 0:\n"]),
    ("ForgetCase", "if x:\n    y = 1 if z else 2\n", []),
]


@pytest.mark.parametrize(("name", "source", "mutants"), CHANGED)
def test_what_an_operator_changes(name: str, source: str, mutants: list[str]) -> None:
    operator = operators()[name]
    assert [mutate_code(source, operator, number) for number in range(len(mutants) + 1)] == [*mutants, None]
