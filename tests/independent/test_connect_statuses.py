"""Every status of `connect`, over a real socket, reached by configuration and commands alone."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.independent.client import APP, COMMON_STATUSES, STATUSES, Client, Envelope
from tests.independent.keys import ED25519, RSA, UserKey, fingerprint, make_key
from tests.independent.operating import Operator, ServersOwnKey, Site, open_site, wait_until

HOUSE = """
[server]
name = "The Allotment"
description = "For friends"
url = "wss://chat.example/ric0_chat"
capabilities = ["history", "files"]
extensions = { poll = [1, 2], map = [1] }
"""
CONFIGS = {
    "open": f'{HOUSE}[access]\nconnections_per_user = 1\naccept_key_formats = ["{ED25519}"]\n',
    "members": f'{HOUSE}[access]\nmode = "members"\n',
    "invite": f'{HOUSE}[access]\nmode = "invite"\n',
}
OLD_APP = APP | {"name": "OldApp"}
USER = "the user's fingerprint"
UNKNOWN = "ab" * 16

Act = Callable[[Site, Client, UserKey], Envelope]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, operator: Operator) -> Iterator[dict[str, Site]]:
    """A server for each mode."""
    with ExitStack() as stack:
        yield {
            mode: stack.enter_context(open_site(tmp_path_factory.mktemp(mode), config, operator))
            for mode, config in CONFIGS.items()
        }


# What is done before, and how the user then connects


def just_connect(site: Site, client: Client, user: UserKey) -> Envelope:
    return client.connect(user)


def connect_with(**changes: Any) -> Act:
    return lambda site, client, user: client.connect(user, **changes)


def after(*words: str, app: dict[str, Any] = APP) -> Act:
    """Connect once the operator has given a command."""

    def act(site: Site, client: Client, user: UserKey) -> Envelope:
        run(site, user, *words)
        return client.connect(user, app=app)

    return act


def run(site: Site, user: UserKey, *words: str) -> None:
    site.run(*(fingerprint(user.public) if word is USER else word for word in words))


def connect_twice(site: Site, client: Client, user: UserKey) -> Envelope:
    assert client.connect(user)["status"] == "success"
    return client.connect(user)


def connect_beside_oneself(site: Site, client: Client, user: UserKey) -> Envelope:
    with site.connected(user) as other:
        reply = client.connect(user)
        assert other.disconnect()["status"] == "success"
    return reply


def connect_unchallenged(site: Site, client: Client, user: UserKey) -> Envelope:
    with site.server.client() as fresh:
        fresh.server_key = client.server_key
        return fresh.connect(user)


def connect_as_the_server(site: Site, client: Client, user: UserKey) -> Envelope:
    return client.connect(ServersOwnKey(site.server.pubkey))


@dataclass(frozen=True)
class Case:
    mode: str
    status: str
    act: Act = just_connect
    data: dict[str, str] = field(default_factory=dict)
    key_format: str = ED25519


BAN = ("user", "ban", USER)
CASES = {
    "a name without a letter": Case("open", "invalid_message", connect_with(name="-")),
    "a connection that is connected": Case("open", "already_connected", connect_twice),
    "a user who is on": Case("open", "already_connected", connect_beside_oneself),
    "no challenge before": Case("open", "invalid_challenge", connect_unchallenged),
    "a forged proof": Case("open", "invalid_challenge", connect_with(proof=bytes(64))),
    "a key of another format": Case(
        "open", "disallowed_user", key_format=RSA,
        data={"disallowed_user_reason": "this server does not accept keys of that format"},
    ),
    "the server's own key": Case("open", "disallowed_user", connect_as_the_server),
    "old software": Case(
        "open", "disallowed_client",
        after("client", "deny", "OldApp", "--below", "0.2", "--reason", "upgrade: https://x.example", app=OLD_APP),
        data={"disallowed_client_reason": "upgrade: https://x.example"},
    ),
    "software denied without a reason": Case(
        "open", "disallowed_client", after("client", "deny", "NoApp", app=APP | {"name": "NoApp"})
    ),
    "a ban": Case("open", "disallowed_user", after(*BAN, "--reason", "spam"), data={"disallowed_user_reason": "spam"}),
    "a ban without a reason": Case("open", "disallowed_user", after(*BAN)),
    "a silent ban": Case("open", "disallowed_user", after(*BAN, "--reason", "spam", "--silent")),
    "a stranger": Case("members", "unrecognised_user"),
    "a stranger with a token that is of no use": Case("members", "unrecognised_user", connect_with(join_token=UNKNOWN)),
    "no token": Case("invite", "join_token_required"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_refusal(case: Case, sites: dict[str, Site]) -> None:
    """Its status, all of its data, and that the connection goes on."""
    site, user = sites[case.mode], make_key(case.key_format)
    with site.challenged() as client:
        reply = case.act(site, client, user)
        assert reply == {
            "time": reply["time"],
            "type": "reply",
            "name": "connect",
            "conversation": reply["conversation"],
            "status": case.status,
            "data": case.data,
        }
        assert client.challenge()["status"] == "success"


INVALID_STATES = ("used up", "revoked", "expired", "unknown", "unknown", "unknown")


def make_invalid_tokens(site: Site) -> list[str]:
    """One for each of the states."""
    used, revoked = site.read("token", "create", "--count", "2")
    (expiring,) = site.read("token", "create", "--for", "1s")
    site.connected(make_key(ED25519), join_token=used["token"]).close()
    site.run("token", "revoke", str(revoked["id"]))
    wait_until(
        lambda: {token["id"]: token["state"] for token in site.read("token", "list")},
        lambda states: states[expiring["id"]] == "expired",
    )
    return [used["token"], revoked["token"], expiring["token"], UNKNOWN, "", "\0\u00e9\u4f60" * 85]


def test_all_invalid_tokens_get_one_answer(sites: dict[str, Site]) -> None:
    """To the byte, but for the time: what is unknown cannot be told from what once was good. The operator is told."""
    site = sites["invite"]
    replies = [connect_with_token(site, token) for token in make_invalid_tokens(site)]
    assert len({json.dumps(reply) for reply in replies}) == 1
    assert (replies[0]["status"], replies[0]["data"]) == ("invalid_join_token", {})
    refused = [entry for entry in site.audit_with("refused", len(replies)) if entry["event"] == "refused"]
    told = [entry["detail"] for entry in refused if entry["status"] == "invalid_join_token"]
    assert [re.sub(r"the token( \d+)? is ", "", why) for why in told] == [*INVALID_STATES]


def connect_with_token(site: Site, token: str) -> Envelope:
    with site.challenged() as client:
        return client.connect(make_key(ED25519), join_token=token) | {"time": ""}


def join_and_come_back(site: Site, client: Client, user: UserKey) -> Envelope:
    joined = client.connect(user, join_token=site.make_token())
    assert (joined["status"], joined["data"]) == ("success", welcome(site))
    for token in (None, UNKNOWN):
        assert client.disconnect()["status"] == "success"
        joined = client.connect(user, join_token=token)
    return joined


WELCOMED: dict[str, tuple[str, Act]] = {
    "open to everyone": ("open", just_connect),
    "open, with a token that is not looked at": ("open", connect_with(join_token=UNKNOWN)),
    "a member": ("members", after("user", "add", USER)),
    "a guest with a token, and a member with none": ("invite", join_and_come_back),
}


@pytest.mark.parametrize(("mode", "act"), WELCOMED.values(), ids=WELCOMED)
def test_a_welcome(mode: str, act: Act, sites: dict[str, Site]) -> None:
    site, user = sites[mode], make_key(ED25519)
    with site.challenged() as client:
        reply = act(site, client, user)
        assert (reply["status"], reply["data"]) == ("success", welcome(site))


def test_what_both_have_is_agreed_on(sites: dict[str, Site]) -> None:
    app = APP | {"capabilities": ["files", "voice"], "extensions": {"poll": [2, 3], "map": [2]}}
    with sites["open"].challenged() as client:
        reply = client.connect(make_key(ED25519), app=app)
    assert reply["data"] == welcome(sites["open"], ["files"], {"poll": [2]})


def welcome(
    site: Site, capabilities: list[str] | None = None, extensions: dict[str, list[int]] | None = None
) -> dict[str, Any]:
    return {
        "server_app": {
            "name": "ric0-trio",
            "version": {"type": "release", "major": 0, "minor": 1},
            "capabilities": capabilities or [],
            "extensions": extensions or {},
        },
        "server_identity": {
            "pubkey": site.server.pubkey,
            "url": "wss://chat.example/ric0_chat",
            "name": "The Allotment",
            "description": "For friends",
        },
    }


def test_every_status_is_reached() -> None:
    alone = {"success", "invalid_join_token", "unknown_error"}
    assert {case.status for case in CASES.values()} | alone == COMMON_STATUSES | STATUSES["connect"]


def test_a_ban_ends(sites: dict[str, Site]) -> None:
    """By itself, or lifted; it is looked at anew with every connect."""
    site, user, other = sites["open"], make_key(ED25519), make_key(ED25519)
    run(site, user, *BAN, "--for", "1s")
    run(site, other, *BAN)
    run(site, other, "user", "unban", USER)
    assert status_of(site, other) == "success"
    wait_until(lambda: status_of(site, user), lambda status: status == "success")


def status_of(site: Site, user: UserKey) -> str:
    with site.challenged() as client:
        return str(client.connect(user)["status"])


def test_a_database_that_is_held(sites: dict[str, Site]) -> None:
    """It lets nobody in, holds up nobody else, and lets people in again when it is free."""
    site, user = sites["open"], make_key(ED25519)
    with site.challenged() as client, site.challenged() as bystander:
        with closing(sqlite3.connect(site.data / "access.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            reply = client.connect(user)
            assert (reply["status"], reply["data"]) == ("unknown_error", {})
            assert bystander.challenge()["status"] == "success"
        assert client.connect(user)["status"] == "success"
    assert "access.failed" in site.log
    assert "another process holds it for too long; see which, and end it" in site.log
