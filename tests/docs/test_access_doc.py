"""The examples of access.md, and the README's invite-only server, tried as they are written, with a real server."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ric0_trio.access.rules import Rule
from ric0_trio.protocol import PublicKey
from tests.independent.client import Client
from tests.independent.keys import Ed25519UserKey, UserKey
from tests.independent.serving import Server, running_server

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "access.md").read_text()
README = (ROOT / "README.md").read_text()
SHOWN = "ed25519:5f0d225a84a1d84c3410156fb314948d8c6c8386f37e85e2a51470d939d29ec1"
SHORT = SHOWN[:24]

Tell = Callable[[str], str]


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def commands(text: str) -> list[str]:
    return re.findall(r"^\$ (.*)$", text, re.M)


@pytest.fixture
def user() -> UserKey:
    return Ed25519UserKey()


@pytest.fixture
def tell(tmp_path: Path, user: UserKey) -> Tell:
    """Run a command of the page, about our user in place of the one who is shown."""

    fingerprint = PublicKey(**user.public).fingerprint

    def run(command: str) -> str:
        own = command.replace(SHOWN, fingerprint).replace(SHORT, fingerprint[:24])
        words = [sys.executable, "-m", "ric0_trio", *shlex.split(own)[1:]]
        ran = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
        assert ran.returncode in (0, 3 if "explain" in words else 0), ran.stderr
        return ran.stdout.replace(fingerprint, SHOWN).replace(fingerprint[:24], SHORT)

    return run


def serve_example(folder: Path, title: str) -> Iterator[Server]:
    name, config = re.findall(r"^```toml\n# (\S+)\n(.*?)^```$", section(title), re.M | re.S)[0]
    (folder / name).write_text(config)
    data_dir = re.findall(r'data_dir = "(\w+)"', config)[0]
    with running_server(folder, "--config", str(folder / name), "--data-dir", str(folder / data_dir)) as server:
        yield server


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Server]:
    yield from serve_example(tmp_path, "A private team")


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Server]:
    yield from serve_example(tmp_path, "A public server, with bans")


@pytest.fixture
def friends(tmp_path: Path) -> Iterator[Server]:
    yield from serve_example(tmp_path, "An invite-only community")


def come(client: Client, user: UserKey, **told: object) -> str:
    if client.server_key is None:
        client.challenge()
    return str(client.connect(user, **told)["status"])  # type: ignore[arg-type]


def test_a_private_team(team: Server, user: UserKey, tell: Tell) -> None:
    add, list_users, remove = commands(section("A private team"))
    with team.client() as client:
        assert come(client, user) == "unrecognised_user"
        assert tell(add).strip() in section("A private team")
        assert come(client, user) == "success"
        assert "member" in tell(list_users)
        assert "1 connection closed" in tell(remove)
        assert client.wait_closed()[0] == 4002


def test_a_public_server(public: Server, user: UserKey, tell: Tell) -> None:
    who, kick, ban, deny, unban = commands(section("A public server, with bans"))
    with public.client() as client:
        assert come(client, user, name="Ann") == "success"
        assert "Ann" in tell(who)
        tell(kick)
        assert client.wait_closed() == (4002, "mind your tone")
    with public.client() as client:
        assert come(client, user) == "success"
        tell(ban)
        assert client.wait_closed() == (4001, "spam")
    with public.client() as client:
        assert come(client, user) == "disallowed_user"
        tell(unban)
        assert come(client, user) == "success"
    old = {"type": "release", "major": 2, "minor": 2, "patch": 9}
    app = {"name": "OldApp", "version": old, "capabilities": [], "extensions": {}}
    tell(deny)
    with public.client() as client:
        assert come(client, user, app=app) == "disallowed_client"
    page = section("Why could she not join?")
    (explain,) = commands(page)
    assert tell(explain).strip() in page
    assert "disallowed_client" in tell(re.findall(r"`(ric0-trio audit [^`]+)`", page)[0] + " --config public.toml")
    with public.client() as one, public.client() as two, public.client() as three, public.client() as four:
        for client in (one, two, three, four):
            assert come(client, user) == "success"
        assert one.wait_closed()[0] == 4003


def test_an_invite_only_community(friends: Server, user: UserKey, tell: Tell) -> None:
    for_ann, for_many, list_tokens, revoke, ban = commands(section("An invite-only community"))
    token, shared = tell(for_ann).strip(), tell(for_many).strip()
    with friends.client() as client:
        assert come(client, user) == "join_token_required"
        assert come(client, user, join_token=token, name="Ann") == "success"
        assert "Ann" in tell(list_tokens)
        tell(revoke)
        tell(ban)
        assert client.wait_closed()[0] == 4001
    with friends.client() as client:
        assert come(client, user) == "disallowed_user"
        assert come(client, Ed25519UserKey(), join_token=token) == "invalid_join_token"
        assert come(client, Ed25519UserKey(), join_token=shared) == "invalid_join_token"


def test_the_readme_s_invite_only_server(tmp_path: Path, user: UserKey, tell: Tell, friends: Server) -> None:
    text = README.partition("An invite-only server")[2].partition("## Where")[0]
    create, serve, *others = commands(text)
    token = tell(create).strip()
    shutil.copy(friends.ca.with_name("identity.pem"), tmp_path)  # of the other server: it is as good
    (config,) = re.findall(r"^```toml\n(.*?)^```$", text, re.M | re.S)
    (tmp_path / "friends.toml").write_text(config)
    assert shlex.split(serve)[:4] == ["ric0-trio", "serve", "--config", "friends.toml"]
    assert "identity.pem" in serve
    own = ["--data-dir", str(tmp_path / "ric0-data"), "--identity", str(tmp_path / "identity.pem")]
    config_file = str(tmp_path / "friends.toml")
    with running_server(tmp_path, "--config", config_file, *own) as server, server.client() as client:
        assert come(client, user, join_token=token) == "success"
        who, ban, explain = (tell(command) for command in others)
        assert SHORT in who
        assert "1 connection closed" in ban
        assert client.wait_closed() == (4001, "spam")
        assert "disallowed_user" in explain


def test_every_rule_has_its_row() -> None:
    """The table shows every check of `connect` that is about who may join."""
    rows = re.findall(r"^\| (\d) \|", PAGE, re.M)
    assert rows == [str(number) for number in range(1, 9)]
    assert len(Rule) == 5
