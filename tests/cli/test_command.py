"""The command as a whole: help, versions, wrong usage, and the ways to start it."""

import subprocess
import sys
from pathlib import Path

import pytest

from ric0_trio import __version__
from ric0_trio.cli.exits import Exit
from tests.cli.conftest import Run

EXAMPLES = {
    (): "ric0-trio serve --dev\n",
    ("serve",): "ric0-trio serve --dev\n",
    ("keygen",): "ric0-trio keygen identity.pem\n",
    ("probe",): "ric0-trio probe wss://chat.example\n",
    ("replay",): "ric0-trio replay --json transcripts/*.jsonl\n",
    ("bench",): "ric0-trio bench wss://127.0.0.1:8443 --ca ric0-dev/ca.pem\n",
}


@pytest.mark.parametrize(("words", "example"), EXAMPLES.items())
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_has_examples(words: tuple[str, ...], example: str, flag: str, run: Run) -> None:
    ended = run(*words, flag)
    assert (ended.code, ended.err) == (0, "")
    assert f"  {example}" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 110


def test_probes_help_explains_its_exit_codes(run: Run) -> None:
    out = run("probe", "--help").out
    first_words = [line.split()[0] for line in out.splitlines() if line.strip()]
    codes = [str(int(code)) for code in Exit if code not in (Exit.FAILED, Exit.DATA, Exit.CONFIG)]
    assert [word for word in first_words if word.isdecimal()] == codes


def test_the_version(run: Run) -> None:
    assert run("--version").out == f"ric0-trio {__version__}\n"


WRONG = [
    (),
    ("--loud",),
    ("dance",),
    ("serve", "--loud"),
    ("serve", "--port", "http"),
    ("serve", "--port", "65536"),
    ("serve", "--log-format", "xml"),
    ("serve", "here"),
    ("keygen",),
    ("keygen", "a.pem", "--format", "dsa"),
    ("probe",),
    ("probe", "wss://127.0.0.1:1", "--type", "cat"),
    ("probe", "wss://127.0.0.1:1", "--hold", "-1"),
    ("probe", "wss://127.0.0.1:1", "--subprotocol", "xml"),
]


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_usage_is_64_and_nothing_is_made(words: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    ended = run(*words)
    assert ended.code == 64
    assert "Usage: ric0-trio" in ended.err
    assert ended.out == ""
    assert list(tmp_path.iterdir()) == []


def test_control_c_while_it_starts_is_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **_named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["ric0_trio.cli.startup"], "load_config", interrupt)
    assert run("serve", "--dev").code == 130


def test_it_runs_as_a_module() -> None:
    ran = subprocess.run([sys.executable, "-m", "ric0_trio", "--version"], capture_output=True, check=True, text=True)
    assert ran.stdout == f"ric0-trio {__version__}\n"
    wrong = subprocess.run([sys.executable, "-m", "ric0_trio", "dance"], capture_output=True, check=False, text=True)
    assert wrong.returncode == Exit.USAGE
    assert wrong.stderr.startswith("Usage: ric0-trio")
