"""What an operator changes reads back, with its entry in the audit, or nothing of it is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ric0_trio.access.editing import Editor
from ric0_trio.access.records import Ban, ClientRule, Entry, Member, Ruling, Token, Topic
from ric0_trio.access.rulebook import Rulebook
from ric0_trio.protocol import Fingerprint, SoftwareVersion
from tests.access.files import create_token, editing, entries, reading
from tests.access.rule_cases import VERSIONS, Span, spans
from tests.access.stage import DAY, NOW, OPERATOR, SECOND, fingerprint

LATER = NOW + SECOND
END = NOW + DAY
USER = fingerprint(1)
ALLOW, DENY = Ruling
TWO = SoftwareVersion.parse("2.0")

Change = Callable[[Editor], Any]
Read = Callable[[Rulebook], Any]


def member() -> Member:
    return Member(user=USER, name=None, since=LATER, made_by=OPERATOR, token=None, seen=None)


def ban(reason: str = "spam", **told: Any) -> Ban:
    return Ban(user=USER, reason=reason, since=LATER, made_by=OPERATOR, **{"is_silent": False, "until": None, **told})


def rule(ruling: Ruling, number: int = 1, **told: Any) -> ClientRule:
    return ClientRule(id=number, name="App", ruling=ruling, since=LATER, made_by=OPERATOR, **told)


def token(number: int = 1, **told: Any) -> Token:
    plain = {"note": "for Zoë", "uses": 3, "used": 0, "expires": END, "revoked": None, **told}
    return Token(id=number, since=LATER, made_by=OPERATOR, **plain)


def set_rule(ruling: Ruling, at_least: SoftwareVersion | None = None, reason: str = "") -> Change:
    return lambda editor: editor.set_client_rule("App", ruling, at_least=at_least, below=None, reason=reason)


@dataclass
class Case:
    """A change, what it answers, where and what it reads back, and what the audit says of it, if it was one."""

    change: Change
    answer: Any
    read: Read
    found: Any
    event: tuple[str, Fingerprint | None, str | None] | None
    before: Change = lambda editor: None


def add(editor: Editor) -> bool:
    return editor.add_member(USER)


def make_token(editor: Editor) -> Token:
    return create_token(editor, 3, END, "for Zoë")[0]


def ban_user(editor: Editor) -> Ban:
    return editor.ban(USER, "spam", None, is_silent=False)


TOLD_END = "until 2026-01-03 03:04:05Z"

CASES = {
    "a member": Case(add, True, lambda rules: rules.members(), [member()], ("member.added", USER, None)),
    "a member again": Case(add, False, lambda rules: rules.find_member(USER), member(), None, before=add),
    "no member": Case(
        lambda editor: editor.remove_member(USER),
        True,
        lambda rules: (rules.members(), rules.find_member(USER)),
        ([], None),
        ("member.removed", USER, None),
        before=add,
    ),
    "no member before": Case(lambda editor: editor.remove_member(USER), False, lambda rules: rules.members(), [], None),
    "a ban": Case(ban_user, ban(), lambda rules: rules.bans(), [ban()], ("user.banned", USER, "for good: spam")),
    "a ban with an end": Case(
        lambda editor: editor.ban(USER, "", END, is_silent=True),
        ban("", until=END, is_silent=True),
        lambda rules: rules.find_ban(USER),
        ban("", until=END, is_silent=True),
        ("user.banned", USER, f"{TOLD_END}, silently"),
    ),
    "a ban in place of another": Case(
        ban_user,
        ban(),
        lambda rules: rules.bans(),
        [ban()],
        ("user.banned", USER, "for good: spam"),
        before=lambda editor: editor.ban(USER, "before", END, is_silent=True),
    ),
    "no ban": Case(
        lambda editor: editor.unban(USER),
        True,
        lambda rules: (rules.bans(), rules.find_ban(USER)),
        ([], None),
        ("user.unbanned", USER, None),
        before=ban_user,
    ),
    "no ban before": Case(lambda editor: editor.unban(USER), False, lambda rules: rules.bans(), [], None),
    "software is denied": Case(
        set_rule(DENY, TWO, "too new"),
        rule(DENY, at_least=TWO, reason="too new"),
        lambda rules: rules.client_rules(),
        [rule(DENY, at_least=TWO, reason="too new")],
        ("client.denied", None, "'App', from 2.0.0: too new"),
    ),
    "software is allowed": Case(
        set_rule(ALLOW),
        rule(ALLOW, 2),
        lambda rules: (rules.find_client_rules("App"), rules.find_client_rules("app")),
        ([rule(ALLOW, 2)], []),
        ("client.allowed", None, "'App', all versions"),
        before=set_rule(DENY),
    ),
    "an older rule of which something is left": Case(
        set_rule(ALLOW, TWO),
        rule(ALLOW, 2, at_least=TWO),
        lambda rules: rules.find_client_rules("App"),
        [rule(ALLOW, 2, at_least=TWO), rule(DENY)],
        ("client.allowed", None, "'App', from 2.0.0"),
        before=set_rule(DENY),
    ),
    "a default": Case(
        lambda editor: editor.set_client_default(DENY),
        None,
        lambda rules: rules.client_default(),
        DENY,
        ("client.default", None, "deny"),
    ),
    "a default again": Case(
        lambda editor: editor.set_client_default(ALLOW),
        None,
        lambda rules: rules.client_default(),
        ALLOW,
        ("client.default", None, "allow"),
        before=lambda editor: editor.set_client_default(DENY),
    ),
    "a token": Case(
        make_token,
        token(),
        lambda rules: (rules.tokens(), rules.find_token_by_number(1), rules.find_token_by_number(2)),
        ([token()], token(), None),
        ("token.created", None, f"token 1, good for 3 users, {TOLD_END}: for Zoë"),
    ),
    "a token without bounds": Case(
        lambda editor: create_token(editor, 1, None, "")[0],
        token(note="", uses=1, expires=None),
        lambda rules: rules.tokens(),
        [token(note="", uses=1, expires=None)],
        ("token.created", None, "token 1, good for 1 user"),
    ),
    "a token is revoked": Case(
        lambda editor: editor.revoke_token(1),
        token(revoked=LATER),
        lambda rules: rules.find_token_by_number(1),
        token(revoked=LATER),
        ("token.revoked", None, "token 1"),
        before=make_token,
    ),
    "a token is revoked again": Case(
        lambda editor: editor.revoke_token(1),
        token(revoked=LATER),
        lambda rules: rules.find_token_by_number(1),
        token(revoked=LATER),
        None,
        before=lambda editor: (make_token(editor), editor.revoke_token(1)),
    ),
    "no token of that number": Case(
        lambda editor: editor.revoke_token(7), None, lambda rules: rules.tokens(), [], None
    ),
}


@pytest.fixture(params=CASES.values(), ids=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    chosen = request.param
    assert isinstance(chosen, Case)
    return chosen


def test_a_change_reads_back_and_is_in_the_audit(path: Path, case: Case) -> None:
    with editing(path, LATER) as editor:
        case.before(editor)
    before = entries(path)
    with editing(path, LATER) as editor:
        assert case.change(editor) == case.answer
        assert case.read(editor.rules) == case.found  # within the turn, too
    with reading(path) as rules:
        assert case.read(rules) == case.found
    expected = []
    if case.event is not None:
        event, user, detail = case.event
        expected = [Entry(at=LATER, topic=Topic.CHANGE, event=event, actor=OPERATOR, user=user, detail=detail)]
    assert entries(path) == before + expected


def test_nothing_of_a_turn_that_fails_is_kept(path: Path, case: Case) -> None:
    with editing(path, LATER) as editor:
        case.before(editor)
    with reading(path) as rules:
        found = case.read(rules)
    before = entries(path)

    def fail() -> None:
        with editing(path, LATER) as editor:
            case.change(editor)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with reading(path) as rules:
        assert case.read(rules) == found
    assert entries(path) == before


# Client rules


def test_a_rule_drops_the_older_ones_that_it_covers(path: Path) -> None:
    names = count()
    with editing(path) as editor:
        editor.set_client_rule("another", ALLOW, at_least=None, below=None, reason="")

        def set_span(name: str, span: Span) -> ClientRule:
            told = span.rule()
            return editor.set_client_rule(
                name, told.ruling, at_least=told.at_least, below=told.below, reason=told.reason
            )

        @given(st.lists(spans, max_size=5), spans)
        def drop(older: list[Span], newest: Span) -> None:
            name = f"client {next(names)}"
            for span in older:
                set_span(name, span)
            before = editor.rules.find_client_rules(name)
            made = set_span(name, newest)
            assert editor.rules.find_client_rules(name) == [made, *(old for old in before if not made.covers(old))]
            assert len(editor.rules.find_client_rules("another")) == 1

        drop()


@pytest.mark.parametrize("text", [*VERSIONS, "999999999.999999999.999999999"])
def test_the_bounds_of_a_rule_read_back(path: Path, text: str) -> None:
    version = SoftwareVersion.parse(text)
    with editing(path) as editor:
        made = editor.set_client_rule("App", DENY, at_least=version, below=None, reason="")
    with reading(path) as rules:
        assert [(found, found.at_least) for found in rules.client_rules()] == [(made, version)]
