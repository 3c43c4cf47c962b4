"""`user`: members and bans."""

import os
import pwd
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.rules_users import ADA, BOB, EVIL_APP, NOBODY, Read, Tell, is_plain, line_with, lines, short
from tests.independent.keys import ED25519, fingerprint, make_key
from tests.independent.operating import Site

pytest_plugins = ["tests.cli.rules_site"]

A_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


# Members


def test_a_member_is_added_once(run: Run, read: Read, tmp_path: Path) -> None:
    first, again = run("user", "add", ADA), run("user", "add", ADA)
    assert (first.code, first.out) == (0, f"{ADA} is a member now\n")
    assert first.err == f"made {tmp_path}/ric0-data/access.sqlite3: no server has run there yet\n"
    assert (again.code, again.out, again.err) == (0, f"{ADA} is a member already\n", "")
    assert read("user", "add", ADA) == {"user": ADA, "is_member": True, "was_member": True}
    assert read("user", "add", BOB) == {"user": BOB, "is_member": True, "was_member": False}
    assert (tmp_path / "ric0-data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "ric0-data" / "access.sqlite3").stat().st_mode & 0o777 == 0o600


def test_a_member_is_removed(run: Run, tell: Tell, read: Read) -> None:
    tell("user", "add", ADA)
    tell("user", "add", BOB)
    assert tell("user", "remove", ADA) == f"{ADA} is no member any more\n"
    assert read("user", "remove", BOB, "--now") == {"user": BOB, "is_member": False, "closed": None}
    ended = run("user", "remove", ADA)
    assert (ended.code, ended.out, ended.err) == (1, "", f"Error: {ADA} is not a member\n")
    assert tell("user", "list") == "nobody is a member, and nobody is banned\n"


# Bans

BANS: dict[str, tuple[list[str], str, str, dict[str, object]]] = {
    "for good": ([], "for good", "", {"reason": "", "is_silent": False, "until": None}),
    "with a reason": (["--reason", "spam [b]"], "for good", ": spam [b]", {"reason": "spam [b]", "is_silent": False}),
    "silent": (["--reason", "x", "--silent"], "for good", " (silent): x", {"reason": "x", "is_silent": True}),
    "until": (["--until", "2099-12-31T23:00:00-01:00"], "until MOMENT", "", {"until": "2100-01-01T00:00:00Z"}),
    "for a while": (["--for", "3d", "--reason", "你好"], "until MOMENT", ": 你好", {"reason": "你好"}),
}


@pytest.mark.parametrize(("options", "end", "why", "kept"), BANS.values(), ids=BANS)
def test_a_ban(options: list[str], end: str, why: str, kept: dict[str, object], tell: Tell, read: Read) -> None:
    made = read("user", "ban", ADA, *options)
    assert (made["user"], made["revoked_tokens"], made["closed"]) == (ADA, [], None)
    assert kept.items() <= made["ban"].items()
    assert A_MOMENT.fullmatch(made["ban"]["since"])
    assert read("user", "list") == [{"user": ADA, "name": None, "member": None, "ban": made["ban"]}]
    assert lines(tell("user", "list"))[1] == f"{short(ADA)} banned {end}{why}"
    assert line_with(tell("user", "show", ADA), "ban ") == f"ban banned {end}{why}"
    assert lines(tell("user", "ban", ADA, *options)) == [f"{ADA} is banned {end}; no server runs now"]


def test_the_newest_ban_counts_and_is_lifted_whole(run: Run, tell: Tell, read: Read) -> None:
    tell("user", "ban", ADA, "--reason", "one")
    tell("user", "ban", ADA, "--reason", "two", "--for", "1h")
    (listed,) = read("user", "list")
    assert listed["ban"]["reason"] == "two"
    assert tell("user", "unban", ADA) == f"{ADA} is not banned any more\n"
    assert read("user", "list") == []
    ended = run("user", "unban", ADA)
    assert (ended.code, ended.out, ended.err) == (1, "", f"Error: {ADA} is not banned\n")
    tell("user", "ban", ADA)
    assert read("user", "unban", ADA) == {"user": ADA, "ban": None}


def test_a_ban_that_has_ended_is_history(tell: Tell, read: Read, tmp_path: Path) -> None:
    tell("user", "ban", ADA, "--for", "1h", "--reason", "cool down")
    with closing(sqlite3.connect(tmp_path / "ric0-data" / "access.sqlite3")) as database, database:
        database.execute("UPDATE ban SET until = '2020-01-01T00:00:00.000000+00:00'")
    assert line_with(tell("user", "list"), short(ADA)) == f"{short(ADA)} was banned until MOMENT"
    assert read("user", "show", ADA)["ban"]["until"] == "2020-01-01T00:00:00Z"


def test_members_and_bans_are_listed_together(tell: Tell, read: Read) -> None:
    tell("user", "ban", NOBODY)
    tell("user", "add", ADA)
    tell("user", "add", BOB)
    tell("user", "ban", BOB, "--reason", "spam")
    assert [each["user"] for each in read("user", "list")] == [ADA, BOB, NOBODY]
    assert lines(tell("user", "list")) == [
        "user name status joined by last seen",
        f"{short(ADA)} member olga",
        f"{short(BOB)} member, banned for good: spam olga",
        f"{short(NOBODY)} banned for good",
    ]


def test_no_token_to_revoke(run: Run, read: Read) -> None:
    ended = run("user", "ban", ADA, "--revoke-token")
    assert (ended.code, ended.out) == (0, f"{ADA} is banned for good; no server runs now\n")
    assert "note: no token let them in, so none was revoked\n" in ended.err
    assert read("user", "ban", ADA, "--revoke-token")["revoked_tokens"] == []


def test_what_an_operator_might_overlook_is_noted(run: Run, tell: Tell) -> None:
    tell("user", "add", ADA)
    assert "note:" not in run("user", "ban", ADA, "--reason", "spam").err
    assert run("user", "add", ADA).err == "note: they are banned for good: spam; see `ric0-trio user unban`\n"
    assert run("user", "ban", BOB, "--json").code == 0
    unknown = "note: nobody with this key has been here yet: compare it, if you expected otherwise\n"
    assert run("user", "ban", NOBODY).err == unknown


# One user


def test_all_that_is_known_of_a_user(tell: Tell, read: Read) -> None:
    tell("user", "add", ADA)
    tell("user", "ban", ADA, "--reason", "spam")
    assert lines(tell("user", "show", ADA)) == [
        f"fingerprint {ADA}",
        "member since MOMENT, by olga",
        "ban banned for good: spam",
        "connected no",
        f"MOMENT member.added {short(ADA)} by olga",
        f"MOMENT user.banned {short(ADA)} by olga: for good: spam",
    ]
    shown = read("user", "show", ADA)
    assert (shown["user"], shown["joined"], shown["present"]) == (ADA, [], [])
    assert (shown["member"]["made_by"], shown["ban"]["made_by"]) == ("olga", "olga")
    assert [entry["event"] for entry in shown["last"]] == ["member.added", "user.banned"]


def test_a_user_of_whom_nothing_is_known(tell: Tell, read: Read) -> None:
    tell("user", "add", ADA)
    assert lines(tell("user", "show", NOBODY)) == [f"fingerprint {NOBODY}", "member no", "connected no"]
    assert read("user", "show", NOBODY) == {
        "user": NOBODY, "name": None, "member": None, "ban": None, "joined": [], "present": [], "last": [],
    }  # fmt: skip


# Beside a server


def test_a_user_who_is_on(site: Site, tell: Tell, read: Read) -> None:
    """All of it, and nothing that their software calls itself reaches the terminal as it is."""
    (token,) = read("token", "create", "--uses", "2")
    user = make_key(ED25519)
    who = fingerprint(user.public)
    with site.connected(user, name="[red]Zoë 你", join_token=token["token"], app=EVIL_APP):
        out = tell("user", "show", who)
        assert lines(out)[:6] == [
            f"fingerprint {who}",
            "name [red]Zoë 你",
            f"member since MOMENT, by token {token['id']}",
            "last seen MOMENT",
            f"joined MOMENT with token {token['id']}",
            "connected 1 connection now",
        ]
        (present,) = read("user", "show", who)["present"]
        assert (present["user"], present["name"], present["peer"]) == (who, "[red]Zoë 你", "127.0.0.1")
        listed = tell("user", "list")
        assert line_with(listed, short(who)) == f"{short(who)} [red]Zoë 你 member token {token['id']} MOMENT"
        assert is_plain(out + listed)


def test_a_ban_with_the_token_that_let_them_in(site: Site, tell: Tell, read: Read) -> None:
    (token,) = read("token", "create", "--uses", "9")
    user, other = make_key(ED25519), make_key(ED25519)
    who = fingerprint(user.public)
    with site.connected(user, join_token=token["token"]) as client:
        said = tell("user", "ban", who[:20], "--reason", "sold the invitation", "--silent", "--revoke-token")
        assert said == f"{who} is banned for good; token {token['id']} revoked; 1 connection closed\n"
        assert client.wait_closed()[0] == 4001
    with site.challenged() as client:
        assert client.connect(other, join_token=token["token"])["status"] == "invalid_join_token"


def test_a_member_who_is_removed_now(site: Site, tell: Tell, read: Read) -> None:
    users = [make_key(ED25519) for _ in range(2)]
    for user in users:
        tell("user", "add", fingerprint(user.public))
    with site.connected(users[0]) as one, site.connected(users[1]) as other, site.connected(users[1]) as third:
        removed = tell("user", "remove", fingerprint(users[0].public), "--now")
        assert removed == f"{fingerprint(users[0].public)} is no member any more; 1 connection closed\n"
        assert read("user", "remove", fingerprint(users[1].public), "--now")["closed"] == 2
        assert [client.wait_closed()[0] for client in (one, other, third)] == [4002] * 3


def test_what_stays_of_a_member_who_is_removed_is_noted(site: Site, run: Run, read: Read) -> None:
    (token,) = read("token", "create", "--uses", "2")
    user = make_key(ED25519)
    who = fingerprint(user.public)
    with site.connected(user, join_token=token["token"]):
        ended = run("user", "remove", who)
        assert ended.out == f"{who} is no member any more\n"
        assert ended.err == (
            f"note: token {token['id']}, with which they joined, is still good; see `ric0-trio token revoke`\n"
            "note: 1 connection of theirs stays; --now closes it, or `ric0-trio kick`\n"
        )
        assert run("user", "remove", who).code == 1
        assert run("user", "remove", who, "--now").out == f"{who} is no member any more; 1 connection closed\n"


# Where nothing is kept

LOOKS = [("user", "list"), ("user", "show", ADA), ("user", "remove", ADA), ("user", "unban", ADA)]


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_a_wrong_folder_does_not_look_like_an_empty_one(words: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    ended = run(*words)
    assert (ended.code, ended.out) == (78, "")
    assert ended.err == f"Error: nothing is kept in {tmp_path}/ric0-data yet; see --data-dir and --config\n"
    assert list(tmp_path.iterdir()) == []


def test_what_a_trial_keeps_is_pointed_at(run: Run, tell: Tell) -> None:
    tell("user", "add", ADA, "--data-dir", "ric0-dev")
    assert run("user", "list").err.endswith(
        "\nThere is something in ric0-dev, where `serve --dev` keeps it: --data-dir ric0-dev\n"
    )


def test_a_data_directory_that_cannot_be_made(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = run("user", "add", ADA, "--data-dir", tmp_path / "file" / "data")
    assert (ended.code, ended.out) == (78, "")
    assert ended.err == f"Error: {tmp_path}/file/data: Not a directory; see --data-dir\n"


def test_a_path_too_long_for_a_socket_has_no_server(run: Run, tmp_path: Path) -> None:
    """None can run there, so the rules are all there is."""
    folder = tmp_path / ("x" * 120)
    assert run("user", "ban", ADA, "--data-dir", folder).out == f"{ADA} is banned for good; no server runs now\n"
    assert run("user", "show", ADA, "--data-dir", folder).code == 0
    assert run("who", "--data-dir", folder).err == f"Error: no server runs on {folder}; see --data-dir and --config\n"


# Whose account


def test_who_gave_the_command_is_kept(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "ann")
    for user, number in ((ADA, 0), (BOB, 1000)):  # anyone can set a variable, but whom root believes it of
        monkeypatch.setattr(os, "geteuid", lambda number=number: number)
        read("user", "add", user)
    assert [each["member"]["made_by"] for each in read("user", "list")] == ["ann (as olga)", "olga"]


def test_an_account_without_a_name(run: Run, tell: Tell, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under a number of its own."""

    def find_nobody(number: int) -> object:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", find_nobody)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert run("user", "add", ADA).code == 0
    assert read("user", "show", ADA)["member"]["made_by"] == "uid 4711"
