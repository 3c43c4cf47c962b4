"""docs/transcripts.md: its programs run, its commands show what it says, and it lists every line that there is."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ric0_trio.protocol import SessionLimits
from ric0_trio.testing import (
    CHALLENGE,
    START,
    pack,
    server_profile,
)
from ric0_trio.transcript.format import FORMAT_VERSION, INPUTS, OUTPUTS, Header
from tests.docs.test_documents import DOCS, ROOT, blocks
from tests.protocol.pair import CODECS
from tests.transcripts.make import FOLDER

PAGE = DOCS / "transcripts.md"
TEXT = PAGE.read_text()


def run_block(number: int) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(blocks(PAGE, "python")[number], names)  # noqa: S102 - it is ours
    return names


def test_the_regression_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("transcripts").mkdir()
    shutil.copy(FOLDER / "json" / "connect-success.jsonl", "transcripts")
    test = run_block(0)["test_what_happened_then_happens_still"]
    test()
    changed = Path("transcripts") / "changed.jsonl"
    changed.write_text((FOLDER / "json" / "connect-success.jsonl").read_text().replace('"success"', '"failure"'))
    with pytest.raises(AssertionError):
        test()


def test_the_sink(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codec, path = CODECS["json"], tmp_path / "one.jsonl"
    session = run_block(1)["begin"](server_profile(), SessionLimits(), codec, START, path)
    session.receive(pack(codec, CHALLENGE), START)
    session.answer(bytes(64), START)
    session.connection_lost(START)
    assert path.read_text().endswith('{"end":"over"}\n')
    assert capsys.readouterr().out == "whole \n"


def test_the_difference_that_is_shown(tmp_path: Path) -> None:
    (shown,) = [block for block in blocks(PAGE, "console") if "sed" in block]
    commands = [line.removeprefix("$ ") for line in shown.splitlines() if line.startswith("$ ")]
    output = "".join(line for line in shown.splitlines(keepends=True) if not line.startswith("$ "))
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    program = f'ric0-trio() {{ "{sys.executable}" -m ric0_trio "$@"; }}\n' + "\n".join(commands)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    ran = subprocess.run(
        ["bash", "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.stdout, ran.stderr, ran.returncode) == (output, "", 1)


def test_every_line_is_listed() -> None:
    assert f"Version {FORMAT_VERSION}. JSON Lines" in TEXT
    for line in (*INPUTS, *OUTPUTS):
        row = re.search(rf"^\|[^|]*`{line.__struct_config__.tag}`.*\|$", TEXT, re.M)
        assert row, line
    for line in OUTPUTS:
        row = re.search(rf"^\|[^|]*`{line.__struct_config__.tag}`.*\|$", TEXT, re.M)
        assert row
        if "the same" not in row[0]:
            assert all(f"`{field}`" in row[0] for field in line.__struct_fields__), line
    assert all(f"`{field}`" in TEXT for field in Header.__struct_fields__)
