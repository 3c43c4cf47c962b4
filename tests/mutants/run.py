"""`python -m tests.mutants.run [MODULE …]`: change the core in one place at a time, and see whether a test notices.

Needs cosmic-ray. Each mutant is tried in a copy of the tree: first by the tests of its module, then by all that are
quick. It is killed when one fails, or takes far too long. What survives must stand in docs/mutation.md, with the
reason; it ends with 1 when one does not.

    ric0_trio/protocol/rate.py   only this module; any number of them, and all when none is named
    --jobs 2                     so many at once
    --again                      keep what is known of modules that are the same as the last time, but for survivors
    --quick                      ask the module's own tests alone: what survives may not survive the others
"""

import argparse
import ast
import hashlib
import json
import os
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tests.mutants.tree import ALL_TESTS, ROOT, enter_copy, run_tests

PAGE = ROOT / "docs/mutation.md"
RESULTS = ROOT / "build/mutants/results.jsonl"

OWN_TESTS = {
    "ric0_trio/access/rules.py": ["tests/access/test_rules.py"],
    "ric0_trio/protocol/answers.py": ["tests/protocol/test_texts.py", "tests/protocol/test_endings.py"],
    "ric0_trio/protocol/client.py": [
        "tests/protocol/test_client_session.py",
        "tests/protocol/test_client_doubts.py",
        "tests/protocol/test_texts.py",
        "tests/protocol/test_failure_texts.py",
    ],
    "ric0_trio/protocol/codec.py": [
        "tests/protocol/test_texts.py",
        "tests/protocol/test_codec.py",
        "tests/protocol/test_nesting.py",
        "tests/protocol/test_codec_bson.py",
    ],
    "ric0_trio/protocol/effects.py": ["tests/protocol/test_values.py", "tests/protocol/test_endings.py"],
    "ric0_trio/protocol/envelope.py": [
        "tests/protocol/test_texts.py",
        "tests/protocol/test_codec.py",
        "tests/protocol/test_bounds.py",
    ],
    "ric0_trio/protocol/keys.py": ["tests/protocol/test_texts.py", "tests/protocol/test_keys.py"],
    "ric0_trio/protocol/messages.py": [
        "tests/protocol/test_values.py",
        "tests/protocol/test_versions.py",
        "tests/protocol/test_bounds.py",
    ],
    "ric0_trio/protocol/names.py": ["tests/protocol/test_names.py"],
    "ric0_trio/protocol/negotiate.py": ["tests/protocol/test_negotiate.py"],
    "ric0_trio/protocol/profile.py": ["tests/protocol/test_limits.py", "tests/protocol/test_values.py"],
    "ric0_trio/protocol/rate.py": ["tests/protocol/test_rate.py"],
    "ric0_trio/protocol/session.py": [
        "tests/protocol/test_texts.py",
        "tests/protocol/test_connect_checks.py",
        "tests/protocol/test_budgets.py",
        "tests/protocol/test_endings.py",
        "tests/protocol/test_states.py",
    ],
    "ric0_trio/protocol/states.py": [
        "tests/protocol/test_values.py",
        "tests/protocol/test_texts.py",
        "tests/protocol/test_budgets.py",
        "tests/protocol/test_state_table.py",
        "tests/docs/test_protocol_doc.py",
    ],
    "ric0_trio/protocol/timeline.py": ["tests/protocol/test_texts.py", "tests/protocol/test_budgets.py"],
    "ric0_trio/protocol/usual_json.py": ["tests/protocol/test_usual_json.py"],
}
"""The modules that are changed, each with the tests that are most likely to notice: they are asked first."""


class Mutant(NamedTuple):
    """One change: the `occurrence`-th place in a `module` where an `operator` finds something to do."""

    module: str
    digest: str
    """Of the module's source: what is known of a mutant holds as long as that is the same."""
    operator: str
    occurrence: int


class Trial(NamedTuple):
    """What became of a mutant."""

    mutant: Mutant
    outcome: str
    """`killed`, `timed out`, `survived`, or `none` when the change is no Python, or changes nothing."""
    line: int
    was: str
    becomes: str
    """The changed lines, without their indentation."""


def main() -> int:
    options = _parse()
    if find_spec("cosmic_ray") is None:
        print("mutants are made by cosmic-ray: pip install 'ric0-trio[mutation]'", file=sys.stderr)
        return 2
    modules = options.module or list(OWN_TESTS)
    mutants = [mutant for module in modules for mutant in _find_mutants(module)]
    trials = [trial for trial in _read_results() if _is_kept(trial, modules, options.again)]
    known = {trial.mutant for trial in trials}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("w") as file:
        file.writelines(f"{json.dumps(trial)}\n" for trial in trials)
        for trial in _try_all([mutant for mutant in mutants if mutant not in known], options.jobs, options.quick):
            trials.append(trial)
            file.write(f"{json.dumps(trial)}\n")
            file.flush()
    wanted = set(mutants)
    return _report([trial for trial in trials if trial.mutant in wanted])


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants.run", description="See whether tests notice changes."
    )
    parser.add_argument("module", nargs="*", help="only these, as paths from the root; all when none is named")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="so many at once")
    parser.add_argument("--again", action="store_true", help="keep what is known, but for survivors")
    parser.add_argument("--quick", action="store_true", help="ask the module's own tests alone")
    options = parser.parse_args()
    if unknown := set(options.module) - set(OWN_TESTS):
        parser.error(f"no module that is changed: {', '.join(sorted(unknown))}; those are {', '.join(OWN_TESTS)}")
    return options


def _find_mutants(module: str) -> Iterator[Mutant]:
    from cosmic_ray.ast import ast_nodes, get_ast

    from tests.mutants.operators import operators

    source = (ROOT / module).read_text()
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    nodes = list(ast_nodes(get_ast(source)))
    for name, operator in operators().items():
        count = sum(1 for node in nodes for _ in operator.mutation_positions(node))
        yield from (Mutant(module, digest, name, occurrence) for occurrence in range(count))


def _is_kept(trial: Trial, modules: list[str], again: bool) -> bool:
    return trial.mutant.module not in modules or (again and trial.outcome != "survived")


def _read_results() -> list[Trial]:
    if not RESULTS.exists():
        return []
    lines = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    return [Trial(Mutant(*mutant), *rest) for mutant, *rest in lines]


# Trying


def _try_all(mutants: list[Mutant], jobs: int, quick: bool) -> Iterator[Trial]:
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-"))
        needed = [test for module in {m.module for m in mutants} for test in OWN_TESTS[module]] if quick else ALL_TESTS
        pool = stack.enter_context(ProcessPoolExecutor(jobs, initializer=enter_copy, initargs=(Path(scratch), needed)))
        for number, trial in enumerate(pool.map(partial(_try, quick=quick), mutants), 1):
            if trial.outcome == "survived":
                print(f"survived: {_name(trial)}")
            if number % 50 == 0 or number == len(mutants):
                print(f"{number} of {len(mutants)}", flush=True)
            yield trial


def _try(mutant: Mutant, *, quick: bool) -> Trial:
    from cosmic_ray.mutating import mutate_code

    from tests.mutants.operators import operators

    path = Path(mutant.module)
    source = path.read_text()
    mutated = mutate_code(source, operators()[mutant.operator], mutant.occurrence)
    line, was, becomes = _difference(source, mutated)
    if was == becomes or not _is_python(mutated):
        return Trial(mutant, "none", line, was, becomes)
    path.write_text(mutated)
    try:
        outcome = run_tests(OWN_TESTS[mutant.module])
        if outcome == "survived" and not quick:
            outcome = run_tests(ALL_TESTS)
    finally:
        path.write_text(source)
    return Trial(mutant, outcome, line, was, becomes)


def _is_python(source: str) -> bool:
    """Whether it compiles without a warning: nobody could commit `x is 1`."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            compile(source, "mutant", "exec")
        except SyntaxError:
            return False
    return True


def _difference(source: str, mutated: str) -> tuple[int, str, str]:
    """Where the two differ: the first line's number, and the lines on each side, joined by spaces."""
    one, other = source.splitlines(), mutated.splitlines()
    first = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    same = 0
    while same < min(len(one), len(other)) - first and one[-1 - same] == other[-1 - same]:
        same += 1
    was, becomes = one[first : len(one) - same], other[first : len(other) - same]
    return first + 1, " ".join(map(str.strip, was)), " ".join(map(str.strip, becomes))


# Telling


def _name(trial: Trial) -> str:
    return f"{trial.mutant.module}:{trial.line}: `{trial.was}` -> `{trial.becomes}`"


def _report(trials: list[Trial]) -> int:
    trials = _distinct(trials)
    modules = list(dict.fromkeys(trial.mutant.module for trial in trials))
    print("\n| module | mutants | killed | timed out | survived | killed % |\n|---|---:|---:|---:|---:|---:|")
    for module in modules:
        print(_row(f"`{module.removeprefix('ric0_trio/')}`", [t for t in trials if t.mutant.module == module]))
    print(_row("all", trials))
    page = PAGE.read_text()
    unexplained = [cells for cells in map(_cells, trials) if cells and cells not in page]
    for cells in unexplained:
        print(f"without a reason in docs/mutation.md: {cells}", file=sys.stderr)
    return 1 if unexplained else 0


def _distinct(trials: Iterable[Trial]) -> list[Trial]:
    """Leave out what is no mutant, and what another operator has done as well."""
    real = (trial for trial in trials if trial.outcome != "none")
    return list({(t.mutant.module, t.line, t.was, t.becomes): t for t in real}.values())


def _row(name: str, trials: list[Trial]) -> str:
    counts = Counter(trial.outcome for trial in trials)
    killed = counts["killed"] + counts["timed out"]
    return (
        f"| {name} | {len(trials)} | {counts['killed']} | {counts['timed out']} | {counts['survived']} "
        f"| {100 * killed / max(1, len(trials)):.1f} |"
    )


def _cells(trial: Trial) -> str:
    """How docs/mutation.md begins the line of a survivor; nothing for any other."""
    if trial.outcome != "survived":
        return ""
    module, place = trial.mutant.module, _place(trial)
    was, becomes = (f"`` {code} ``".replace("|", "\\|") if code else "nothing" for code in map(str.strip, trial[3:]))
    return f"| `{module.removeprefix('ric0_trio/')}` {place} | {was} | {becomes} |"


def _place(trial: Trial) -> str:
    """The function or class that a mutant is in, the innermost; nothing at a module's own level."""
    names = ""
    for node in ast.walk(ast.parse((ROOT / trial.mutant.module).read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.lineno <= trial.line <= (node.end_lineno or 0):
            names = node.name
    return f"`{names}`" if names else "itself"


if __name__ == "__main__":
    sys.exit(main())
