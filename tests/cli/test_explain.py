"""`explain`: which rule decides, and what `connect` would be answered. It is."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.rules_users import ADA, BOB, NOBODY, Read, Tell, lines
from tests.independent.client import APP
from tests.independent.keys import ED25519, RSA, UserKey, fingerprint, make_key
from tests.independent.operating import ServersOwnKey, Site, open_site

pytest_plugins = ["tests.cli.rules_site"]

Given = Callable[[Tell, str], object]
"""What the operator does before about a user."""


def nothing(tell: Tell, user: str) -> None:
    pass


def all_of(*steps: tuple[str, ...]) -> Given:
    """Give these commands; a `{}` in them is the user."""
    return lambda tell, user: [tell(*(word.format(user) for word in step)) for step in steps]


@dataclass(frozen=True)
class Case:
    status: str
    rule: str | None
    """None: they may join."""
    given: Given = nothing
    app: str = "independent"
    brings: str | None = None
    """The state of the token that they bring."""
    connections: int = 0
    """How many they have already."""
    key_format: str = ED25519


ADDED = ("user", "add", "{}")
BANNED = ("user", "ban", "{}", "--reason", "spam")
IN_MODE_INVITE = {
    "a member": Case("success", None, all_of(ADDED)),
    "a member with a bad token": Case("success", None, all_of(ADDED), brings="unknown"),
    "a guest with a token": Case("success", None, brings="valid"),
    "no token": Case("join_token_required", "join token"),
    "an unknown token": Case("invalid_join_token", "join token", brings="unknown"),
    "a revoked token": Case("invalid_join_token", "join token", brings="revoked"),
    "software": Case(
        "disallowed_client", "client software", all_of(ADDED, ("client", "deny", "Old", "--reason", "up")), "Old"
    ),
    "software and a ban": Case(
        "disallowed_client", "client software", all_of(BANNED, ("client", "deny", "New", "--below", "2.0")), "New"
    ),
    "a ban": Case("disallowed_user", "ban", all_of(ADDED, BANNED)),
    "a ban and no token": Case("disallowed_user", "ban", all_of(BANNED), brings="unknown"),
    "a silent ban": Case("disallowed_user", "ban", all_of((*BANNED, "--silent"))),
    "a ban that was lifted": Case("success", None, all_of(ADDED, BANNED, ("user", "unban", "{}"))),
    "one connection": Case("success", None, all_of(ADDED), connections=1),
    "two connections": Case("already_connected", "connections", all_of(ADDED), connections=2),
    "a key of another format": Case("disallowed_user", "key", all_of(ADDED), key_format=RSA),
}


def agree(case: Case, site: Site, user: UserKey, run: Run, tell: Tell, read: Read) -> None:
    """What is explained, and what is then answered."""
    who = fingerprint(user.public)
    case.given(tell, who)
    token = make_token(case.brings, read)
    words = ["explain", "--user", who, "--client", f"{case.app}@0.1-dev", *(["--token", token] if token else [])]
    with ExitStack() as stack:
        for _ in range(case.connections):
            stack.enter_context(site.connected(user))
        shown, ended = run(*words), run(*words, "--json")
        with site.challenged() as client:
            reply = client.connect(user, join_token=token, app=APP | {"name": case.app})
    told = json.loads(ended.out)
    assert (reply["status"], told["status"], told["rule"]) == (case.status, case.status, case.rule)
    assert [*filter(None, [told["reason"]])] == [*reply["data"].values()] * (case.status != "success")
    assert shown.code == ended.code == (0 if case.status == "success" else 3)
    assert f"connect would be answered: {case.status}" in shown.out
    assert ("REFUSED" in shown.out) == (case.rule is not None)
    assert token is None or token not in shown.out + ended.out


def make_token(state: str | None, read: Read) -> str | None:
    if state in (None, "unknown"):
        return state and "ab" * 16
    (made,) = read("token", "create")
    if state == "revoked":
        read("token", "revoke", str(made["id"]))
    return str(made["token"])


@pytest.mark.parametrize("case", IN_MODE_INVITE.values(), ids=IN_MODE_INVITE)
def test_connect_is_answered_as_explained(case: Case, site: Site, run: Run, tell: Tell, read: Read) -> None:
    agree(case, site, make_key(case.key_format), run, tell, read)


def test_the_servers_own_key(site: Site, run: Run, tell: Tell, read: Read) -> None:
    agree(Case("disallowed_user", "key"), site, ServersOwnKey(site.server.pubkey), run, tell, read)


IN_MODE_MEMBERS = {
    "a member": Case("success", None, all_of(ADDED)),
    "a stranger": Case("unrecognised_user", "membership"),
    "a stranger with a token": Case("unrecognised_user", "membership", brings="valid"),
    "a member no more": Case("unrecognised_user", "membership", all_of(ADDED, ("user", "remove", "{}"))),
}


@pytest.fixture(scope="module")
def running_team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("team"), '[access]\nmode = "members"\n') as site:
        yield site


@pytest.fixture
def team(running_team: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("RIC0_TRIO_DATA_DIR", str(running_team.data))
    return running_team


@pytest.mark.parametrize("case", IN_MODE_MEMBERS.values(), ids=IN_MODE_MEMBERS)
def test_so_it_is_in_a_team(case: Case, team: Site, run: Run, tell: Tell, read: Read) -> None:
    agree(case, team, make_key(case.key_format), run, tell, read)


def test_the_server_counts_and_not_the_configuration(team: Site, read: Read, run: Run, tmp_path: Path) -> None:
    (tmp_path / "open.toml").write_text('[access]\nmode = "open"')
    ended = run("explain", "--user", NOBODY, "--client", "App@1.0", "--config", tmp_path / "open.toml", "--json")
    assert (json.loads(ended.out)["status"], json.loads(ended.out)["mode"]) == ("unrecognised_user", "members")


# Without a server

CONFIGS = {
    "": ("success", "open"),
    'mode = "members"': ("unrecognised_user", "members"),
    'mode = "invite"': ("join_token_required", "invite"),
    'accept_key_formats = ["rsa-sha256-oaepsha256-pkcs1"]': ("disallowed_user", "open"),
    "connections_per_user = 1": ("success", "open"),
}


@pytest.mark.parametrize(("config", "expected"), CONFIGS.items())
def test_without_a_server_the_configuration_counts(
    config: str, expected: tuple[str, str], run: Run, tell: Tell, tmp_path: Path
) -> None:
    tell("user", "add", BOB)
    (tmp_path / "ric0.toml").write_text(f"[access]\n{config}")
    ended = run("explain", "--user", ADA, "--client", "App@1.0", "--config", "ric0.toml", "--json")
    assert (json.loads(ended.out)["status"], json.loads(ended.out)["mode"]) == expected
    assert ended.code == (0 if expected[0] == "success" else 3)


def test_a_refusal_is_told_step_by_step(run: Run, tell: Tell) -> None:
    tell("user", "ban", ADA, "--reason", "spam 'n' eggs")
    ended = run("explain", "--user", ADA, "--client", "App@1.0")
    assert lines(ended.out) == [
        f"user {ADA}",
        "mode open (the configuration's, as no server runs here)",
        "",
        "ok key",
        "ok client software",
        "REFUSED ban banned by olga for good: spam 'n' eggs",
        "",
        """connect would be answered: disallowed_user, with the reason "spam 'n' eggs\"""",
    ]
    assert (ended.code, ended.err) == (3, "")


def test_an_admission_is_told_step_by_step(tell: Tell) -> None:
    tell("user", "add", ADA)
    assert lines(tell("explain", "--user", ADA[:20], "--client", "App@1.0")) == [
        f"user {ADA}",
        "mode open (the configuration's, as no server runs here)",
        "",
        *[f"ok {step}" for step in ("key", "client software", "ban")],
        "- membership not asked in the mode open",
        "- join token not asked in the mode open",
        "- connections there is no bound",
        "",
        "admitted: a member",
        "",
        "connect would be answered: success",
    ]


def test_a_token_can_be_kept_out_of_the_list_of_processes(
    site: Site, run: Run, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    (token,) = read("token", "create")
    for told, code in ((token["token"], 0), ("ab" * 16, 3)):
        monkeypatch.setattr("sys.stdin", StringIO(f"{told}\n"))
        assert run("explain", "--user", NOBODY, "--client", "App@1.0", "--token", "-").code == code


def test_where_nothing_is_kept(run: Run) -> None:
    ended = run("explain", "--user", ADA, "--client", "App@1.0")
    assert (ended.code, ended.out) == (78, "")
    assert "nothing is kept in " in ended.err
