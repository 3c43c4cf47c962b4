"""The decision: total, in the design's order, and exact at every boundary."""

from dataclasses import replace
from datetime import datetime

import msgspec
import pytest
from hypothesis import example, given

from ric0_trio.access.records import Ruling, Token
from ric0_trio.access.registrar import Candidate
from ric0_trio.access.rules import (
    Decision,
    Facts,
    Mode,
    Policy,
    Rule,
    WhenExceeded,
    decide,
    find_client_rule,
    needs_token,
)
from ric0_trio.protocol import Admitted, Refused, Status
from tests.access.rule_cases import (
    CHECKS,
    ENDS,
    SECRET,
    TICK,
    VERSIONS,
    Situation,
    Span,
    is_banned,
    make_ban,
    make_token,
    situations,
    spans,
    version_at,
)
from tests.access.stage import ADMITTED, DAY, NOW, Visitor

ALLOW, DENY = Ruling
EVERYTHING_WRONG = Situation(default=DENY, ban=make_ban(), live=9, policy=Policy(Mode.MEMBERS, 1))


@given(situations)
@example(EVERYTHING_WRONG)
@example(replace(EVERYTHING_WRONG, policy=Policy(Mode.INVITE, 1)))
def test_the_first_check_that_fails_answers(case: Situation) -> None:
    decision = case.decide()
    failed = next((check for check in CHECKS if check.fails(case)), None)
    assert decision.why
    if failed is None:
        assert (decision.verdict, decision.rule) == (ADMITTED, None)
        assert decision.uses_token == case.wants_token
        assert decision.replaces_oldest == case.is_full
    else:
        assert isinstance(decision.verdict, Refused)
        assert (decision.rule, decision.verdict.status) == (failed.rule, failed.status)
        assert (decision.uses_token, decision.replaces_oldest) == (False, False)


def test_each_check_decides_alone_and_before_those_behind_it() -> None:
    """The property above would hold of checks that never meet: here each row is reached, all behind it failing too."""
    cases = [
        EVERYTHING_WRONG,
        replace(EVERYTHING_WRONG, default=ALLOW),
        replace(EVERYTHING_WRONG, default=ALLOW, ban=None),
        Situation(live=9, policy=Policy(Mode.INVITE, 1)),
        Situation(live=9, policy=Policy(Mode.INVITE, 1), brings=True, token=make_token(used=1)),
        Situation(live=9, policy=Policy(Mode.INVITE, 1), brings=True, token=make_token()),
    ]
    verdicts = [case.decide().verdict for case in cases]
    assert [isinstance(verdict, Refused) and verdict.status for verdict in verdicts] == [c.status for c in CHECKS]


# Tokens


@given(situations)
def test_a_token_that_is_not_needed_changes_nothing(case: Situation) -> None:
    assert needs_token(case.policy, is_member=case.is_member) == case.wants_token
    if not case.wants_token:
        assert case.decide() == case.without_token().decide()


@pytest.mark.parametrize(
    ("token", "state"),
    [
        (make_token(), "valid"),
        (make_token(uses=3, used=2), "valid"),
        (make_token(uses=3, used=3), "used up"),
        (make_token(expires=NOW + TICK), "valid"),
        (make_token(expires=NOW), "expired"),
        (make_token(expires=NOW - TICK), "expired"),
        (make_token(revoked=NOW - DAY), "revoked"),
        (make_token(used=1, expires=NOW - DAY), "used up"),
        (make_token(used=1, expires=NOW - DAY, revoked=NOW), "revoked"),
        (None, "unknown"),
    ],
)
def test_states_of_a_token(token: Token | None, state: str) -> None:
    decision = Situation(brings=True, token=token, policy=Policy(Mode.INVITE)).decide()
    assert token is None or token.state(NOW) == state
    if state == "valid":
        assert decision.verdict == ADMITTED
        assert decision.uses_token
    else:
        assert decision.verdict == Refused(Status.INVALID_JOIN_TOKEN)  # one answer for all; the operator knows more
        assert state in decision.why


def test_no_secret_stands_in_a_repr() -> None:
    guest = Visitor(1).guest
    for holder in (guest.request(SECRET), Candidate(guest, SECRET)):
        assert SECRET not in repr(holder)


# Bans


@pytest.mark.parametrize("until", ENDS)
@pytest.mark.parametrize(
    ("reason", "is_silent", "told"),
    [("spam", False, "spam"), ("spam", True, None), ("", False, None), ("", True, None)],
)
def test_a_ban_holds_until_its_end_and_tells_what_it_may(
    until: datetime | None, reason: str, is_silent: bool, told: str | None
) -> None:
    case = Situation(ban=make_ban(until, reason, is_silent=is_silent), is_member=True)
    if is_banned(case):
        assert case.decide().verdict == Refused(Status.DISALLOWED_USER, told)
        assert reason in case.decide().why
    else:
        assert case.decide().verdict == ADMITTED


def test_a_ban_until_now_has_ended() -> None:
    assert make_ban(NOW + TICK).holds(NOW)
    assert not make_ban(NOW).holds(NOW)


# Connections


@pytest.mark.parametrize(
    ("allowed", "live", "when", "status", "replaces"),
    [
        (0, 0, "refuse", None, False),
        (0, 1000, "refuse", None, False),
        (0, 1000, "replace", None, False),
        (1, 0, "refuse", None, False),
        (1, 1, "refuse", Status.ALREADY_CONNECTED, False),
        (1, 0, "replace", None, False),
        (1, 1, "replace", None, True),
        (3, 2, "refuse", None, False),
        (3, 3, "refuse", Status.ALREADY_CONNECTED, False),
        (3, 4, "refuse", Status.ALREADY_CONNECTED, False),
        (3, 2, "replace", None, False),
        (3, 3, "replace", None, True),
        (3, 4, "replace", None, True),
    ],
)
def test_the_bound_on_connections(allowed: int, live: int, when: str, status: Status | None, replaces: bool) -> None:
    decision = Situation(live=live, policy=Policy(Mode.OPEN, allowed, WhenExceeded(when))).decide()
    assert decision.verdict == (Admitted() if status is None else Refused(status))
    assert decision.replaces_oldest == replaces


# Client software


def test_the_newest_rule_that_speaks_of_a_version_decides() -> None:
    old_deny = Span(DENY, None, 5, "too old").rule(1)
    allow = Span(ALLOW, 2, 4).rule(2)
    elsewhere = Span(DENY, 6, None, "too new").rule(3)
    rules = [elsewhere, allow, old_deny]
    found = [find_client_rule(version_at(place), rules, ALLOW) for place in range(len(VERSIONS))]
    assert [ruling for ruling, _, _ in found] == [DENY, DENY, ALLOW, ALLOW, DENY, ALLOW, DENY, DENY]
    assert [reason for _, reason, _ in found] == [
        *["too old"] * 2,
        *[None] * 2,
        "too old",
        None,
        *["too new"] * 2,
    ]
    assert all(why for _, _, why in found)


@pytest.mark.parametrize("default", Ruling)
def test_the_default_decides_about_what_no_rule_speaks_of(default: Ruling) -> None:
    assert find_client_rule(version_at(0), [], default)[:2] == (default, None)
    assert find_client_rule(version_at(0), [Span(DENY, 1, None, "reason").rule()], default)[:2] == (default, None)


@pytest.mark.parametrize("place", range(len(VERSIONS)))
@pytest.mark.parametrize("bound", range(len(VERSIONS)))
def test_a_range_begins_with_its_lower_bound_and_ends_before_its_upper(bound: int, place: int) -> None:
    assert Span(DENY, bound, None).rule().fits(version_at(place)) == (place >= bound)
    assert Span(DENY, None, bound).rule().fits(version_at(place)) == (place < bound)
    assert Span(DENY, None, None).rule().fits(version_at(place))


@given(spans, spans)
def test_a_rule_covers_another_if_it_leaves_nothing_of_it(one: Span, other: Span) -> None:
    versions = range(len(VERSIONS))
    left = [place for place in versions if other.speaks_of(place) and not one.speaks_of(place)]
    if any(other.speaks_of(place) for place in versions):  # a range of nothing is refused where rules are made
        assert one.rule().covers(other.rule()) == (not left)
    assert not one.rule(name="client").covers(other.rule(name="Client"))


# What the operator sees

INVITE = Policy(Mode.INVITE)
TOLD = [
    (Situation(spans=(Span(DENY, None, 5),)), "a rule says: deny 'client', below 1.0.1-dev"),
    (Situation(default=DENY), "no rule speaks of it, and the default is: deny"),
    (Situation(ban=make_ban(NOW + DAY, "spam")), "banned by ann until 2026-01-03 03:04:05Z: spam"),
    (
        Situation(ban=make_ban(None, "", is_silent=True)),
        "banned by ann for good, without telling them why: no reason given",
    ),
    (Situation(policy=Policy(Mode.MEMBERS)), "not a member, and only members may join"),
    (Situation(policy=INVITE), "not a member, and brought no token"),
    (Situation(policy=INVITE, brings=True), "the token is unknown"),
    (Situation(policy=INVITE, brings=True, token=make_token(used=1)), "the token 5 is used up"),
    (Situation(live=9, policy=Policy(Mode.OPEN, 3)), "has 9 connections, and 3 are allowed"),
    (Situation(policy=INVITE, brings=True, token=make_token()), "the token 5 is valid, and makes them a member"),
    (Situation(policy=Policy(Mode.MEMBERS), is_member=True), "a member"),
    (Situation(), "everyone may join"),
]


@pytest.mark.parametrize(("case", "why"), TOLD, ids=[why for _, why in TOLD])
def test_the_operator_is_told_why(case: Situation, why: str) -> None:
    assert case.decide().why == why


def test_the_words_of_the_rules() -> None:
    """They stand in configurations, in the audit and in what `explain` prints."""
    assert [mode.value for mode in Mode] == ["open", "members", "invite"]
    assert [when.value for when in WhenExceeded] == ["refuse", "replace"]
    assert [rule.value for rule in Rule] == ["client software", "ban", "membership", "join token", "connections"]


def test_a_policy_that_says_nothing_lets_everyone_in() -> None:
    assert Policy() == Policy(Mode.OPEN, 0, WhenExceeded.REFUSE)
    assert msgspec.convert({"connections_per_user": 0}, Policy) == Policy()
    with pytest.raises(msgspec.ValidationError, match="connections_per_user"):
        msgspec.convert({"connections_per_user": -1}, Policy)


def test_facts_that_say_nothing_refuse_nobody() -> None:
    assert Facts(now=NOW).live == 0
    request = Visitor(1).guest.request(None)
    for mode, admits in ((Mode.OPEN, True), (Mode.MEMBERS, False), (Mode.INVITE, False)):
        for policy in (Policy(mode), Policy(mode, 1)):
            decision = decide(request, policy, Facts(now=NOW))
            assert isinstance(decision.verdict, Admitted) == admits
            assert not decision.replaces_oldest


@pytest.mark.parametrize("kind", [Policy, Facts, Decision])
def test_nobody_can_change_what_was_decided_by(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_config__.frozen


@pytest.mark.parametrize("kind", [Facts, Decision])
def test_what_has_many_fields_is_made_by_their_names(kind: type[msgspec.Struct]) -> None:
    with pytest.raises(TypeError, match="positional"):
        kind(NOW)


def test_every_check_of_the_table_is_a_rule() -> None:
    assert list(dict.fromkeys(check.rule for check in CHECKS)) == list(Rule)
    assert [check.number for check in CHECKS] == sorted(check.number for check in CHECKS)
