"""A copy of the tree to change, and its tests, run over and over in processes that begin with the libraries loaded.

Nothing is loaded of the copy itself, and what the parent has loaded of the tree is forgotten in each child: there, the
tests meet the files as they are now.
"""

import importlib
import os
import shutil
import sys
from multiprocessing import get_context
from pathlib import Path

from hypothesis import Phase, settings

ROOT = Path(__file__).parents[2]
NEEDED = ("ric0_trio", "tests", "docs", "README.md", "pyproject.toml")
TIMEOUT_S = 120.0
"""Ten times what all the tests take. No mutant needs as long, unless it hangs."""

ALL_TESTS = [
    "tests/protocol",
    "tests/vectors",
    "tests/access/test_rules.py",
    "tests/docs/test_protocol_doc.py",
    # These draw or walk through thousands of inputs: they would make each survivor cost three times as much.
    "--ignore=tests/protocol/test_walk.py",
    "--ignore=tests/protocol/test_conversation.py",
    "--ignore=tests/protocol/test_properties.py",
]
_LIBRARIES = (
    "bson",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "msgspec",
    "nacl.signing",
    "pytest",
    "trio",
)
_PYTEST = ["-x", "-q", "--assert=plain", "-o", "addopts=", "-p", "no:xdist", "-p", "no:cacheprovider"]


def enter_copy(scratch: Path, tests: list[str]) -> None:
    """Give this process a copy of the tree in a folder of `scratch`. Raises `RuntimeError` if the tests fail there."""
    copy = scratch / str(os.getpid())
    copy.mkdir()
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, copy / name)
    os.chdir(copy)
    load_libraries()
    sys.dont_write_bytecode = False  # once: what is compiled of the tests is read from then on
    if run_tests(tests) != "survived":
        raise RuntimeError("the tests fail without any change")
    sys.dont_write_bytecode = True  # a mutant's must not be taken for the next one's


def load_libraries() -> None:
    """Load what the tests need beside the tree, and have hypothesis draw the same examples each time and keep none.

    What fails is not made smaller: nobody reads it, and it takes most of the time.
    """
    for name in _LIBRARIES:
        importlib.import_module(name)
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("mutants", derandomize=True, database=None, phases=phases)
    settings.load_profile("mutants")


def run_tests(tests: list[str]) -> str:
    """Run some tests on the copy as it is: `killed` when one fails, `timed out`, or `survived`."""
    process = get_context("fork").Process(target=_run_pytest, args=(tests,))
    process.start()
    process.join(TIMEOUT_S)
    if process.is_alive():
        process.kill()
        process.join()
        return "timed out"
    return "survived" if process.exitcode == 0 else "killed"


def _run_pytest(tests: list[str]) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    for name in list(sys.modules):
        if name.partition(".")[0] in ("ric0_trio", "tests"):
            del sys.modules[name]
    sys.path[:] = [str(Path.cwd()), *(place for place in sys.path if place not in ("", str(ROOT)))]
    import pytest

    os._exit(pytest.main([*_PYTEST, *tests]))
