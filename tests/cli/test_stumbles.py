"""What careful strangers stumbled over: each is told, and costs neither a traceback nor a file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ric0_trio.cli.dev_setup import DevFiles
from tests.cli.conftest import Run
from tests.independent.serving import running_server

RIC0 = [sys.executable, "-m", "ric0_trio"]
FULL = Path("/dev/full")
NOWHERE = "wss://127.0.0.1:1"


@pytest.mark.parametrize("name", ["ca.pem", "cert.pem", "cert-key.pem"])
def test_dev_overwrites_no_certificate_that_it_did_not_make(name: str, run: Run, tmp_path: Path) -> None:
    precious = tmp_path / "data" / name
    precious.parent.mkdir()
    precious.write_text("precious")
    ended = run("serve", "--dev", "--data-dir", tmp_path / "data")
    assert ended.code == 78
    assert f"{precious}: one of ca.pem, cert.pem and cert-key.pem" in ended.err
    assert list(precious.parent.iterdir()) == [precious]
    assert precious.read_text() == "precious"


@pytest.mark.parametrize("flag", ["--data-dir", "--identity", "--cert", "--key", "--config", "--ready-file"])
def test_an_empty_path_is_no_path(flag: str, run: Run, tmp_path: Path) -> None:
    ended = run("serve", "--dev", flag, "")
    assert ended.code == 64
    assert "got an empty one" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_proxy_and_a_certificate_exclude_each_other(run: Run, tmp_path: Path) -> None:
    files = DevFiles(tmp_path)
    files.make_missing()
    (tmp_path / "c.toml").write_text('[listen]\nbehind_proxy = true\ntrusted_proxies = ["127.0.0.1"]\n')
    words = ("--identity", files.identity, "--cert", files.cert, "--key", files.key)
    ended = run("serve", "--config", tmp_path / "c.toml", *words)
    assert ended.code == 78
    assert "behind_proxy means plain ws://" in ended.err


WRONG_WORDS = {
    "a time that is none": ["--hold", "nan"],
    "a name that is no text": ["--client-name", "b\udcff"],
    "a token that is no text": ["--join-token", "b\udcff"],
    "a token with a line break": ["--join-token", "b\n"],
    "half a fingerprint": ["--pin", "ed25519:00"],
}


@pytest.mark.parametrize("words", WRONG_WORDS.values(), ids=WRONG_WORDS)
def test_probe_says_what_is_wrong(words: list[str], run: Run) -> None:
    ended = run("probe", NOWHERE, *words)
    assert ended.code == 64
    assert words[0] in ended.err


def test_a_user_without_a_home(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr("platformdirs.user_config_path", fail)
    ended = run("probe", NOWHERE)
    assert ended.code == 64
    assert "--known-servers: there is no home folder" in ended.err


def test_the_environment_is_text(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIC0_TRIO_SERVER_NAME", "b\udcff")
    ended = run("serve", "--dev")
    assert ended.code == 78
    assert "the environment: RIC0_TRIO_SERVER_NAME: expected text in UTF-8" in ended.err


def test_the_url_that_is_told_is_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('[server]\nurl = "http://x"\n')
    ended = run("serve", "--dev", "--config", tmp_path / "c.toml")
    assert ended.code == 78
    assert "[server] url: expected one that begins with wss://, got 'http://x'" in ended.err


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [["--help"], ["keygen", "k.pem"], ["probe", NOWHERE], ["probe", NOWHERE, "--json"]])
def test_output_that_cannot_be_written(words: list[str], tmp_path: Path) -> None:
    with FULL.open("wb") as full:
        ran = subprocess.run([*RIC0, *words], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode in (1, 4)
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_log_that_cannot_be_written_costs_lines_alone(tmp_path: Path) -> None:
    """Nothing that a client does ends the server, not even by what is logged of it."""
    ready = tmp_path / "ready.json"
    data = str(tmp_path / "data")
    command = [*RIC0, "serve", "--dev", "--port", "0", "--data-dir", data, "--ready-file", str(ready)]
    with FULL.open("wb") as full, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=full, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if " probe " in line:
                break
        for _ in range(2):
            probed = subprocess.run(line, shell=True, capture_output=True, check=False, env=os.environ)  # noqa: S602
            assert probed.returncode == 0, probed.stderr
        process.terminate()
        assert process.wait(30) == 0


def test_a_running_server_is_none_the_wiser(tmp_path: Path) -> None:
    """A second server in its folder is refused, and overwrites nothing there."""
    with running_server(tmp_path) as one:
        folder = tmp_path / "data"
        made = [path for path in folder.iterdir() if path.suffix == ".pem"]
        before = [path.read_bytes() for path in made]
        command = [sys.executable, "-m", "ric0_trio", "serve", "--dev", "--port", "0", "--data-dir", str(folder)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert second.returncode == 78
        assert second.stderr == (
            f"Error: {folder}: another server runs on this data directory; stop that one, or see --data-dir\n"
        )
        assert [path.read_bytes() for path in made] == before
        with one.client() as client:
            assert client.challenge()
