"""`bench`: what it refuses before it begins. What it does then is in tests/load."""

import resource

import pytest

from tests.cli.conftest import Run

URL = "ws://127.0.0.1:1"
WRONG = {
    (): "Missing argument 'URL'",
    ("http://127.0.0.1",): "expected a URL such as wss://",
    ("ws://chat.example",): "plain ws:// is for this machine alone",
    (URL, "--scenario", "flood"): "--scenario",
    (URL, "--connections", "0"): "--connections",
    (URL, "--seconds", "0"): "--seconds",
    (URL, "--seconds", "nan"): "--seconds",
    (URL, "--rate", "-1"): "--rate",
    (URL, "--rate", "nan"): "--rate",
    (URL, "--rate", "5", "--scenario", "storm"): "--rate: expected with session or message",
    (URL, "--hold", "5"): "--hold: expected with --scenario idle",
    (URL, "--hold", "5", "--seconds", "5", "--scenario", "idle"): "--hold: expected with --scenario idle",
    (URL, "--encoding", "xml"): "--encoding",
    (URL, "--user-format", "dsa"): "--user-format",
    (URL, "--join-token", "\x1b"): "--join-token: expected text",
    (URL, "--ca", "nowhere.pem"): "--ca: nowhere.pem: No such file",
    (URL, "--processes", "17"): "--processes: expected at most one a connection",
    (URL, "--server-pid", "4194305"): "--server-pid: 4194305: No such file",  # Linux has no such number
}


@pytest.mark.parametrize("words", WRONG)
def test_wrong_usage(words: tuple[str, ...], run: Run) -> None:
    ended = run("bench", *words)
    assert (ended.code, ended.out) == (64, "")
    assert WRONG[words] in ended.err


def test_more_connections_than_files(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 100))
    ended = run("bench", URL, "--connections", "100")
    assert (ended.code, ended.out) == (64, "")
    assert "--connections: a process may open 100 files here, and this needs" in ended.err


def test_help_warns_and_lists_every_exit_code(run: Run) -> None:
    ended = run("bench", "--help")
    assert (ended.code, ended.err) == (0, "")
    assert "servers of your own alone" in " ".join(ended.out.split())
    first_words = [line.split()[0] for line in ended.out.splitlines() if line.strip()]
    assert [word for word in first_words if word.isdecimal()] == ["0", "1", "2", "3", "4", "5", "64", "130"]
