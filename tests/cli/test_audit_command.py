"""`audit`: what happened."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.rules_users import ADA, BOB, EVIL_APP, EVIL_SHOWN, NOBODY, Tell, is_plain, line_with, lines, short
from tests.independent.keys import ED25519, fingerprint, make_key
from tests.independent.operating import Site, wait_until

pytest_plugins = ["tests.cli.rules_site"]

HAPPENED: list[tuple[tuple[str, ...], list[tuple[str, str | None, str]]]] = [
    (("user", "add", ADA), [("member.added", ADA, "")]),
    (("user", "add", ADA), []),
    (("user", "remove", ADA), [("member.removed", ADA, "")]),
    (("user", "ban", BOB, "--reason", "spam 你"), [("user.banned", BOB, "for good: spam 你")]),
    (("user", "ban", BOB, "--silent", "--for", "3d"), [("user.banned", BOB, "silently")]),
    (("user", "unban", BOB), [("user.unbanned", BOB, "")]),
    (("token", "create", "--note", "for Ann"), [("token.created", None, "token 1, good for 1 user: for Ann")]),
    (("token", "create", "--count", "2", "--uses", "5"), [("token.created", None, "tokens 2 to 3, each good for 5")]),
    (("token", "revoke", "2"), [("token.revoked", None, "token 2")]),
    (("token", "revoke", "2"), []),
    (("client", "deny", "Old", "--below", "2.0", "--reason", "up"), [("client.denied", None, "below 2.0.0: up")]),
    (("client", "allow", "Old"), [("client.allowed", None, "Old")]),
    (("client", "allow", "--default", "deny"), [("client.default", None, "deny")]),
    (("user", "list"), []),
]  # fmt: skip


def read_lines(tell: Tell, *options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in tell("audit", *options, "--json").splitlines()]


def test_every_change_is_in_it(tell: Tell) -> None:
    expected = []
    for words, entries in HAPPENED:
        tell(*words)
        expected += entries
    told = read_lines(tell)
    assert [(entry["event"], entry["user"]) for entry in told] == [(event, user) for event, user, _ in expected]
    shown = lines(tell("audit"))
    for entry, line, (event, user, detail) in zip(told, shown, expected, strict=True):
        assert (entry["topic"], entry["actor"]) == ("change", "olga")
        assert detail in (entry["detail"] or "")
        assert line.startswith(f"MOMENT {event} {f'{short(user)} ' if user else ''}by olga")
        assert line.endswith(lines(entry["detail"] or "olga")[0])


def test_what_has_nothing_to_say_ends_without_a_colon(tell: Tell) -> None:
    tell("user", "ban", ADA)
    tell("user", "unban", ADA)
    assert [line for line in lines(tell("audit")) if line.endswith(":")] == []


# Which of it


@pytest.fixture
def aged(tell: Tell, tmp_path: Path) -> None:
    """A membership of 2026-01-02, and things of today."""
    tell("user", "add", ADA)
    with closing(sqlite3.connect(tmp_path / "ric0-data" / "access.sqlite3")) as database, database:
        database.execute("UPDATE audit SET at = '2026-01-02T03:04:05.000006+00:00'")
    tell("user", "ban", ADA)
    tell("user", "ban", BOB)


SINCE = {
    (): ["member.added", "user.banned", "user.banned"],
    ("--since", "1h"): ["user.banned", "user.banned"],
    ("--since", "2026-01-02T03:04:05.000006Z"): ["member.added", "user.banned", "user.banned"],
    ("--since", "2026-01-02T04:04:05.000006+01:00"): ["member.added", "user.banned", "user.banned"],
    ("--since", "2026-01-02T03:04:05.000007Z"): ["user.banned", "user.banned"],
    ("--user", ADA): ["member.added", "user.banned"],
    ("--user", "b0b0b0b0b0b0"): ["user.banned"],
    ("--user", ADA, "--since", "1d"): ["user.banned"],
    ("--user", NOBODY): [],
    ("--since", "2099-01-01T00:00:00Z"): [],
}


@pytest.mark.parametrize(("options", "events"), SINCE.items())
@pytest.mark.usefixtures("aged")
def test_a_part_of_it(options: tuple[str, ...], events: list[str], tell: Tell) -> None:
    assert [entry["event"] for entry in read_lines(tell, *options)] == events
    shown = lines(tell("audit", *options))
    assert [line.split()[1] for line in shown if line.startswith("MOMENT")] == events


def test_nothing_that_fits(run: Run, tell: Tell) -> None:
    tell("user", "add", ADA)
    for options in (["--user", NOBODY], ["--since", "2099-01-01"]):
        for more in ([], ["--json"]):
            ended = run("audit", *options, *more)
            assert (ended.code, ended.out) == (0, "")
            assert ended.err.startswith("note: nothing is kept about that; ")


def test_the_newest_hundred(run: Run, tell: Tell) -> None:
    tell("client", "deny", "App")
    assert run("audit").err == ""
    for number in range(100):
        tell("client", "deny", "App", "--below", f"{number}.1")
    for options in ([], ["--json"]):
        ended = run("audit", *options)
        assert (ended.code, len(ended.out.splitlines())) == (0, 100)
        assert ended.err == "note: these are the last 100; --since shows more\n"
        assert "all versions" not in ended.out
        whole = run("audit", "--since", "1h", *options)
        assert (len(whole.out.splitlines()), whole.err) == (101, "")
        assert "all versions" in whole.out.splitlines()[0]


def test_where_nothing_is_kept(run: Run) -> None:
    ended = run("audit")
    assert (ended.code, ended.out) == (78, "")
    assert "nothing is kept in " in ended.err


@pytest.mark.parametrize("reason", ["x" * 512, "你" * 512], ids=["plain", "wide"])
def test_a_long_reason_is_whole_where_there_is_no_terminal(reason: str, tell: Tell) -> None:
    tell("user", "ban", ADA, "--reason", reason)
    for words in (["audit"], ["user", "list"]):
        assert reason in tell(*words)


# Of users


def test_what_users_do_is_in_it(site: Site, tell: Tell) -> None:
    """And nothing that their software calls itself reaches the terminal as it is."""
    (token,) = json.loads(tell("token", "create", "--json"))
    user, stranger = make_key(ED25519), make_key(ED25519)
    who, other = fingerprint(user.public), fingerprint(stranger.public)
    with site.connected(user, name='"Zoë" 你', join_token=token["token"], app=EVIL_APP) as client:
        assert client.disconnect("tea \x1b[2J")["status"] == "success"
    with site.connected(user, name="Zoë"):
        tell("kick", who, "--reason", "enough")
    with site.challenged() as client:
        assert client.connect(stranger, "Bob", app=EVIL_APP)["status"] == "join_token_required"

    def find() -> list[dict[str, Any]]:
        return [each for each in read_lines(tell, "--since", "1h") if each["user"] in (who, other)]

    told = wait_until(find, lambda told: Counter(each["event"] for each in told)["left"] == 2)
    assert [(each["topic"], each["event"], each["actor"], each["status"]) for each in told if each["user"] == who] == [
        ("session", "admitted", "server", None),
        ("session", "left", "server", None),
        ("session", "admitted", "server", None),
        ("change", "kicked", "olga", None),
        ("session", "left", "server", None),
    ]
    (refused,) = [each for each in told if each["user"] == other]
    assert (
        refused.items()
        >= {
            "topic": "refusal",
            "event": "refused",
            "actor": "server",
            "name": "Bob",
            "client": f"{EVIL_APP['name']} 0.1.0-dev",
            "peer": "127.0.0.1",
            "status": "join_token_required",
        }.items()
    )
    out = tell("audit", "--since", "1h")
    assert is_plain(out)
    line = line_with(out, short(other))
    for part in ("refused", '"Bob"', EVIL_SHOWN, "127.0.0.1", "join_token_required"):
        assert part in line
    assert r"said: tea \x1b[2J" in out
    assert token["token"] not in out


def test_it_is_in_the_order_of_time(site: Site, tell: Tell) -> None:
    """Also when what users do is written down a moment after what an operator does."""
    user = make_key(ED25519)
    tell("user", "add", fingerprint(user.public))
    with site.connected(user) as client:
        assert client.disconnect()["status"] == "success"
        tell("user", "remove", fingerprint(user.public))
    told = wait_until(lambda: read_lines(tell), lambda told: any(each["event"] == "left" for each in told))
    assert [each["at"] for each in told] == sorted(each["at"] for each in told)


def test_as_json_it_is_safe_to_look_at(site: Site, tell: Tell) -> None:
    user = make_key(ED25519)
    with site.challenged() as client:
        client.connect(user, app=EVIL_APP)
    out = tell("audit", "--user", fingerprint(user.public), "--json")
    assert json.loads(out)["client"] == f"{EVIL_APP['name']} 0.1.0-dev"
    assert is_plain(out)
