"""What the clients of a chaos run were told, and what they never should have been, found as soon as it is told."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import trio

from ric0_trio.protocol import Fingerprint
from tests.hostile.chaos_host import Host, Life
from tests.hostile.chaos_people import Fact, Invitation, Session, User

BY_THE_STORE = {
    "join_token_required",
    "invalid_join_token",
    "disallowed_user",
    "disallowed_client",
    "already_connected",
}
"""Refusals that the store decides about, and writes down before they are told."""
SHOWN = 25
GHOST_S = 20.0
"""Who is gone has no place any more after as long, on a busy machine."""


@dataclass(frozen=True)
class Snapshot:
    """Who was on, as the server told an operator."""

    life: Life
    asked_at: float
    told_at: float
    users: frozenset[Fingerprint]


@dataclass(eq=False)
class Attempt:
    """A `connect` with a true proof."""

    user: User
    brings_token: bool
    life: Life
    sent_at: float
    status: str | None = None
    session: Session | None = field(default=None, repr=False)


class Ledger:
    """All that was told, of all users."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.users: dict[Fingerprint, User] = {}
        self.invitations: list[Invitation] = []
        self.denied: dict[str, Fact] = {}
        """Names of programs that an operator denies."""
        self.counts: Counter[str] = Counter()
        self.snapshots: list[Snapshot] = []
        self.slowest_login_s = 0.0
        self.when_joined: Callable[[], None] = lambda: None
        """Called at the moment when somebody hears that a token let them in."""
        self._violations: Counter[str] = Counter()

    @property
    def violations(self) -> list[str]:
        """What should not have been, each once."""
        told = [f"{text} ({times} times)" if times > 1 else text for text, times in self._violations.items()]
        more = len(told) - SHOWN
        return told[:SHOWN] + ([f"and {more} more"] if more > 0 else [])

    def complain(self, kind: str, detail: str = "") -> None:
        """Something did not hold."""
        self._violations[f"{kind}: {detail}" if detail else kind] += 1

    def enrol(self, user: User) -> User:
        """Take note of somebody who will ask to be let in."""
        self.users[user.fingerprint] = user
        return user

    @contextmanager
    def asking(self, user: User, *, brings_token: bool = False) -> Iterator[Attempt]:
        """Ask to be let in with a true proof, and set `status` to the answer; it is judged at the end of the block.

        One that gets none is an attempt of which nobody knows what became of it.
        """
        attempt = Attempt(user, brings_token, self._host.life, trio.current_time())
        user.asking += 1
        was_polite, user.left_politely = user.left_politely, False
        if brings_token and user.invitation is not None:
            user.invitation.brought_by.add(user.fingerprint)
        try:
            yield attempt
        finally:
            user.asking -= 1
            user.gone_at = trio.current_time()
            if attempt.status is None:
                user.unanswered += 1
                user.lost_at = user.gone_at
            else:
                self._hear(attempt, attempt.status, was_polite)

    def hear_forged(self, status: str) -> None:
        """Take note of the answer to a proof that was none."""
        if status == "success":
            self.complain("a forged proof was accepted")

    def want_in(self, user: User) -> None:
        """Somebody who behaves well begins to try."""
        user.wants_in_since = min(user.wants_in_since, trio.current_time())

    def waited_s(self, user: User) -> float:
        """How long they have tried in vain, while there was a server that had to let them in."""
        since = max(user.wants_in_since, self._host.life.began_at, user.is_banned.since)
        is_welcome = self._host.is_up and user.is_banned.surely(False)
        return max(0.0, trio.current_time() - since) if is_welcome else 0.0

    def sign(self, session: Session, sent_at: float) -> None:
        """A request that was sent then was answered as it is to a user who is connected."""
        session.sign_at = max(session.sign_at, sent_at)

    def end(self, session: Session, *, politely: bool = False) -> None:
        """A session ends, now: by a goodbye that was answered, or in any other way."""
        user = session.user
        session.ended_at = user.gone_at = trio.current_time()
        user.left_politely = politely
        self._check_alone(session)
        self._check_places(session)

    def take_snapshot(self, snapshot: Snapshot, connections: list[Fingerprint]) -> None:
        """Take note of who is on, and of places that are held twice, or for nobody."""
        self.snapshots.append(snapshot)
        self.counts["snapshots"] += 1
        for fingerprint, times in Counter(connections).items():
            if times > 1:
                self.complain("two places of one user", fingerprint)
            user = self.users.get(fingerprint)
            if user is None:
                self.complain("a place of somebody who never asked", fingerprint)
            elif not user.is_about and snapshot.asked_at - user.gone_at > GHOST_S:
                self.complain("a place of somebody who is long gone", user.name)

    # What is judged

    def _hear(self, attempt: Attempt, status: str, was_polite: bool) -> None:
        user, now = attempt.user, trio.current_time()
        self.counts[status] += 1
        if status in BY_THE_STORE:
            user.refusals += 1
        problem = _find_wrong_refusal(attempt, status, was_polite, self.denied)
        if status == "success":
            problem = _find_wrong_success(attempt, self.denied)
            self._let_in(attempt, now)
        elif status == "unknown_error":  # it may have been kept, and the answer come too late
            user.unanswered += 1
        if problem is not None:
            self.complain(problem, user.name)

    def _let_in(self, attempt: Attempt, now: float) -> None:
        user, invitation = attempt.user, attempt.user.invitation
        user.admissions += 1
        if user.wants_in_since < math.inf and user.programs == 1:
            self.slowest_login_s = max(self.slowest_login_s, self.waited_s(user))
        user.wants_in_since = math.inf
        if user.joined_at == math.inf:
            user.joined_at = now
            if invitation is not None and attempt.brings_token:
                invitation.let_in.add(user.fingerprint)
                self.counts["joined"] += 1
                self.when_joined()
                if len(invitation.let_in) > invitation.uses:
                    self.complain("a token let in more users than it has uses", f"token {invitation.number}")
        attempt.session = Session(user, attempt.life, attempt.sent_at, now, now)
        user.sessions.append(attempt.session)

    def _check_alone(self, session: Session) -> None:
        """No two at once: when each is known to have been on, or one was let in while the other was."""
        for other in session.user.sessions:
            if other is session or other.life is not session.life:
                continue
            both = max(other.since, session.since), min(other.sign_at, session.sign_at)
            inside = other.is_surely_on(session.asked_at, session.since)
            if both[0] < both[1] or inside or session.is_surely_on(other.asked_at, other.since):
                self.complain("two connections of one user at once", session.user.name)

    def _check_places(self, session: Session) -> None:
        for seen in reversed(self.snapshots):
            if seen.told_at < session.since:
                break
            is_on = seen.life is session.life and session.is_surely_on(seen.asked_at, seen.told_at)
            if is_on and session.user.fingerprint not in seen.users:
                self.complain("on, and without a place", session.user.name)


def _find_wrong_success(attempt: Attempt, denied: dict[str, Fact]) -> str | None:
    user, since = attempt.user, attempt.sent_at
    invitation = user.invitation if attempt.brings_token else None
    is_old = user.joined_at <= since or user.unanswered > 0
    if user.is_added.surely(False, since) and (user.invitation is None or not (is_old or attempt.brings_token)):
        return "somebody was let in without a token"
    if invitation is not None and invitation.is_revoked.surely(True, since) and not is_old:
        return "a revoked token let somebody in"
    if user.is_banned.surely(True, since):
        return "a banned user was let in"
    fact = denied.get(user.app.name)
    return "a denied program was let in" if fact is not None and fact.surely(True, since) else None


def _find_wrong_refusal(attempt: Attempt, status: str, was_polite: bool, denied: dict[str, Fact]) -> str | None:
    user, since = attempt.user, attempt.sent_at
    fact = denied.get(user.app.name)
    is_denied = fact is not None and fact.surely(True, since)
    if status in BY_THE_STORE and is_denied and status != "disallowed_client":
        return f"a denied program was answered {status}"
    if status in BY_THE_STORE and not is_denied and user.is_banned.surely(True, since) and status != "disallowed_user":
        return f"a banned user was answered {status}"
    match status:
        case "join_token_required" | "invalid_join_token" | "unrecognised_user" if user.is_surely_member(since):
            return f"a member was refused with {status}"
        case "invalid_join_token" if _has_surely_room(user, since):
            return "a good token was refused"
        case "join_token_required" if attempt.brings_token:
            return "a token that was brought was not seen"
        case "disallowed_user" if user.is_banned.surely(False, since):
            return "refused as banned, and is not"
        case "disallowed_client" if fact is None or fact.surely(False, since):
            return "refused as a denied program, and is none"
        case "already_connected" if was_polite and user.programs == 1 and since - user.lost_at > GHOST_S:
            return "already connected, after a goodbye that was answered"
        case "invalid_challenge" | "invalid_message":
            return f"a true proof was refused with {status}"
    return None


def _has_surely_room(user: User, since: float) -> bool:
    invitation = user.invitation
    if invitation is None or not invitation.is_revoked.surely(False, since):
        return False
    return len(invitation.brought_by - {user.fingerprint}) < invitation.uses
