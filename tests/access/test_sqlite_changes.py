"""Rules that change while people are on: a ban reaches them by itself, anything else when it is said."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from ric0_trio.access.database import StoreError
from ric0_trio.access.editing import Editor
from ric0_trio.access.records import Ruling
from ric0_trio.access.registrar import Registrar
from ric0_trio.access.rules import Mode, Policy, WhenExceeded
from ric0_trio.access.sqlite import SqliteAccess
from ric0_trio.protocol import CloseCode, Fingerprint, Kick, Refused, SoftwareVersion, Status
from tests.access.files import ban, editing, entries, events
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
    review,
)

# Bans


@pytest.mark.parametrize(
    ("reason", "is_silent", "tells"), [("spam", False, True), ("spam", True, False), ("", False, False)]
)
async def test_a_ban_that_nobody_tells_of_is_seen_within_a_second(
    path: Path, clock: MockClock, reason: str, is_silent: bool, tells: bool
) -> None:
    async with open_store(path) as access:
        mine, other = [Visitor(1), Visitor(1)], Visitor(2)
        for visitor in (*mine, other):
            await visitor.must_join(access)
        await wait_all_tasks_blocked()
        ban(path, 1, reason, is_silent=is_silent)
        clock.jump(1)
        for visitor in mine:
            await visitor.is_out.wait()
        assert present(access) == [other.connection_id]
        for visitor in mine:
            await visitor.leave(access)
        assert await Visitor(1).join(access) == Refused(Status.DISALLOWED_USER, reason if tells else None)
    assert other.kicks == []
    told = reason if tells else "you are banned from this server"
    assert [visitor.kicks for visitor in mine] == [[Kick(CloseCode.BANNED, told)]] * 2
    left = [entry.detail for entry in entries(path) if entry.event == "left"]
    assert left == [f"banned: {told}"] * 2


async def test_a_ban_is_seen_when_it_is_told_of(path: Path) -> None:
    async with open_store(path) as access:
        visitors = [Visitor(1), Visitor(2), Visitor(1), Visitor(3)]
        for visitor in visitors:
            await visitor.must_join(access)
        assert await access.refresh() == 0
        ban(path, 1)
        ban(path, 3)
        assert await access.refresh() == 3
        assert await access.refresh() == 0
        assert present(access) == [visitors[1].connection_id]


async def test_a_ban_that_has_ended_puts_nobody_out(path: Path) -> None:
    now = HandClock()
    async with open_store(path, OPEN, now) as access:
        visitor = Visitor(1)
        await visitor.must_join(access)
        with editing(path) as editor:
            editor.ban(fingerprint(1), "", NOW + SECOND, is_silent=False)
        now.moment += SECOND
        assert await access.refresh() == await review(access) == 0
        with editing(path) as editor:
            editor.ban(fingerprint(1), "", NOW + DAY, is_silent=False)
        assert await access.refresh() == 1
        now.moment += DAY
        await Visitor(1).must_join(access)


# Anything else


def deny(editor: Editor) -> None:
    editor.set_client_rule("OldApp", Ruling.DENY, at_least=None, below=SoftwareVersion.parse("2.0"), reason="upgrade")


@pytest.mark.parametrize(
    ("policy", "change", "kick"),
    [
        (MEMBERS, lambda editor: editor.remove_member(fingerprint(1)), CloseCode.KICKED),
        (INVITE, lambda editor: editor.remove_member(fingerprint(1)), CloseCode.KICKED),
        (OPEN, lambda editor: editor.remove_member(fingerprint(1)), None),
        (OPEN, deny, CloseCode.KICKED),
        (OPEN, lambda editor: editor.set_client_default(Ruling.DENY), CloseCode.KICKED),
        (OPEN, lambda editor: editor.ban(fingerprint(1), "spam", None, is_silent=True), CloseCode.BANNED),
        (OPEN, lambda editor: editor.ban(fingerprint(9), "spam", None, is_silent=True), None),
    ],
)
async def test_a_review_puts_out_whoever_would_not_be_let_in(
    path: Path, policy: Policy, change: Callable[[Editor], object], kick: CloseCode | None
) -> None:
    with editing(path) as editor:
        editor.add_member(fingerprint(1))
        editor.add_member(fingerprint(2))
        editor.set_client_rule("NewApp", Ruling.ALLOW, at_least=None, below=None, reason="")
    async with open_store(path, policy) as access:
        concerned = [Visitor(1, app=app("OldApp", "1.0")) for _ in range(2)]
        other = Visitor(2, app=app("NewApp", "1.0"))
        for visitor in (*concerned, other):
            await visitor.must_join(access)
        with editing(path) as editor:
            change(editor)
        if kick is not CloseCode.BANNED:
            assert await access.refresh() == 0  # they may stay until it is said
        assert await review(access) == (2 if kick else 0)
        assert await review(access) == 0
        assert other.kicks == []
        for visitor in concerned:
            assert visitor.codes == ([kick] if kick else [])
            assert all(cause.reason and "spam" not in cause.reason for cause in visitor.kicks)


async def test_a_review_counts_no_connections(path: Path) -> None:
    async with open_store(path, Policy(Mode.OPEN, 1, WhenExceeded.REFUSE)) as access:
        visitor = Visitor(1)
        await visitor.must_join(access)
        assert await review(access) == 0
        assert visitor.kicks == []


@pytest.mark.parametrize(
    ("user", "client", "out"),
    [
        (None, None, [True, True, True]),
        (fingerprint(1), None, [True, True, False]),
        (None, "OneApp", [True, False, True]),
        (fingerprint(1), "OneApp", [True, False, False]),
        (fingerprint(9), None, [False, False, False]),
    ],
)
async def test_a_review_may_be_of_some_alone(
    path: Path, user: Fingerprint | None, client: str | None, out: list[bool]
) -> None:
    async with open_store(path) as access:
        one, other = app("OneApp"), app("OtherApp")
        visitors = [Visitor(1, app=one), Visitor(1, app=other), Visitor(2, app=one)]
        for visitor in visitors:
            await visitor.must_join(access)
        with editing(path) as editor:
            editor.set_client_default(Ruling.DENY)
        assert await access.review(user=user, client=client, actor=OPERATOR) == sum(out)
        assert [bool(visitor.kicks) for visitor in visitors] == out
    kicks = [(entry.actor, entry.user) for entry in entries(path) if entry.event == "kicked"]
    assert kicks == ([(OPERATOR, user)] if any(out) else [])


async def test_a_review_tells_the_reason_of_a_rule(path: Path) -> None:
    async with open_store(path) as access:
        visitor = Visitor(1, app=app("OldApp", "1.0"))
        await visitor.must_join(access)
        with editing(path) as editor:
            deny(editor)
        await review(access)
        assert visitor.kicks == [Kick(CloseCode.KICKED, "upgrade")]


@pytest.mark.parametrize("look", [SqliteAccess.refresh, review])
async def test_a_look_that_fails_says_so_and_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, look: Callable[[SqliteAccess], Awaitable[int]]
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("the disk fails")

    async with open_store(path) as access:
        visitor = Visitor(1)
        assert await visitor.join(access) == ADMITTED
        ban(path, 1)
        with monkeypatch.context() as patch:
            patch.setattr(Registrar, "find_bans", fail)
            with pytest.raises(StoreError, match="the disk fails"):
                await look(access)
            assert visitor.kicks == []
        await access.refresh()
        assert visitor.codes == [CloseCode.BANNED]
    assert events(path) == ["admitted", "user.banned"]
    assert OPERATOR in {entry.actor for entry in entries(path)}
