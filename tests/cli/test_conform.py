"""`conform`: what it prints for people and for programs, and each exit code. What it checks is in tests/conform."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import trustme

from ric0_trio.conform.encodings import AVAILABLE
from ric0_trio.conform.rules import load_rules
from ric0_trio.keyfile import load_private_key
from tests.cli.conftest import Ended, Run
from tests.independent.keys import ED25519, RSA
from tests.independent.openssl import make_identity
from tests.independent.serving import START_S, Server, running_server

QUICK = "T1,T11,N1,M28,S3-*,K20,E6"
TOKEN = "a-token-that-nobody-may-see"  # noqa: S105 - it is of no use anywhere


@pytest.fixture
def conform(run: Run, server: Server) -> Any:
    """Check the server that stands by, and trust its CA."""
    return lambda *words: run("conform", server.url, "--ca", server.ca, *words)


def run_of(ended: Ended) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(ended.out)
    assert report["exit"] == ended.code
    return report


# What is shown


def test_the_table(conform: Any) -> None:
    ended = conform("--only", QUICK)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert re.fullmatch(r"wss://\S+: 10 rules in \d+ s, in json, bson", lines[0])
    table = {line.split("  ")[0]: line.split() for line in lines[3:] if line[:1].isupper() or line.startswith("in all")}
    assert table["Transport"][1:] == ["2", "2", "0", "0", "0"]
    assert table["States"][1:6] == ["4", "4", "0", "0", "0"]
    assert table["in all"][2:] == ["10", "8", "0", "0", "0", "1", "of", "1", "0", "of", "1"]
    assert lines[-1] == "what a server MAY do, and this one does not: K20"


def test_json_has_every_run(conform: Any) -> None:
    report = run_of(conform("--only", "T1,N1,M28", "--json"))
    assert report["encodings"] == {"json": None, "bson": None}
    assert set(report["user_formats"].values()) == {None}
    assert [rule["id"] for rule in report["rules"]] == ["T1", "N1", "M28"]
    assert [len(rule["runs"]) for rule in report["rules"]] == [1, 2, 4]
    assert {rule["status"] for rule in report["rules"]} == {"passed"}
    assert {run["status"] for rule in report["rules"] for run in rule["runs"]} == {"passed"}


@pytest.mark.parametrize("encoding", ["json", "bson"])
def test_one_encoding_alone(encoding: str, conform: Any) -> None:
    report = run_of(conform("--encoding", encoding, "--only", "N1,E19,E23", "--json"))
    assert list(report["encodings"]) == [encoding]
    other = {"json": "E23", "bson": "E19"}[encoding]
    assert [rule["id"] for rule in report["rules"] if rule["status"] == "skipped"] == [other]


def test_junit(conform: Any, tmp_path: Path) -> None:
    conform("--only", QUICK, "--junit", tmp_path / "conform.xml")
    root = ET.parse(tmp_path / "conform.xml").getroot()  # noqa: S314 - our own
    check_junit(root)
    assert root.attrib["tests"] == "10"
    assert [suite.get("name") for suite in root] == [
        "Transport",
        "Encodings",
        "User names",
        "Keys",
        "Messages",
        "States",
    ]
    assert [case.findtext("system-out") for case in root.iter("testcase") if len(case)] == ["does not"]


def check_junit(root: ET.Element) -> None:
    """Hold a document to the schema that Jenkins publishes: what there may be, and that the counts are right."""
    assert (root.tag, set(root.attrib)) == ("testsuites", {"name", "tests", "failures", "errors", "time"})
    for suite in root:
        assert (suite.tag, set(suite.attrib)) == ("testsuite", {*root.attrib, "skipped"})
        found = Counter(part.tag for part in suite.iter())
        assert found.keys() <= {"testsuite", "testcase", "failure", "error", "skipped", "system-out"}
        wanted = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
        assert {key: suite.attrib[key] for key in wanted} == {key: str(found[tag]) for key, tag in wanted.items()}
        for case in suite:
            assert case.attrib.keys() == {"classname", "name", "time"}
            assert len(case) <= 1
    for key in ("tests", "failures", "errors"):
        assert int(root.attrib[key]) == sum(int(suite.attrib[key]) for suite in root)


def test_the_list(run: Run) -> None:
    ended = run("conform", "--list")
    assert ended.code == 0
    assert [line.split()[0] for line in ended.out.splitlines()] == list(load_rules())
    (told,) = json.loads(run("conform", "--list", "--only", "T11", "--json").out)
    assert told["level"] == "MUST"
    assert told["text"].endswith("is closed with 1003.")


def test_progress_is_for_a_terminal(conform: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    ended = conform("--only", "T1,T2")
    assert "2 of 2 runs of checks" in ended.err
    assert ended.err.endswith("\r\x1b[K")
    assert "\x1b" not in ended.out


# 1: a MUST does not hold, or could not be checked


@pytest.fixture(scope="module")
def generous(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose operator allows more than the page does by default."""
    folder = tmp_path_factory.mktemp("generous")
    (folder / "generous.toml").write_text("[limits]\nmessages_before_auth = 100\n")
    with running_server(folder, "--config", str(folder / "generous.toml")) as server:
        yield server


def test_a_rule_that_does_not_hold_is_told_with_its_evidence(run: Run, generous: Server, tmp_path: Path) -> None:
    words = ("conform", generous.url, "--ca", generous.ca, "--only", "B2,T1", "--junit", tmp_path / "conform.xml")
    ended = run(*words)
    assert ended.code == 1
    _, _, told = ended.out.partition("\nFAILED  B2  Budgets and deadlines  MUST\n")
    assert told.count("expected Close 1008; came: a message: ") == 2
    assert re.search(r"^ +\d\.\d{3} s  #1  connected$", told, re.MULTILINE)
    assert "#1  -> text, " in told
    root = ET.parse(tmp_path / "conform.xml").getroot()  # noqa: S314 - our own
    check_junit(root)
    (failure,) = root.iter("failure")
    assert failure.attrib["message"].startswith("failed: expected Close 1008; came: a message")
    assert "#1  connected" in str(failure.text)
    report = run_of(run(*words, "--json"))
    assert {rule["id"]: rule["status"] for rule in report["rules"]} == {"T1": "passed", "B2": "failed"}
    assert all(run["evidence"] for run in report["rules"][1]["runs"])


def test_a_server_that_does_not_exempt_the_kit(run: Run, tmp_path: Path) -> None:
    with running_server(tmp_path, environment={}) as server:
        ended = run("conform", server.url, "--ca", server.ca, "--only", "N*,D*,M*,T1")
    assert ended.code == 1
    assert "FAILED" not in ended.out
    assert "\ncould not run: " in ended.out
    assert "exempt this address" in ended.out


# Who is let in


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for members, of whom there are none."""
    folder = tmp_path_factory.mktemp("team")
    (folder / "team.toml").write_text('access.mode = "members"\n')
    with running_server(folder, "--config", str(folder / "team.toml")) as server:
        yield server


def test_where_nobody_is_let_in_much_is_skipped(run: Run, team: Server) -> None:
    ended = run("conform", team.url, "--ca", team.ca, "--only", "T1,M1,M12,S3-*")
    assert ended.code == 3
    assert "\nskipped: M1, S3-CONNECTED, S3-DISCONNECTED\n" in ended.out
    assert "the server does not let the kit's user in: unrecognised_user" in ended.out
    assert run("conform", team.url, "--ca", team.ca, "--only", "T1,M12").code == 0


@pytest.mark.parametrize("key_format", [ED25519, RSA])
def test_a_member_is_let_in(key_format: str, run: Run, team: Server, tmp_path: Path) -> None:
    key = make_identity(tmp_path / "member.pem", key_format)
    words = ("--data-dir", team.ca.parent)
    assert run("user", "add", load_private_key(key).public.fingerprint, *words).code == 0
    report = run_of(run("conform", team.url, "--ca", team.ca, "--user-key", key, "--only", "M1,M28,S3-*", "--json"))
    assert report["exit"] == 0
    statuses = {(rule["id"], run["variant"]): run["status"] for rule in report["rules"] for run in rule["runs"]}
    own = key_format.partition("-")[0]
    assert statuses["M1", f"json, {own}"] == "passed"
    assert "skipped" in {statuses["M1", f"json, {other}"] for other in ("ed25519", "rsa")}
    assert statuses["S3-CONNECTED", f"json, {own}"] == "passed"


def test_a_token_is_sent_and_not_shown(run: Run, tmp_path: Path) -> None:
    (tmp_path / "friends.toml").write_text('access.mode = "invite"\n')
    with running_server(tmp_path, "--config", str(tmp_path / "friends.toml")) as server:
        words = ("conform", server.url, "--ca", server.ca, "--only", "M1,M29,B2", "--join-token")
        refused = run(*words, TOKEN, "--json")
        assert "invalid_join_token" in refused.out
        assert TOKEN not in refused.out
        token = run("token", "create", "--uses", "100", "--data-dir", server.ca.parent).out.strip()
        report = run_of(run(*words, token, "--json"))
    assert {rule["id"]: rule["status"] for rule in report["rules"]} == {
        "M1": "passed",
        "M29": "skipped",
        "B2": "passed",
    }


# Nothing to check


def test_the_certificate_is_verified(run: Run, server: Server, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    ended = run("conform", server.url, "--ca", tmp_path / "other.pem")
    assert (ended.code, ended.out) == (2, "")
    assert "the certificate of" in ended.err


def test_nobody_is_there(run: Run) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        ended = run("conform", f"ws://127.0.0.1:{bound.getsockname()[1]}")
    assert (ended.code, ended.out) == (4, "")
    assert "nothing answers at" in ended.err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "Missing argument 'URL'"),
        (("https://chat.example",), "expected a URL such as wss://"),
        (("ws://chat.example",), "plain ws:// is for this machine alone"),
        (("wss://chat.example", "--only", "T1,X9"), "no rule is called 'X9'"),
        (("wss://chat.example", "--ca", "none.pem"), "--ca"),
        (("wss://chat.example", "--user-key", "none.pem"), "--user-key"),
        (("wss://chat.example", "--jobs", "0"), "--jobs"),
        (("wss://chat.example", "--join-token", "a\nb"), "--join-token"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], text: str, run: Run) -> None:
    ended = run("conform", *words)
    assert (ended.code, ended.out) == (64, "")
    assert text in ended.err


def test_a_key_that_is_none(run: Run, tmp_path: Path) -> None:
    (tmp_path / "user.pem").write_text("no key")
    ended = run("conform", "wss://chat.example", "--user-key", tmp_path / "user.pem")
    assert ended.code == 64
    assert "not a private key in PEM" in ended.err


def test_a_junit_file_that_cannot_be_written(conform: Any, tmp_path: Path) -> None:
    ended = conform("--only", "T1", "--junit", tmp_path / "nowhere" / "conform.xml")
    assert ended.code == 1
    assert "in all     1 " in ended.out
    assert "--junit" in ended.err


def test_without_pymongo(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(AVAILABLE, "bson")
    ended = run("conform", "wss://chat.example", "--encoding", "bson")
    assert ended.code == 64
    assert "needs pymongo" in ended.err


def test_ctrl_c() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}"
        words = [sys.executable, "-m", "ric0_trio", "conform", url, "--only", "T1"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                listener.settimeout(START_S)
                with listener.accept()[0]:
                    process.send_signal(signal.SIGINT)
                    out, err = process.communicate(timeout=START_S)
            finally:
                process.kill()
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
