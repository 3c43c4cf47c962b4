"""Users who behave well and attackers around one server, which is killed in the middle of it all, again and again.

Run as `python -m tests.hostile.chaos --seconds 600 --seed 1`. It starts `ric0-trio serve` with TLS on a data directory,
in mode `invite` and with one connection a user. All bounds per address are on: each who behaves well has an address of
127.1.0.0/16, attackers share a few of 127.2.0.0/16. It ends with an error when someone was let in who should not have
been, or twice; when someone who behaves well does not get back in; when what was told is not in the store; when the
log has a traceback; or when the server holds too much. The files are then kept.

A seed repeats what everyone wants to do; what becomes of it depends on the machine as well.
"""

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import trio

from tests.hostile.chaos_addresses import FromOwnAddress
from tests.hostile.chaos_bad import Deeds, make_attackers
from tests.hostile.chaos_good import Newcomers, Program, Tries, make_regulars
from tests.hostile.chaos_host import Host, HostError
from tests.hostile.chaos_ledger import Ledger
from tests.hostile.chaos_operator import Operator
from tests.hostile.chaos_people import User
from tests.hostile.chaos_report import report
from tests.hostile.chaos_watch import Watch
from tests.independent.operating import Operator as Hands
from tests.independent.operating import standing_by

JOIN_PATIENCE_S = 3.0
DOWN_S = (0.0, 1.0)
A_TOKEN_FOR = 10


class Ending(NamedTuple):
    """When and how a server is made to end; `on an answer` kills it as soon as somebody hears that they have joined."""

    at_s: float
    how: str


class Chaos:
    """One run."""

    def __init__(self, host: Host, seed: int, good: int, bad: int) -> None:
        self.host = host
        self.seed = seed
        self.good = good
        self.bad = bad
        self.ledger = Ledger(host)
        self.tries = Tries()
        self.deeds = Deeds(Counter(), Counter())
        self.watch = Watch(host, self.ledger)
        self._random = random.Random(f"{seed} endings")  # noqa: S311 - not for secrets

    @property
    def violations(self) -> list[str]:
        return self.ledger.violations

    async def run(self, hands: Hands, endings: Sequence[Ending], seconds: float) -> None:
        """Go through it all; what did not hold is in `violations`."""
        trio.socket.set_custom_socket_factory(FromOwnAddress())
        operator = Operator(self.host, self.ledger, self.tries, hands, self.seed)
        try:
            await self.host.start()
            await self._let_loose(operator, endings, seconds)
            await self.watch.settle()
            await operator.check_nobody_is_on()
            await self._stop()
        except HostError as error:
            self.ledger.complain(str(error))
        finally:
            self.host.close()
        for complaint in self.host.find_complaints():
            self.ledger.complain(complaint)
        await operator.check_store("at-the-end.sqlite3", is_final=True)

    async def _let_loose(self, operator: Operator, endings: Sequence[Ending], seconds: float) -> None:
        programs = await self._invite(operator)
        users = list(dict.fromkeys(program.user for program in programs))
        attackers = await operator.invite(max(1, self.bad))
        newcomers = Newcomers(self.host, self.ledger, self.tries, f"{self.seed} newcomers")
        began_at = trio.current_time()
        try:
            async with trio.open_nursery() as nursery:
                for program in programs:
                    nursery.start_soon(program.run)
                for attacker in make_attackers(self.host, self.ledger, self.deeds, attackers[0], self.bad, self.seed):
                    nursery.start_soon(attacker.go_on)
                nursery.start_soon(newcomers.run)
                nursery.start_soon(operator.go_on, _find_victims(users), nursery)
                nursery.start_soon(self.watch.run, users)
                for ending in endings:
                    await trio.sleep_until(began_at + ending.at_s)
                    await self._end_and_begin(ending.how, operator)
                await trio.sleep_until(began_at + seconds)
                await self.watch.wait_until_all_are_back(users)
                nursery.cancel_scope.cancel()
        except* HostError as group:
            raise group.exceptions[0] from None

    async def _invite(self, operator: Operator) -> list[Program]:
        count = max(1, self.good // A_TOKEN_FOR)
        invitations = await operator.invite(-(-self.good // count), count=count)
        return make_regulars(self.host, self.ledger, self.tries, invitations, self.good, self.seed)

    async def _end_and_begin(self, how: str, operator: Operator) -> None:
        if how == "stop":
            await self._stop()
            await self._begin()
        elif how == "on an answer":
            async with operator.one_at_a_time:  # nobody mends the file before the next server opens it
                await self._kill(is_on_an_answer=True)
                await self._begin()
        else:
            await self._kill(is_on_an_answer=False)
            await self._begin()
        await operator.check_store(f"after-{len(self.host.lives) - 1}.sqlite3")

    async def _begin(self) -> None:
        await trio.sleep(self._random.uniform(*DOWN_S))
        await self.host.start()

    async def _stop(self) -> None:
        code = await self.host.stop()
        if code != 0:
            self.ledger.complain("the server did not stop cleanly", f"exit code {code}")

    async def _kill(self, *, is_on_an_answer: bool) -> None:
        killed = trio.Event()

        def kill() -> None:
            self.ledger.when_joined = lambda: None
            self.host.kill()
            killed.set()

        if is_on_an_answer:
            self.ledger.when_joined = kill
            with trio.move_on_after(JOIN_PATIENCE_S):
                await killed.wait()
        if not killed.is_set():
            kill()


def plan(seconds: float, number: int, seed: int) -> list[Ending]:
    """Spread endings over a run: one in four is a stop, and one in four kills is followed by another at once."""
    source = random.Random(f"{seed} plan")  # noqa: S311 - not for secrets
    endings = []
    share = seconds / (number + 0.5)  # the last server lives longer
    for each in range(number):
        at_s = share * (each + source.uniform(0.3, 0.8))
        how = "stop" if each % 4 == 3 else ("on an answer", "at any moment")[each % 2]
        endings.append(Ending(at_s, how))
        if each % 4 == 1:
            endings.append(Ending(at_s + source.uniform(0, 3), "at any moment"))
    return endings


def _find_victims(users: Sequence[User]) -> list[User]:
    """Some of the regulars are banned at times."""
    return [user for user in users if user.programs == 1][:: max(2, len(users) // 10)]


def wreak(folder: Path, seconds: float, seed: int, *, good: int, bad: int, endings: Sequence[Ending]) -> Chaos:
    """Do one run in an empty folder."""
    with ExitStack() as stack:
        host = Host(folder)
        stack.callback(host.close)
        hands = stack.enter_context(standing_by(folder))
        chaos = Chaos(host, seed, good, bad)
        trio.run(chaos.run, hands, endings, seconds)
    return chaos


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--good", type=int, default=200, help="users who behave well")
    parser.add_argument("--bad", type=int, default=50, help="attackers")
    parser.add_argument("--endings", type=int, help="how often the server is made to end; once a minute")
    options = parser.parse_args()
    seconds: float = options.seconds
    number = options.endings if options.endings is not None else max(1, round(seconds / 60))
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    endings = plan(seconds, number, options.seed)
    chaos = wreak(folder, seconds, options.seed, good=options.good, bad=options.bad, endings=endings)
    print(report(chaos))  # noqa: T201 - a report, when it is run by hand
    if chaos.violations:
        sys.exit(f"the files are in {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
