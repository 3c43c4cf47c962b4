"""Who may join, kept in memory: the same work for every peer, and none of the disk's."""

from typing import Final

from ric0_trio.access import moments
from ric0_trio.access.records import Ban, ClientRule, JoinRequest, Member, Ruling
from ric0_trio.access.rules import Facts, Policy, decide
from ric0_trio.access.store import Applicant, ImmediateAccess
from ric0_trio.protocol import Admit, Admitted, Fingerprint, SoftwareVersion, Verdict

KEPT: Final = 1_000
"""How many members and bans there are, none of them of those who come."""


class MemoryRules:
    """Asks the real rules (`access/rules.py`), of facts that are looked up in dicts."""

    def __init__(self) -> None:
        now = moments.now()
        others = [Fingerprint(f"ed25519:{number:064x}") for number in range(2 * KEPT)]
        self._members = {
            user: Member(user=user, name="Ann", since=now, made_by="bench", token=None, seen=None)
            for user in others[:KEPT]
        }
        self._bans = {
            user: Ban(user=user, reason="spam", is_silent=False, since=now, until=None, made_by="bench")
            for user in others[KEPT:]
        }
        old = SoftwareVersion("release", 1, 0)
        rule = ClientRule(id=1, name="old client", ruling=Ruling.DENY, below=old, since=now, made_by="bench")
        self._client_rules = {rule.name: [rule]}
        self._policy = Policy()
        self._live: dict[Fingerprint, int] = {}
        self._places: dict[str, Fingerprint] = {}

    def admit(self, connection_id: str, question: Admit) -> Verdict:
        """Decide, and take a place if they may join."""
        user = question.user.pubkey.fingerprint
        facts = Facts(
            now=moments.now(),
            client_rules=self._client_rules.get(question.client_app.name, ()),
            ban=self._bans.get(user),
            is_member=user in self._members,
            live=self._live.get(user, 0),
        )
        verdict = decide(JoinRequest(user, question.client_app, question.join_token), self._policy, facts).verdict
        if isinstance(verdict, Admitted):
            self._live[user] = facts.live + 1
            self._places[connection_id] = user
        return verdict

    def release(self, connection_id: str) -> None:
        """Give back the place that the connection took."""
        user = self._places.pop(connection_id)
        left = self._live.pop(user) - 1
        if left:
            self._live[user] = left


class MemoryAccess(ImmediateAccess):
    """The same for our server."""

    def __init__(self, rules: MemoryRules) -> None:
        self._rules = rules

    def admit_now(self, applicant: Applicant, request: Admit) -> Verdict:
        """Decide, and take a place if they may join."""
        return self._rules.admit(applicant.connection_id, request)

    def release_now(self, connection_id: str, why: str) -> None:
        """Give back the place that the connection took."""
        self._rules.release(connection_id)
