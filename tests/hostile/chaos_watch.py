"""Looks on during a chaos run: does everyone get in, and does the server hold no more than it needs?"""

from collections.abc import Sequence
from pathlib import Path

import trio

from tests.hostile.chaos_host import Host, Life, Usage, until
from tests.hostile.chaos_ledger import Ledger
from tests.hostile.chaos_people import User

EVERY_S = 0.3
BACK_IN_S = 60.0
"""Everyone who behaves well gets in within as long, attacks or not, on a busy machine."""
SETTLE_S = 20.0
LAG_DESCRIPTORS = 300
"""What the server may hold beyond what its clients do: it hears late that some are gone."""
MOST_MIB = 200.0
"""It has some 60 when it does nothing."""


class Watch:
    """What was seen of the servers."""

    def __init__(self, host: Host, ledger: Ledger) -> None:
        self._host = host
        self._ledger = ledger
        self.idle: Usage | None = None
        """Before anyone came."""
        self.settled: Usage | None = None
        """When everyone was gone."""
        self.all_back_s: dict[Life, float] = {}
        """How long it took until every regular had been let in again."""

    async def run(self, users: Sequence[User]) -> None:
        """Watch until cancelled. Raises `HostError` when the server ends by itself."""
        self.idle = self._host.look()
        while True:
            await trio.sleep(EVERY_S)
            self._host.check_alive()
            self._look_at_server()
            self._look_at_users(users)

    async def wait_until_all_are_back(self, users: Sequence[User]) -> None:
        """Wait until every regular has been in since the last start, for a bounded time."""
        await until(lambda: self._are_back(users), BACK_IN_S, EVERY_S)
        if not self._are_back(users):
            self._ledger.complain(f"not everyone came back within {BACK_IN_S:.0f} s")

    async def settle(self) -> None:
        """Everyone has gone: wait until the server has let go of them."""
        await until(lambda: not self._has_too_much(), SETTLE_S, EVERY_S)
        self._host.check_alive()
        self.settled = self._host.look()
        if self._has_too_much() and self.settled and self.idle:
            detail = f"{self.settled.descriptors}, and {self.idle.descriptors} before"
            self._ledger.complain("descriptors are left when everyone is gone", detail)

    def _has_too_much(self) -> bool:
        used = self._host.look()
        return used is not None and self.idle is not None and used.descriptors > self.idle.descriptors

    def _look_at_server(self) -> None:
        used = self._host.look()
        if used is None or self.idle is None:
            return
        own = len(list(Path("/proc/self/fd").iterdir()))
        if used.descriptors > self.idle.descriptors + own + LAG_DESCRIPTORS:
            self._ledger.complain("too many descriptors", f"{used.descriptors}, while the clients have {own}")
        if used.mib > MOST_MIB:
            self._ledger.complain("too much memory", f"more than {MOST_MIB:.0f} MiB")

    def _look_at_users(self, users: Sequence[User]) -> None:
        for user in self._ledger.users.values():
            if self._ledger.waited_s(user) > BACK_IN_S:
                self._ledger.complain(f"not let in within {BACK_IN_S:.0f} s", user.name)
                user.wants_in_since = trio.current_time()  # said once in so long
        self._are_back(users)

    def _are_back(self, users: Sequence[User]) -> bool:
        life = self._host.life
        are_back = self._host.is_up and all(
            user.is_banned.known is not False or (user.sessions and user.sessions[-1].life is life) for user in users
        )
        if are_back:
            self.all_back_s.setdefault(life, trio.current_time() - life.began_at)
        return are_back
