"""The rules about who may join, asked in their order (docs/access.md). Pure: a request and facts in, a decision out."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from ric0_trio.access.moments import end_in_words
from ric0_trio.access.records import Ban, ClientRule, JoinRequest, Ruling, Token
from ric0_trio.protocol import Admitted, Refused, SoftwareVersion, Status, Verdict


class Mode(StrEnum):
    """Who may join in general."""

    OPEN = "open"
    """Everyone who is not banned."""
    MEMBERS = "members"
    """Members, whom the operator adds."""
    INVITE = "invite"
    """Members, and whoever brings a token, which makes them one."""


class WhenExceeded(StrEnum):
    """What happens when a user has all the connections that are allowed, and wants one more."""

    REFUSE = "refuse"
    REPLACE = "replace"
    """The oldest gives way."""


class Policy(msgspec.Struct, frozen=True):
    """The part of the rules that stands in the configuration."""

    mode: Mode = Mode.OPEN
    connections_per_user: Annotated[int, Meta(ge=0)] = 0
    """0 for no bound."""
    when_exceeded: WhenExceeded = WhenExceeded.REFUSE


class Rule(StrEnum):
    """What is asked, in this order. The first that refuses decides."""

    CLIENT = "client software"
    BAN = "ban"
    MEMBERSHIP = "membership"
    TOKEN = "join token"  # noqa: S105 - a rule's name
    CONNECTIONS = "connections"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when the rules are asked."""

    now: datetime
    client_rules: Sequence[ClientRule] = ()
    """Those for the client's name, the newest first."""
    client_default: Ruling = Ruling.ALLOW
    """What becomes of software that no rule speaks of."""
    ban: Ban | None = None
    is_member: bool = False
    token: Token | None = None
    """The token that the user brought, if there is such a one. It need not be looked up unless `needs_token`."""
    live: int = 0
    """How many connections the user has."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules come to."""

    verdict: Verdict
    rule: Rule | None = None
    """The rule that refused; None with "admitted"."""
    why: str
    """For the operator, not for the user."""
    uses_token: bool = False
    """The token is used, and makes the user a member."""
    replaces_oldest: bool = False
    """The oldest of the user's connections gives way."""


def needs_token(policy: Policy, *, is_member: bool) -> bool:
    """Tell whether a token is looked at: one that is not needed is neither looked at nor used."""
    return policy.mode is Mode.INVITE and not is_member


def decide(request: JoinRequest, policy: Policy, facts: Facts) -> Decision:
    """Answer checks 7 to 11 (docs/protocol.md, "Messages"): total, and the first that refuses decides."""
    return (
        _check_client(request, facts)
        or _check_ban(facts)
        or _check_membership(policy, facts)
        or _check_token(request, policy, facts)
        or _check_connections(policy, facts)
        or _admit(policy, facts)
    )


def _check_client(request: JoinRequest, facts: Facts) -> Decision | None:
    ruling, reason, why = find_client_rule(request.client_app.version, facts.client_rules, facts.client_default)
    if ruling is Ruling.ALLOW:
        return None
    return _refuse(Rule.CLIENT, Status.DISALLOWED_CLIENT, why, reason)


def find_client_rule(
    version: SoftwareVersion, rules: Sequence[ClientRule], default: Ruling
) -> tuple[Ruling, str | None, str]:
    """Find what becomes of a version: the ruling, the reason for the user, and the rule in words."""
    for rule in rules:
        if rule.fits(version):
            return rule.ruling, rule.reason or None, f"a rule says: {rule.ruling} {rule.name!r}, {rule.versions}"
    return default, None, f"no rule speaks of it, and the default is: {default}"


def _check_ban(facts: Facts) -> Decision | None:
    ban = facts.ban
    if ban is None or not ban.holds(facts.now):
        return None
    silently = ", without telling them why" if ban.is_silent else ""
    why = f"banned by {ban.made_by} {end_in_words(ban.until)}{silently}: {ban.reason or 'no reason given'}"
    return _refuse(Rule.BAN, Status.DISALLOWED_USER, why, ban.told_reason)


def _check_membership(policy: Policy, facts: Facts) -> Decision | None:
    if policy.mode is not Mode.MEMBERS or facts.is_member:
        return None
    return _refuse(Rule.MEMBERSHIP, Status.UNRECOGNISED_USER, "not a member, and only members may join")


def _check_token(request: JoinRequest, policy: Policy, facts: Facts) -> Decision | None:
    if not needs_token(policy, is_member=facts.is_member):
        return None
    if request.join_token is None:
        return _refuse(Rule.TOKEN, Status.JOIN_TOKEN_REQUIRED, "not a member, and brought no token")
    state = "unknown" if facts.token is None else facts.token.state(facts.now)
    if state == "valid":
        return None
    which = "" if facts.token is None else f" {facts.token.id}"
    return _refuse(Rule.TOKEN, Status.INVALID_JOIN_TOKEN, f"the token{which} is {state}")


def _check_connections(policy: Policy, facts: Facts) -> Decision | None:
    allowed = policy.connections_per_user
    if allowed == 0 or facts.live < allowed or policy.when_exceeded is WhenExceeded.REPLACE:
        return None
    why = f"has {facts.live} connections, and {allowed} are allowed"
    return _refuse(Rule.CONNECTIONS, Status.ALREADY_CONNECTED, why)


def _admit(policy: Policy, facts: Facts) -> Decision:
    allowed = policy.connections_per_user
    replaces = 0 < allowed <= facts.live
    if needs_token(policy, is_member=facts.is_member) and facts.token is not None:
        why = f"the token {facts.token.id} is valid, and makes them a member"
        return Decision(verdict=Admitted(), why=why, uses_token=True, replaces_oldest=replaces)
    why = "a member" if facts.is_member else "everyone may join"
    return Decision(verdict=Admitted(), why=why, replaces_oldest=replaces)


def _refuse(rule: Rule, status: Status, why: str, reason: str | None = None) -> Decision:
    return Decision(verdict=Refused(status, reason), rule=rule, why=why)
