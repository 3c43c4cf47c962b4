"""The store in a file: who is let in, who is there, and what is written down of it."""

from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from ric0_trio.access.records import Entry, Member, Ruling, Topic
from ric0_trio.access.rules import Policy
from ric0_trio.protocol import AppInfo, CloseCode, Kick, Refused, Status, Verdict
from tests.access.files import create_token, editing, entries, events, reading
from tests.access.stage import (
    ADMITTED,
    DAY,
    INVITE,
    MEMBERS,
    NOW,
    OPEN,
    OPERATOR,
    SECOND,
    HandClock,
    Visitor,
    app,
    fingerprint,
    open_store,
    present,
    until,
)

BANNED = "you are banned from this server"


def invite(path: Path, uses: int = 1) -> str:
    """Make a token, and give its secret."""
    with editing(path) as editor:
        _, secret = create_token(editor, uses, None, "")
    return secret


# Who is let in


def prepare(path: Path) -> dict[str, str]:
    """Rules under which everything happens; give the secrets of tokens, by what is wrong with them."""
    with editing(path) as editor:
        editor.add_member(fingerprint(1))
        editor.ban(fingerprint(2), "spam", None, is_silent=False)
        editor.ban(fingerprint(3), "spam", None, is_silent=True)
        editor.ban(fingerprint(4), "spam", NOW, is_silent=False)
        editor.set_client_rule("OldApp", Ruling.DENY, at_least=None, below=None, reason="upgrade")
        secrets = {
            "good": create_token(editor, 1, None, "")[1],
            "expired": create_token(editor, 1, NOW, "")[1],
            "unknown": "x" * 32,
            "empty": "",
        }
        token, secrets["revoked"] = create_token(editor, 1, None, "")
        editor.revoke_token(token.id)
    return secrets


OLD_APP, NEW_APP = app("OldApp", "1.0"), app("NewApp", "1.0")
INVALID_TOKEN = Refused(Status.INVALID_JOIN_TOKEN)


@pytest.mark.parametrize(
    ("policy", "number", "software", "brings", "verdict"),
    [
        (OPEN, 9, NEW_APP, None, ADMITTED),
        (OPEN, 9, NEW_APP, "good", ADMITTED),
        (OPEN, 9, OLD_APP, None, Refused(Status.DISALLOWED_CLIENT, "upgrade")),
        (OPEN, 2, NEW_APP, None, Refused(Status.DISALLOWED_USER, "spam")),
        (OPEN, 3, NEW_APP, None, Refused(Status.DISALLOWED_USER)),
        (OPEN, 4, NEW_APP, None, ADMITTED),
        (OPEN, 2, OLD_APP, None, Refused(Status.DISALLOWED_CLIENT, "upgrade")),
        (MEMBERS, 1, NEW_APP, None, ADMITTED),
        (MEMBERS, 9, NEW_APP, None, Refused(Status.UNRECOGNISED_USER)),
        (MEMBERS, 9, NEW_APP, "good", Refused(Status.UNRECOGNISED_USER)),
        (INVITE, 1, NEW_APP, None, ADMITTED),
        (INVITE, 1, NEW_APP, "unknown", ADMITTED),
        (INVITE, 9, NEW_APP, None, Refused(Status.JOIN_TOKEN_REQUIRED)),
        (INVITE, 9, NEW_APP, "good", ADMITTED),
        (INVITE, 9, NEW_APP, "expired", INVALID_TOKEN),
        (INVITE, 9, NEW_APP, "revoked", INVALID_TOKEN),
        (INVITE, 9, NEW_APP, "unknown", INVALID_TOKEN),
        (INVITE, 9, NEW_APP, "empty", INVALID_TOKEN),
        (INVITE, 9, OLD_APP, "good", Refused(Status.DISALLOWED_CLIENT, "upgrade")),
        (INVITE, 2, NEW_APP, "good", Refused(Status.DISALLOWED_USER, "spam")),
    ],
)
async def test_verdicts(
    path: Path, policy: Policy, number: int, software: AppInfo, brings: str | None, verdict: Verdict
) -> None:
    secrets = prepare(path)
    before = entries(path)
    async with open_store(path, policy) as access:
        visitor = Visitor(number, app=software, token=brings and secrets[brings])
        assert await visitor.join(access) == verdict
        assert present(access) == ([visitor.connection_id] if verdict == ADMITTED else [])
        if verdict != ADMITTED:
            assert await access.kick(visitor.user, "", OPERATOR) == 0  # nothing is left of one who was refused
    (entry,) = entries(path)[len(before) :]
    assert entry.user == visitor.user
    if isinstance(verdict, Refused):
        assert (entry.event, entry.topic, entry.status) == ("refused", Topic.REFUSAL, verdict.status)
    else:
        assert (entry.event, entry.topic, entry.status) == ("admitted", Topic.SESSION, None)
    with reading(path) as rules:
        is_joining = policy is INVITE and number == 9 and verdict == ADMITTED
        assert sum(token.used for token in rules.tokens()) == len(rules.token_uses()) == is_joining
    assert not visitor.token or visitor.token not in repr(entry)


async def test_a_token_makes_a_member_who_needs_none_the_next_time(path: Path) -> None:
    secret = invite(path)
    now = HandClock()
    visitor = Visitor(1, name="Zoë", token=secret)
    async with open_store(path, INVITE, now) as access:
        await visitor.must_join(access)
        await visitor.leave(access)
        assert await Visitor(2, token=secret).join(access) == INVALID_TOKEN
        now.moment = NOW + DAY
        await Visitor(1, name="Zoé 2").must_join(access)
    with reading(path) as rules:
        assert rules.members() == [
            Member(user=visitor.user, name="Zoé 2", since=NOW, made_by="token", token=1, seen=NOW + DAY)
        ]
        (use,) = rules.token_uses(user=visitor.user)
        assert (use.token, use.name, use.at) == (1, "Zoë", NOW)


async def test_a_member_is_known_by_name_once_they_have_connected(path: Path) -> None:
    with editing(path) as editor:
        editor.add_member(fingerprint(1))
    async with open_store(path, OPEN) as access:
        await Visitor(1, name="Zoë").must_join(access)
        await Visitor(2).must_join(access)
    with reading(path) as rules:
        assert rules.members() == [
            Member(user=fingerprint(1), name="Zoë", since=NOW, made_by=OPERATOR, token=None, seen=NOW)
        ]


async def test_a_ban_ends_by_itself(path: Path) -> None:
    with editing(path) as editor:
        editor.ban(fingerprint(1), "", NOW + SECOND, is_silent=False)
    now = HandClock()
    async with open_store(path, OPEN, now) as access:
        assert await Visitor(1).join(access) == Refused(Status.DISALLOWED_USER)
        now.moment += SECOND
        assert await Visitor(1).join(access) == ADMITTED


# Who is there


async def test_who_is_there(path: Path) -> None:
    now = HandClock()
    async with open_store(path, OPEN, now) as access:
        first, second = Visitor(1, name="Zoë", peer="2001:db8::1"), Visitor(2)
        await first.must_join(access)
        now.moment += SECOND
        await second.must_join(access)
        place = access.who()[0]
        assert (place.guest, place.since) == (first.guest, NOW)
        assert present(access) == [first.connection_id, second.connection_id]
        await first.leave(access)
        await Visitor(9).leave(access)  # who was never there
        assert present(access) == [second.connection_id]


async def test_a_kick_reaches_every_connection_of_a_user(path: Path, clock: MockClock) -> None:
    async with open_store(path) as access:
        mine, other = [Visitor(1), Visitor(1)], Visitor(2)
        for visitor in (*mine, other):
            await visitor.must_join(access)
        assert await access.kick(fingerprint(1), "mind your tone", OPERATOR) == 2
        assert events(path)[-1] == "kicked"  # at once
        assert await access.kick(fingerprint(1), "", OPERATOR) == 0  # they are on their way out
        assert await access.kick(fingerprint(9), "", OPERATOR) == 0
        assert present(access) == [other.connection_id]
        assert await access.kick(fingerprint(2), "", OPERATOR) == 1
        for visitor in (*mine, other):
            await visitor.leave(access, "what the server says of it")
    assert [visitor.kicks for visitor in mine] == [[Kick(CloseCode.KICKED, "mind your tone")]] * 2
    assert [kick.code for kick in other.kicks] == [CloseCode.KICKED]
    assert other.kicks[0].reason
    kicked = [entry for entry in entries(path) if entry.event == "kicked"]
    assert [(entry.actor, entry.topic, entry.user) for entry in kicked] == [
        (OPERATOR, Topic.CHANGE, fingerprint(1)),
        (OPERATOR, Topic.CHANGE, fingerprint(2)),
    ]
    assert "mind your tone" in str(kicked[0].detail)
    left = [entry for entry in entries(path, fingerprint(1)) if entry.event == "left"]
    assert [entry.detail for entry in left] == ["kicked: mind your tone"] * 2


# What is written down


async def test_the_audit_has_everything_in_its_order(path: Path) -> None:
    now = HandClock()
    async with open_store(path, OPEN, now) as access:
        with editing(path) as editor:
            editor.ban(fingerprint(2), "spam", None, is_silent=False)
        one, two = Visitor(1, peer="192.0.2.7"), Visitor(2)
        for act in (one.join, two.join, one.leave, one.join):
            await act(access)
            now.moment += SECOND
        await access.kick(fingerprint(1), "", OPERATOR)
        await one.leave(access)
    told: dict[str, Any] = {
        "user": one.user,
        "name": "Zoë",
        "client": "client 0.9.1-beta",
        "peer": "192.0.2.7",
        "actor": "server",
    }
    found = entries(path)
    assert [entry.event for entry in found] == [
        "user.banned", "admitted", "refused", "left", "admitted", "kicked", "left",
    ]  # fmt: skip
    assert found[3] == Entry(at=NOW + 2 * SECOND, topic=Topic.SESSION, event="left", detail="disconnected", **told)
    assert found[1] == Entry(at=NOW, topic=Topic.SESSION, event="admitted", detail="everyone may join", **told)
    assert found[2].status == "disallowed_user"
    assert "spam" in str(found[2].detail)
    assert str(found[-1].detail).startswith("kicked: ")


async def test_a_departure_is_written_down_within_a_second(path: Path, clock: MockClock) -> None:
    async with open_store(path) as access:
        visitor = Visitor(1)
        await visitor.must_join(access)
        await wait_all_tasks_blocked()
        await visitor.leave(access)
        clock.jump(1)
        await until(lambda: "left" in events(path))


async def test_closing_writes_what_is_noted(path: Path) -> None:
    """More than is written at once."""
    visitors = [Visitor(number % 7) for number in range(600)]
    async with open_store(path) as access:
        async with trio.open_nursery() as nursery:
            for visitor in visitors:
                nursery.start_soon(visitor.must_join, access)
        for visitor in visitors:
            await visitor.leave(access)
        assert access.who() == []
    assert events(path) == ["admitted"] * 600 + ["left"] * 600


async def test_a_store_says_that_it_starts(path: Path) -> None:
    for _ in range(2):
        async with open_store(path):
            pass
    with reading(path) as rules:
        assert rules.members() == []
    assert [entry.event for entry in entries(path, with_servers=True)] == ["server.started", "server.stopped"] * 2
