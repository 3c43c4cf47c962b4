"""Situations for the rules, and what the design says of each: a table that shares no code with `decide`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import strategies as st

from ric0_trio.access.records import Ban, ClientRule, JoinRequest, Ruling, Token
from ric0_trio.access.rules import Decision, Facts, Mode, Policy, Rule, WhenExceeded, decide
from ric0_trio.protocol import SoftwareVersion, Status
from tests.access.stage import DAY, NOW, OPEN, OPERATOR, SECOND, app, fingerprint

VERSIONS = ["0.9", "1.0-dev", "1.0-alpha", "1.0-beta", "1.0", "1.0.1-dev", "1.1", "2.0"]
"""Ascending, so that a place in the list says all about the order."""

TICK = timedelta(microseconds=1)
ENDS = [None, NOW - DAY, NOW - TICK, NOW, NOW + TICK, NOW + DAY]
SECRET = "the secret that was brought"  # noqa: S105 - brought nowhere


@dataclass(frozen=True)
class Span:
    """A rule about software, its bounds as places in `VERSIONS`."""

    ruling: Ruling
    begin: int | None
    end: int | None
    reason: str = ""

    def speaks_of(self, version: int) -> bool:
        return (self.begin is None or version >= self.begin) and (self.end is None or version < self.end)

    def rule(self, number: int = 1, name: str = "client") -> ClientRule:
        at_least, below = (None if place is None else version_at(place) for place in (self.begin, self.end))
        return ClientRule(
            id=number,
            name=name,
            ruling=self.ruling,
            at_least=at_least,
            below=below,
            reason=self.reason,
            since=NOW,
            made_by=OPERATOR,
        )


@dataclass(frozen=True)
class Situation:
    """Everything that checks 7 to 11 are about."""

    version: int = 0
    spans: tuple[Span, ...] = ()
    """The oldest first."""
    default: Ruling = Ruling.ALLOW
    ban: Ban | None = None
    is_member: bool = False
    brings: bool = False
    token: Token | None = None
    live: int = 0
    policy: Policy = OPEN

    def decide(self) -> Decision:
        request = JoinRequest(fingerprint(1), app("client", VERSIONS[self.version]), SECRET if self.brings else None)
        rules = [span.rule(number) for number, span in enumerate(self.spans)]
        facts = Facts(
            now=NOW,
            client_rules=rules[::-1],
            client_default=self.default,
            ban=self.ban,
            is_member=self.is_member,
            token=self.token,
            live=self.live,
        )
        return decide(request, self.policy, facts)

    def without_token(self) -> "Situation":
        return replace(self, brings=False, token=None)

    # What the design's words mean here

    @property
    def wants_token(self) -> bool:
        return self.policy.mode == "invite" and not self.is_member

    @property
    def is_full(self) -> bool:
        return self.policy.connections_per_user > 0 and self.live >= self.policy.connections_per_user


def is_denied(case: Situation) -> bool:
    ruling = case.default
    for span in case.spans:
        if span.speaks_of(case.version):
            ruling = span.ruling  # the newer over the older
    return ruling == "deny"


def is_banned(case: Situation) -> bool:
    return case.ban is not None and not (case.ban.until is not None and case.ban.until <= NOW)


def is_bad(token: Token | None) -> bool:
    if token is None or token.revoked is not None:
        return True
    return token.used >= token.uses or (token.expires is not None and token.expires <= NOW)


class Check(NamedTuple):
    """One row of the table in the design (2.5)."""

    number: float
    rule: Rule
    fails: Callable[[Situation], bool]
    status: Status


CHECKS = (
    Check(7, Rule.CLIENT, is_denied, Status.DISALLOWED_CLIENT),
    Check(8, Rule.BAN, is_banned, Status.DISALLOWED_USER),
    Check(
        9,
        Rule.MEMBERSHIP,
        lambda case: case.policy.mode == "members" and not case.is_member,
        Status.UNRECOGNISED_USER,
    ),
    Check(10.1, Rule.TOKEN, lambda case: case.wants_token and not case.brings, Status.JOIN_TOKEN_REQUIRED),
    Check(10.2, Rule.TOKEN, lambda case: case.wants_token and is_bad(case.token), Status.INVALID_JOIN_TOKEN),
    Check(
        11,
        Rule.CONNECTIONS,
        lambda case: case.is_full and case.policy.when_exceeded == "refuse",
        Status.ALREADY_CONNECTED,
    ),
)


# Where situations come from


def version_at(place: int) -> SoftwareVersion:
    return SoftwareVersion.parse(VERSIONS[place])


def make_ban(until: datetime | None = None, reason: str = "spam", *, is_silent: bool = False) -> Ban:
    return Ban(user=fingerprint(1), reason=reason, is_silent=is_silent, since=NOW - DAY, until=until, made_by=OPERATOR)


def make_token(
    uses: int = 1, used: int = 0, *, expires: datetime | None = None, revoked: datetime | None = None
) -> Token:
    return Token(
        id=5,
        note="",
        uses=uses,
        used=used,
        since=NOW - DAY,
        made_by=OPERATOR,
        expires=expires,
        revoked=revoked,
    )


places = st.none() | st.integers(1, len(VERSIONS) - 2)
"""Bounds of spans: there are versions on both sides of each."""
rulings = st.sampled_from(Ruling)
reasons = st.sampled_from(["", "upgrade: https://chat.example/get"])
spans = st.builds(Span, rulings, places, places, reasons)
bans = st.builds(make_ban, st.sampled_from(ENDS), reasons, is_silent=st.booleans())
tokens = st.builds(
    lambda uses, left, expires, revoked: make_token(uses, max(uses - left, 0), expires=expires, revoked=revoked),
    st.integers(1, 3),
    st.integers(0, 3),
    st.sampled_from(ENDS),
    st.none() | st.just(NOW - SECOND),
)
policies = st.builds(Policy, st.sampled_from(Mode), st.integers(0, 3), st.sampled_from(WhenExceeded))
situations = st.builds(
    Situation,
    version=st.integers(0, len(VERSIONS) - 1),
    spans=st.lists(spans, max_size=4).map(tuple),
    default=st.sampled_from([Ruling.ALLOW, Ruling.ALLOW, Ruling.DENY]),
    ban=st.none() | bans,
    is_member=st.booleans(),
    brings=st.booleans(),
    token=st.none() | tokens,
    live=st.integers(0, 5),
    policy=policies,
)
