"""The operator of a chaos run: makes tokens, bans, adds, denies, puts out, and looks who is on; all by command."""

import json
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import trio

from ric0_trio.protocol import AppInfo, SoftwareVersion
from tests.hostile.chaos_addresses import newcomers_address
from tests.hostile.chaos_checks import find_problems, sum_up
from tests.hostile.chaos_good import Program, Tries
from tests.hostile.chaos_host import Host
from tests.hostile.chaos_ledger import Ledger, Snapshot
from tests.hostile.chaos_people import Fact, Invitation, User, make_key
from tests.independent.operating import Ended
from tests.independent.operating import Operator as Hands

EVERY_S = (0.1, 1.0)
SETTLE_PAUSE_S = 0.5
SETTLE_LOOKS = 40
STOCK = 3
"""How many scarce tokens are to be had."""
FAR = 50_000
"""Numbers of addresses from here on are those of users whom the operator deals with."""


class Operator:
    """Gives one command after the other, whether a server is there or not."""

    def __init__(self, host: Host, ledger: Ledger, tries: Tries, hands: Hands, seed: int) -> None:
        self._host = host
        self._ledger = ledger
        self._tries = tries
        self._hands = hands
        self._random = random.Random(f"{seed} operator")  # noqa: S311 - not for secrets
        self.one_at_a_time = trio.Lock()
        """Hold it, and no command is given meanwhile."""
        self._number = 0

    async def go_on(self, victims: Sequence[User], nursery: trio.Nursery) -> None:
        """Change things until cancelled; those who are invited come in `nursery`."""
        chores: Sequence[Callable[[], Awaitable[None]]] = (
            partial(self._ban_or_unban, victims),
            partial(self._add, nursery),
            partial(self._deny, nursery),
            self._kick,
            self._revoke,
        )
        while True:
            scarce = [each for each in self._ledger.invitations if each.is_scarce and each.is_open]
            if len(scarce) < STOCK:
                await self.invite(self._random.randrange(2, 6), is_scarce=True)
            await self._random.choice(chores)()
            await self._look()
            await trio.sleep(self._random.uniform(*EVERY_S))

    async def invite(self, uses: int, *, count: int = 1, is_scarce: bool = False) -> list[Invitation]:
        """Make tokens."""
        ended = await self._give("token", "create", "--uses", str(uses), "--count", str(count), "--json")
        if ended is None:
            return []
        made = [Invitation(told["id"], told["token"], uses, is_scarce) for told in json.loads(ended.out)]
        self._ledger.invitations += made
        return made

    async def check_store(self, name: str, *, is_final: bool = False) -> None:
        """Hold a copy of all that is kept against what is known; and have the command look for damage."""
        copy = self._host.folder / name
        async with self.one_at_a_time:
            told = sum_up(self._ledger, trio.current_time())
            await self._run("backup", str(copy))
        for problem in await trio.to_thread.run_sync(lambda: list(find_problems(copy, told, is_final=is_final))):
            self._ledger.complain(problem)
        await self._give("check")

    async def check_nobody_is_on(self) -> None:
        """Everyone has gone: wait until the server has heard of it."""
        for _ in range(SETTLE_LOOKS):
            ended = await self._give("who", "--json")
            if ended is None or not json.loads(ended.out):
                return
            await trio.sleep(SETTLE_PAUSE_S)
        self._ledger.complain("places are left when everyone is gone")

    async def _ban_or_unban(self, victims: Sequence[User]) -> None:
        victim = self._random.choice(victims)
        is_banned = victim.is_banned.known
        victim.is_banned.begin()
        if is_banned:
            ended = await self._give("user", "unban", victim.fingerprint)
        else:
            ended = await self._give("user", "ban", victim.fingerprint, "--reason", "chaos")
        if ended is not None:
            victim.is_banned.settle(not is_banned)

    async def _add(self, nursery: trio.Nursery) -> None:
        """Add somebody, who comes, and is then removed or not."""
        user = self._make("added")
        user.is_added.begin()
        if await self._give("user", "add", user.fingerprint) is None:
            return
        user.is_added.settle(True)
        nursery.start_soon(self._come_and_be_removed, user, self._random.random() < 0.5, f"{self._random.random()}")

    async def _come_and_be_removed(self, user: User, is_removed: bool, seed: str) -> None:
        program = Program(self._host, self._ledger, self._tries, user, self._next_address(), seed)
        await program.visit_from_there()
        user.wants_in_since = float("inf")
        if is_removed:
            user.is_added.begin()
            if await self._give("user", "remove", user.fingerprint) is not None:
                user.is_added.settle(False)
                await program.visit_from_there(most_tries=2)

    async def _deny(self, nursery: trio.Nursery) -> None:
        """Deny a program, one of whose users comes before and after."""
        name = f"OldApp {self._number}"
        app = AppInfo(name=name, version=SoftwareVersion("release", 1, 0), capabilities=[], extensions={})
        fact = self._ledger.denied[name] = Fact()
        user = self._make("of an old program", app)
        fact.begin()
        if await self._give("client", "deny", name, "--below", "2.0.0", "--reason", "too old") is not None:
            fact.settle(True)
            program = Program(self._host, self._ledger, self._tries, user, self._next_address(), name)
            nursery.start_soon(program.visit_from_there, 2)

    async def _kick(self) -> None:
        on = [user for user in self._ledger.users.values() if user.is_about and user.admissions]
        if on and self._host.is_up:
            user = self._random.choice(on)
            user.was_kicked = True
            await self._give("kick", user.fingerprint, may_fail=True)

    async def _revoke(self) -> None:
        scarce = [each for each in self._ledger.invitations if each.is_scarce and each.is_open]
        if scarce and self._random.random() < 0.3:
            invitation = self._random.choice(scarce)
            invitation.is_revoked.begin()
            if await self._give("token", "revoke", str(invitation.number)) is not None:
                invitation.is_revoked.settle(True)

    async def _look(self) -> None:
        """See who is on."""
        life, asked_at = self._host.life, trio.current_time()
        ended = await self._give("who", "--json", may_fail=True)
        if ended is None or life is not self._host.life or life.is_over:
            return
        users = [each["user"] for each in json.loads(ended.out)]
        self._ledger.take_snapshot(Snapshot(life, asked_at, trio.current_time(), frozenset(users)), users)

    async def _give(self, *words: str, may_fail: bool = False) -> Ended | None:
        """Give a command, and return how it ended; None when that was badly.

        One that is kept but could not be told to a server that died just then is no failure.
        """
        async with self.one_at_a_time:
            return await self._run(*words, may_fail=may_fail)

    async def _run(self, *words: str, may_fail: bool = False) -> Ended | None:
        life, was_up = self._host.life, self._host.is_up
        all_words = [*words, "--data-dir", str(self._host.data)]
        ended = await trio.to_thread.run_sync(self._hands, all_words)
        self._ledger.counts["commands"] += 1
        if ended.code == 0 or "the change is kept, but" in ended.err:
            return ended
        has_died = not was_up or life.is_over or life is not self._host.life
        if not may_fail and not has_died:
            self._ledger.complain("a command failed", f"{' '.join(words[:2])}: {ended.code} {ended.err[-300:]}")
        return None

    def _make(self, what: str, app: AppInfo | None = None) -> User:
        self._number += 1
        user = User(make_key(self._random), f"{what} {self._number}")
        if app is not None:
            user.app = app
        return self._ledger.enrol(user)

    def _next_address(self) -> str:
        self._number += 1
        return newcomers_address(FAR + self._number)
