"""What is kept about who may join: plain data. Every moment is a `datetime` in UTC."""

from datetime import datetime
from enum import StrEnum

import msgspec

from ric0_trio.access.moments import Moment, end_in_words
from ric0_trio.protocol import AppInfo, Fingerprint, SoftwareVersion, Status, UserIdentity


class Ruling(StrEnum):
    """What a rule about client software does."""

    ALLOW = "allow"
    DENY = "deny"


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A user who may join in the modes `members` and `invite`."""

    user: Fingerprint
    name: str | None
    """What they last called themselves: a claim. None until they have connected."""
    since: Moment
    made_by: str
    """The operator who added them; or `token`."""
    token: int | None
    """The number of the token that let them in."""
    seen: Moment | None
    """When they were last admitted."""


class Ban(msgspec.Struct, frozen=True, kw_only=True):
    """A user who may not join."""

    user: Fingerprint
    reason: str
    is_silent: bool
    """The user is not told the reason."""
    since: Moment
    until: Moment | None
    """None for good."""
    made_by: str

    def holds(self, now: datetime) -> bool:
        """Tell whether it has not ended yet."""
        return self.until is None or now < self.until

    @property
    def told_reason(self) -> str | None:
        """What the user may know of the reason."""
        return None if self.is_silent or not self.reason else self.reason


class ClientRule(msgspec.Struct, frozen=True, kw_only=True):
    """Allows or denies the versions of one program from `at_least` on and below `below`; None is no bound."""

    id: int
    """The newer of two rules has the larger."""
    name: str
    """The program's name, exactly as it says it."""
    ruling: Ruling
    at_least: SoftwareVersion | None = None
    below: SoftwareVersion | None = None
    reason: str = ""
    since: Moment
    made_by: str

    def fits(self, version: SoftwareVersion) -> bool:
        """Tell whether the rule speaks of this version."""
        is_too_old = self.at_least is not None and version < self.at_least
        return not is_too_old and (self.below is None or version < self.below)

    def covers(self, other: "ClientRule") -> bool:
        """Tell whether it speaks of every version that `other` speaks of."""
        begins_before = self.at_least is None or (other.at_least is not None and self.at_least <= other.at_least)
        ends_after = self.below is None or (other.below is not None and self.below >= other.below)
        return self.name == other.name and begins_before and ends_after

    @property
    def versions(self) -> str:
        """The range in words."""
        bounds = [f"from {self.at_least}"] if self.at_least else []
        bounds += [f"below {self.below}"] if self.below else []
        return " ".join(bounds) or "all versions"


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation. The secret itself is not kept."""

    id: int
    """Its number, which is no secret."""
    note: str
    uses: int
    """How many users it lets in; at least 1."""
    used: int
    since: Moment
    made_by: str
    expires: Moment | None
    revoked: Moment | None

    @property
    def purpose(self) -> str:
        """What it is good for, in words."""
        end = "" if self.expires is None else f", {end_in_words(self.expires)}"
        return f"for {self.uses} user{'' if self.uses == 1 else 's'}{end}"

    def state(self, now: datetime) -> str:
        """Say `valid`, or why it is not."""
        if self.revoked is not None:
            return "revoked"
        if self.used >= self.uses:
            return "used up"
        return "valid" if self.expires is None or now < self.expires else "expired"


class TokenUse(msgspec.Struct, frozen=True, kw_only=True):
    """Who joined with a token, and when."""

    token: int
    user: Fingerprint
    name: str
    at: Moment


class Topic(StrEnum):
    """What an entry of the audit is about. Each has a bound of its own, so that none can push out another."""

    CHANGE = "change"
    """An operator changed a rule, or put someone out."""
    SESSION = "session"
    """A user came or went."""
    REFUSAL = "refusal"
    """A user was refused."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: who, when, from where, and why."""

    at: Moment
    topic: Topic
    event: str
    """A short fixed name, such as `admitted` or `token.created`."""
    actor: str
    """Who did it: the operator's account; or `server`."""
    user: Fingerprint | None = None
    """Whom it is about."""
    name: str | None = None
    """What that user calls themselves."""
    client: str | None = None
    """Their program and its version."""
    peer: str | None = None
    """Their address."""
    status: str | None = None
    """What `connect` was answered."""
    detail: str | None = None
    """Why, or what exactly."""


class JoinRequest(msgspec.Struct, frozen=True):
    """Who wants to join, with what."""

    user: Fingerprint
    client_app: AppInfo
    join_token: str | None = None

    def __repr__(self) -> str:  # a token must not reach a log
        return f"JoinRequest(user={self.user!r}, client_app={self.client_app!r}, …)"


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who has proved who they are."""

    fingerprint: Fingerprint
    user: UserIdentity
    client_app: AppInfo
    peer: str

    @property
    def client(self) -> str:
        """Their program and its version, in words."""
        return f"{self.client_app.name} {self.client_app.version}"

    def request(self, join_token: str | None) -> JoinRequest:
        """What the rules are asked about them."""
        return JoinRequest(self.fingerprint, self.client_app, join_token)

    def entry(self, at: datetime, event: str, *, refusal: Status | None = None, detail: str | None) -> Entry:
        """Tell what happened to them, for the audit."""
        return Entry(
            at=at,
            topic=Topic.SESSION if refusal is None else Topic.REFUSAL,
            event=event,
            actor="server",
            user=self.fingerprint,
            name=self.user.name,
            client=self.client,
            peer=self.peer,
            status=refusal,
            detail=detail,
        )
