"""docs/testing.md: every example is a test file that passes, and every name of the room is told of."""

import os
import re
import subprocess
import sys
from pathlib import Path

from ric0_trio import testing
from tests.docs.test_documents import DOCS, blocks

PAGE = DOCS / "testing.md"
NOT_TOLD = {"Answer", "Decision", "NONCE", "Plain", "START_TEXT"}
"""Types and constants that examples and docstrings show."""


def test_every_example_passes(tmp_path: Path) -> None:
    examples = blocks(PAGE, "python")
    for number, example in enumerate(examples):
        (tmp_path / f"test_example_{number}.py").write_text(example)
    (tmp_path / "pytest.ini").write_text("[pytest]\ntrio_mode = true\nfilterwarnings = error\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "."]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV"))}
    ran = subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert passed is not None
    assert int(passed[1]) >= sum(example.count("def test_") for example in examples)
    assert "skipped" not in ran.stdout


def test_every_name_is_told_of() -> None:
    page = PAGE.read_text()
    assert {name for name in testing.__all__ if f"`{name}`" not in page} == NOT_TOLD
