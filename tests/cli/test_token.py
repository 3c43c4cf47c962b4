"""`token`: invitations. A token is shown once, and stands nowhere after."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_control import answering
from tests.cli.rules_users import EVIL_APP, Read, Tell, is_plain, lines, short
from tests.independent.keys import ED25519, fingerprint, make_key
from tests.independent.operating import Site, finish, start

pytest_plugins = ["tests.cli.rules_site"]

SECRET = re.compile(r"[a-z2-7]{32}")


# Making them

GOOD = {
    (): "token 1: good for 1 user; not shown again",
    ("--uses", "2", "--note", "for Ann"): "token 1: good for 2 users; not shown again",
    ("--for", "5d"): "token 1: good for 1 user, until MOMENT; not shown again",
    ("--count", "3", "--for", "5d"): "tokens 1 to 3: each good for 1 user, until MOMENT; not shown again",
}


@pytest.mark.parametrize(("options", "said"), GOOD.items())
def test_a_token_is_all_that_is_printed(options: tuple[str, ...], said: str, run: Run) -> None:
    """So that `TOKEN=$(ric0-trio token create)` is one."""
    ended = run("token", "create", *options)
    assert ended.code == 0
    secrets = ended.out.splitlines()
    assert len({*secrets}) == len(secrets) == (3 if "--count" in options else 1)
    assert all(map(SECRET.fullmatch, secrets))
    assert lines(ended.err)[1:] == [said]


def test_tokens_in_json(read: Read) -> None:
    made = read("token", "create", "--count", "2", "--uses", "7", "--for", "1h")
    assert [each["id"] for each in made] == [1, 2]
    assert all(SECRET.fullmatch(each["token"]) for each in made)
    assert {each["uses"] for each in made} == {7}
    (kept, _) = read("token", "list")
    assert kept["expires"] == made[0]["expires"]


# Listing and revoking them


def test_each_state_is_told(tell: Tell, read: Read, tmp_path: Path) -> None:
    _make_tokens_of_all_states(tell, tmp_path / "ric0-data" / "access.sqlite3")
    assert lines(tell("token", "list")) == [
        "token state used expires note joined with it",
        "1 valid 0 of 1 for Ann [b]",
        "2 valid 0 of 9 MOMENT",
        "3 used up 1 of 1",
        "4 expired 0 of 1 MOMENT",
        "5 revoked 0 of 1",
    ]
    listed = read("token", "list")
    assert [each["state"] for each in listed] == ["valid", "valid", "used up", "expired", "revoked"]
    assert (
        listed[0].items() >= {"id": 1, "uses": 1, "used": 0, "expires": None, "made_by": "olga", "joined": []}.items()
    )
    assert listed[0]["note"] == "for Ann [b]"


def _make_tokens_of_all_states(tell: Tell, kept: Path) -> None:
    tell("token", "create", "--note", "for Ann [b]")
    tell("token", "create", "--uses", "9", "--for", "1w")
    tell("token", "create", "--count", "3")
    tell("token", "revoke", "5")
    with closing(sqlite3.connect(kept)) as database, database:
        database.execute("UPDATE token SET used = 1 WHERE id = 3")
        database.execute("UPDATE token SET expires = '2020-01-01T00:00:00.000000+00:00' WHERE id = 4")


def test_a_token_is_revoked(run: Run, tell: Tell, read: Read) -> None:
    tell("token", "create", "--count", "2")
    assert tell("token", "revoke", "1") == "token 1 is revoked; it had let in 0 of 1\n"
    assert run("token", "revoke", "1").code == 0  # it is, whoever did it
    assert [each["state"] for each in read("token", "revoke", "2", "1")] == ["revoked", "revoked"]
    ended = run("token", "revoke", "9")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "Error: there is no token 9; see `ric0-trio token list`\n"


def test_all_or_none_are_revoked(run: Run, tell: Tell, read: Read) -> None:
    tell("token", "create", "--count", "2")
    ended = run("token", "revoke", "1", "9", "2")
    assert (ended.code, ended.err) == (1, "Error: there is no token 9; see `ric0-trio token list`\n")
    assert [each["state"] for each in read("token", "list")] == ["valid", "valid"]


def test_tokens_are_told_in_one_way(tell: Tell, read: Read) -> None:
    """What `revoke` tells of one is what `list` does."""
    tell("token", "create")
    assert read("token", "revoke", "1") == read("token", "list")


def test_no_tokens(tell: Tell, read: Read) -> None:
    tell("client", "deny", "X")
    assert tell("token", "list") == "there are no tokens; make one with `ric0-trio token create`\n"
    assert read("token", "list") == []


@pytest.mark.parametrize("words", [("token", "list"), ("token", "revoke", "1")], ids=" ".join)
def test_where_nothing_is_kept(words: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    ended = run(*words)
    assert (ended.code, ended.out) == (78, "")
    assert "nothing is kept in " in ended.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("note", ["x" * 512, "你" * 512, "na\u0308ive " * 64], ids=["plain", "wide", "combining"])
def test_a_long_note_is_whole_where_there_is_no_terminal(note: str, tell: Tell) -> None:
    tell("token", "create", "--note", note.strip())
    out = tell("token", "list")
    assert note.strip() in out
    assert len(out.splitlines()) == 2


# Beside a server


def test_where_tokens_are_of_no_use(run: Run, tell: Tell, tmp_path: Path) -> None:
    tell("token", "create")
    with answering(tmp_path / "ric0-data", b'{"policy": {"mode": "members"}}\n'):
        ended = run("token", "create")
    assert ended.code == 0
    assert ended.err.endswith("note: the server that runs has the mode members, in which tokens let nobody in\n")


def test_who_joined_with_it(site: Site, tell: Tell, read: Read) -> None:
    (token,) = read("token", "create", "--uses", "9")
    users = [make_key(ED25519) for _ in range(5)]
    known = [fingerprint(user.public) for user in users]
    for number, user in enumerate(users):
        site.connected(user, name=f"[b]Ada {number}", join_token=token["token"], app=EVIL_APP).close()
    (listed,) = [each for each in read("token", "list") if each["id"] == token["id"]]
    assert [(each["user"], each["name"]) for each in listed["joined"]] == [
        (who, f"[b]Ada {number}") for number, who in enumerate(known)
    ]
    out = tell("token", "list")
    joined = ", ".join(f"[b]Ada {number} ({short(known[number])})" for number in (2, 3, 4))
    assert f"{token['id']} valid 5 of 9 {joined} and 2 before them" in lines(out)
    assert is_plain(out)


def test_a_token_stands_nowhere(site: Site, tell: Tell, read: Read) -> None:
    """Not in a file, not in the log, and in nothing that a command prints but `token create`."""
    (token,) = read("token", "create", "--uses", "2")
    secret = token["token"]
    user, stranger = make_key(ED25519), make_key(ED25519)
    with site.connected(user, join_token=secret), site.challenged() as client:
        tell("token", "revoke", str(token["id"]))
        assert client.connect(stranger, join_token=secret)["status"] == "invalid_join_token"
        printed = [
            tell(*words, *more)
            for words in (["token", "list"], ["user", "list"], ["who"], ["audit"], ["check"])
            for more in ([], ["--json"])
        ]
        printed += [tell("user", "show", fingerprint(user.public)), site.log]
        tell("backup", site.folder / "copy.sqlite3")
        kept = [file.read_bytes() for file in site.folder.rglob("*") if file.is_file()]
    assert not [text for text in printed if secret in text]
    assert len(kept) > 5
    assert not [content for content in kept if secret.encode() in content]


def test_eight_commands_at_once_beside_a_server_that_lets_people_in(site: Site, read: Read) -> None:
    (token,) = read("token", "create", "--uses", "1000")
    words = site.words("token", "create", "--count", "25", "--note", "one of eight")
    commands = [start(words) for _ in range(8)]
    users = []
    while any(command.poll() is None for command in commands):
        users.append(make_key(ED25519))
        site.connected(users[-1], join_token=token["token"]).close()
    secrets = [secret for command in commands for secret in finish(command).out.splitlines()]
    assert len({*secrets}) == 200
    listed = read("token", "list")
    numbers = [each["id"] for each in listed if each["note"] == "one of eight"]
    assert len({*numbers}) == 200
    (used,) = [each for each in listed if each["id"] == token["id"]]
    assert used["used"] == len(users)
    assert [each["user"] for each in used["joined"]] == [fingerprint(user.public) for user in users]
    members = {each["user"] for each in read("user", "list") if each["member"]}
    assert members >= {fingerprint(user.public) for user in users}
    assert read("check")["damage"] == []


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ((), "This server is by invitation: give a token of its operator's with --join-token.\n"),
        (
            ("--join-token", "odd"),
            "The token is mistyped, used up, expired or revoked: ask the operator for another.\n",
        ),
    ],
)
def test_who_is_not_let_in_is_told_what_to_do(words: tuple[str, ...], hint: str, site: Site, run: Run) -> None:
    ended = run("probe", site.server.url, "--ca", site.server.ca, *words)
    assert ended.code == 3
    assert ended.err.endswith(hint)
    assert hint not in run("probe", site.server.url, "--ca", site.server.ca, "--json", *words).err


def test_a_server_that_hangs_keeps_no_token_back(run: Run, tmp_path: Path) -> None:
    with answering(tmp_path / "ric0-data", b"nonsense\n"):
        ended = run("token", "create")
    assert ended.code == 0
    assert len(ended.out.split()) == 1
