"""`who` and `kick`: who is on, and putting them out."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_control import answering
from tests.cli.rules_users import ADA, BOB, EVIL_APP, EVIL_SHOWN, NOBODY, Read, Tell, is_plain, line_with, lines, short
from tests.independent.keys import ED25519, fingerprint, make_key
from tests.independent.operating import Site
from tests.independent.serving import START_S

pytest_plugins = ["tests.cli.rules_site"]

HIDES_CURSOR, SHOWS_CURSOR = b"\x1b[?25l", b"\x1b[?25h"
PRESENT = [
    {
        "user": user,
        "name": "Ada",
        "type": kind,
        "client": "App 1.0.0",
        "peer": "192.0.2.1",
        "since": "2026-01-02T03:04:05.678Z",
        "connection": "c0ffee",
    }
    for user, kind in ((ADA, "user"), (BOB, "bot"))
]


def answer(**told: object) -> bytes:
    return json.dumps(told).encode() + b"\n"


# Who is on


def test_who_is_on(site: Site, tell: Tell, read: Read) -> None:
    user = make_key(ED25519)
    who = fingerprint(user.public)
    (token,) = read("token", "create")
    with site.connected(user, name='[b]"Zoë" 你', join_token=token["token"], app=EVIL_APP):
        out = tell("who")
        (present,) = [each for each in read("who") if each["user"] == who]
    assert lines(out)[0] == "user name client from since"
    assert line_with(out, short(who)) == f'{short(who)} [b]"Zoë" 你 {EVIL_SHOWN} 0.1.0-dev 127.0.0.1 MOMENT'
    assert is_plain(out)
    assert present == {
        "user": who,
        "name": '[b]"Zoë" 你',
        "type": "user",
        "client": f"{EVIL_APP['name']} 0.1.0-dev",
        "peer": "127.0.0.1",
        "since": present["since"],
        "connection": present["connection"],
    }


def test_as_json_it_is_safe_to_look_at(site: Site, tell: Tell) -> None:
    """JSON escapes what is below a space by itself; there are more that move a cursor."""
    user = make_key(ED25519)
    tell("user", "add", fingerprint(user.public))
    with site.connected(user, app=EVIL_APP):
        out = tell("who", "--json")
    assert EVIL_APP["name"] in {each["client"].rpartition(" ")[0] for each in json.loads(out)}
    assert is_plain(out)


def test_everyone_is_in_the_table(tell: Tell, tmp_path: Path) -> None:
    with answering(tmp_path / "ric0-data", answer(present=PRESENT)):
        assert lines(tell("who")) == [
            "user name client from since",
            f"{short(ADA)} Ada App 1.0.0 192.0.2.1 MOMENT",
            f"{short(BOB)} Ada (bot) App 1.0.0 192.0.2.1 MOMENT",
        ]


def test_nobody_is_on(tell: Tell, read: Read, tmp_path: Path) -> None:
    with answering(tmp_path / "ric0-data", answer(), answer()) as asked:
        assert tell("who") == "nobody is connected\n"
        assert read("who") == []
    assert asked == [b'{"type":"who"}\n'] * 2


# No answer, or none that helps


@pytest.mark.parametrize("words", [("who",), ("who", "--watch"), ("who", "--json"), ("kick", ADA)], ids=" ".join)
def test_no_server_is_4(words: tuple[str, ...], run: Run, tell: Tell, tmp_path: Path) -> None:
    tell("user", "add", ADA)
    expected = (4, "", f"Error: no server runs on {tmp_path}/ric0-data; see --data-dir and --config\n")
    ended = run(*words)
    assert (ended.code, ended.out, ended.err) == expected
    with answering(tmp_path / "ric0-data"):  # left over from a crash
        ended = run(*words)
        assert (ended.code, ended.out, ended.err) == expected


BAD_ANSWERS = {
    b"": (4, "/ric0-data/control.sock: the server gave no answer: "),
    b"nonsense\n": (4, "/ric0-data/control.sock: the server gave no answer: "),
    b'{"closed": 1': (4, "/ric0-data/control.sock: the server gave no answer: "),
    b"\xff\n": (4, "/ric0-data/control.sock: the server gave no answer: "),
    answer(error="the disk is full"): (1, "the server could not do it: the disk is full\n"),
}


def test_a_narrow_terminal_shows_a_line_a_user(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are cut, which strangers choose, and not what is there to be copied."""
    user = f"ed25519:{'ad' * 32}"
    guest = {"user": user, "name": "N" * 64, "type": "user", "client": f"{'C' * 64} 1.0.0", "peer": "192.0.2.1"}
    since = {"since": "2026-01-02T03:04:05Z", "connection": "1"}
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    with answering(tmp_path / "ric0-data", answer(present=[guest | since])):
        _, shown = run("who").out.splitlines()
    assert shown.split() == [user[:24], "NNNNNNN\u2026", "CCCCCCC\u2026", "192.0.2.1", "2026-01-02", "03:04:05Z"]
    assert len(shown) <= 80


def test_a_server_that_lets_nobody_in_says_so(run: Run, tmp_path: Path) -> None:
    with answering(tmp_path / "ric0-data", answer(problem="the disk is full")):
        ended = run("who")
    assert (ended.code, ended.out) == (0, "nobody is connected\n")
    assert ended.err == "note: the server lets nobody in: the disk is full\n"


@pytest.mark.parametrize(("given", "told"), BAD_ANSWERS.items())
def test_an_answer_that_does_not_help(
    given: bytes, told: tuple[int, str], run: Run, tell: Tell, tmp_path: Path
) -> None:
    tell("user", "add", ADA)
    for words in (["who"], ["kick", ADA], ["explain", "--user", ADA, "--client", "X@1.0"]):
        with answering(tmp_path / "ric0-data", given):
            ended = run(*words)
        assert (ended.code, ended.out) == (told[0], "")
        assert told[1] in ended.err
        assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(("given", "told"), BAD_ANSWERS.items())
@pytest.mark.parametrize("words", [("user", "ban", ADA), ("client", "deny", "App", "--now")], ids=" ".join)
def test_a_change_is_kept_whatever_the_server_says(
    words: tuple[str, ...], given: bytes, told: tuple[int, str], run: Run, read: Read, tmp_path: Path
) -> None:
    read("user", "add", NOBODY)
    asks = 2 if words[0] == "user" else 1  # before a ban, who is on
    with answering(tmp_path / "ric0-data", *[given] * asks):
        ended = run(*words)
    assert ended.code == told[0]
    assert ended.err.startswith("Error: the change is kept, but ")
    assert told[1] in ended.err
    kept = read("user", "list")[-1]["ban"], read("client", "list")["rules"]
    assert any(kept)


# Putting out


def test_a_kick(site: Site, run: Run, tell: Tell, read: Read) -> None:
    user = make_key(ED25519)
    who = fingerprint(user.public)
    tell("user", "add", who)
    with site.connected(user) as one, site.connected(user) as other:
        assert tell("kick", who[:20], "--reason", "mind your tone") == f"{who}: 2 connections closed\n"
        assert one.wait_closed() == other.wait_closed() == (4002, "mind your tone")
    with site.connected(user):
        assert read("kick", who) == {"user": who, "closed": 1}
    ended = run("kick", who)
    assert (ended.code, ended.out, ended.err) == (1, "", f"Error: {who} is not connected\n")
    assert run("kick", who, "--json") == ended


def test_whom_a_kick_is_about(run: Run, tell: Tell, tmp_path: Path) -> None:
    tell("user", "add", ADA)
    with answering(tmp_path / "ric0-data", answer(closed=1)) as asked:
        assert tell("kick", "adadadadadad", "--reason", "bye") == f"{ADA}: 1 connection closed\n"
    assert json.loads(asked[0]) == {"type": "kick", "user": ADA, "reason": "bye", "actor": "olga"}
    assert run("kick", NOBODY[:20]).code == 1


# Going on


def test_watching_as_json(site: Site, tell: Tell) -> None:
    """A line when it begins, and one whenever someone comes or goes; Ctrl-C ends it."""
    user = make_key(ED25519)
    who = fingerprint(user.public)
    tell("user", "add", who)
    command = [sys.executable, "-m", "ric0_trio", *site.words("who", "--watch", "--json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch:
        assert watch.stdout is not None
        impatience = threading.Timer(START_S, watch.kill)
        impatience.start()
        seen = watch.stdout.readline()
        assert who not in seen
        with site.connected(user):
            while who not in seen:
                assert seen, "it has ended"
                seen = watch.stdout.readline()
        impatience.cancel()
        watch.send_signal(signal.SIGINT)
        _, err = watch.communicate(timeout=START_S)
    assert (watch.returncode, err.strip()) == (130, "")


def test_watching_on_a_terminal(site: Site, tell: Tell) -> None:
    """Control-C gives the cursor back, and leaves no traceback."""
    user = make_key(ED25519)
    tell("user", "add", fingerprint(user.public))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "ric0_trio", *site.words("who", "--watch")]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    with site.connected(user, name="Zoë"):
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as watch:
            os.close(theirs)
            seen = b""
            deadline = time.monotonic() + START_S
            while "Zoë".encode() not in seen:
                assert time.monotonic() < deadline, seen
                seen += os.read(ours, 4096)
            watch.send_signal(signal.SIGINT)
            assert watch.wait(START_S) == 130
        seen += _rest(ours)
    os.close(ours)
    assert b"Ctrl-C ends" in seen
    assert b"Traceback" not in seen
    assert seen.count(HIDES_CURSOR) == seen.count(SHOWS_CURSOR) > 0


def _rest(terminal: int) -> bytes:
    rest = b""
    try:
        while piece := os.read(terminal, 4096):
            rest += piece
    except OSError:  # nobody holds its other end any more
        pass
    return rest
