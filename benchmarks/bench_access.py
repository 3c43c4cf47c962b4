"""What it costs to read the rules and to let someone in.

Run as `python -m benchmarks.bench_access`: no network, one process, a database in the folder for temporary files. It
times looking a user up here and now against a worker thread, admissions one by one and together, and how both grow
with what is kept. CPU is that of the whole process, its threads included.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import trio

from ric0_trio.access import moments
from ric0_trio.access.audit import AuditBounds
from ric0_trio.access.database import Database
from ric0_trio.access.records import Guest, JoinRequest
from ric0_trio.access.registrar import Candidate, Registrar
from ric0_trio.access.rulebook import Rulebook
from ric0_trio.access.rules import Mode, Policy
from ric0_trio.access.sqlite import open_sqlite_access
from ric0_trio.access.store import AccessStore, Applicant
from ric0_trio.protocol import Admit, Admitted, AppInfo, Fingerprint, PrivateKey, SoftwareVersion, UserIdentity, Verdict

CALLS = 300
POLICY = Policy(Mode.INVITE, 10)
BOUNDS = AuditBounds()
APP = AppInfo(name="bench", version=SoftwareVersion(type="release", major=1, minor=0), capabilities=[], extensions={})


class NoAccess:
    """An `AccessStore` that does nothing."""

    async def admit(self, applicant: Applicant, request: Admit) -> Verdict:
        return Admitted()

    async def release(self, connection_id: str, why: str) -> None:
        pass


def make_user() -> UserIdentity:
    key = PrivateKey.generate().public
    return UserIdentity(name="Ann", type="user", pubkey=key, home_server=key)


USER = make_user()
GUEST = Guest(fingerprint=USER.pubkey.fingerprint, user=USER, client_app=APP, peer="192.0.2.1")
REQUEST = JoinRequest(GUEST.fingerprint, APP)


def fill(database: Database, size: int) -> None:
    """Keep `size` members, bans, tokens and entries of the audit; and one member more, who is let in."""
    others = [f"ed25519:{number:064x}" for number in range(size)]
    with database.transaction() as connection:
        since = moments.to_text(moments.now())
        connection.executemany(
            "INSERT INTO member (user, name, since, made_by) VALUES (?, 'Ann', ?, 'bench')",
            [(user, since) for user in (*others, GUEST.fingerprint)],
        )
        connection.executemany(
            "INSERT INTO ban (user, reason, is_silent, since, made_by) VALUES (?, 'spam', 0, ?, 'bench')",
            [(user.replace("ed", "rsa:ed", 1), since) for user in others],
        )
        connection.executemany(
            "INSERT INTO token (hash, note, uses, since, made_by) VALUES (?, '', 1, ?, 'bench')",
            [(number.to_bytes(32), since) for number in range(size)],
        )
        connection.executemany(
            "INSERT INTO audit (at, topic, event, actor, user) VALUES (?, 'session', 'left', 'server', ?)",
            [(since, user) for user in others[: BOUNDS.max_entries]],
        )


def look_up(database: Database) -> object:
    with database.transaction("read") as connection:
        return Rulebook(connection).gather_facts(REQUEST, POLICY, 0, moments.now())


async def measure(act: Callable[[], Awaitable[object]], calls: int = CALLS) -> tuple[float, float]:
    """The median of the time, and the mean of the CPU time, in µs a call."""
    times, cpu = [], time.process_time()
    for _ in range(calls):
        begun = time.perf_counter()
        await act()
        times.append((time.perf_counter() - begun) * 1e6)
    return statistics.median(times), (time.process_time() - cpu) / calls * 1e6


async def compare_look_ups(database: Database) -> None:
    async def inline() -> None:
        look_up(database)

    async def in_worker() -> None:
        await trio.to_thread.run_sync(look_up, database)

    for name, act in (("here and now", inline), ("in a worker", in_worker)):
        wall, cpu = await measure(act)
        print(f"  a look-up {name:<14} {wall:>7.0f} µs, CPU {cpu:>7.0f} µs")


async def measure_admissions(path: Path) -> None:
    request, number = Admit(USER, APP, None), 0

    async def come(access: AccessStore, together: int) -> None:
        nonlocal number

        async def one(name: str) -> None:
            await access.admit(Applicant(name, "192.0.2.1", lambda kick: None), request)
            await access.release(name, "")

        async with trio.open_nursery() as nursery:
            for _ in range(together):
                number += 1
                nursery.start_soon(one, str(number))

    async with open_sqlite_access(path, Policy(Mode.INVITE), BOUNDS) as access:
        for together in (1, 16, 256):
            _, without = await measure(partial(come, NoAccess(), together), CALLS // 10 + 10)
            wall, cpu = await measure(partial(come, access, together), CALLS // 10 + 10)
            spent = (cpu - without) / together
            print(f"  {together:>3} let in at once     {wall:>7.0f} µs for all, CPU {spent:>7.0f} µs each")


def measure_growth(database: Database) -> None:
    registrar = Registrar(database, POLICY, BOUNDS)
    candidates, live = [Candidate(GUEST, None)] * 64, {Fingerprint(GUEST.fingerprint): 0}
    registrar.admit(candidates, live, [], moments.now())
    begun = time.process_time()
    for _ in range(20):
        registrar.admit(candidates, live, [], moments.now())
    print(
        f"  deciding and writing, in batches of 64   CPU {(time.process_time() - begun) / 20 / 64 * 1e6:>5.0f} µs each"
    )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 1_000, 100_000, 1_000_000])
    sizes = parser.parse_args().sizes
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            print(f"{size:,} members, bans and tokens")
            database = Database(Path(folder) / f"{size}.sqlite3", is_server=True)
            fill(database, size)
            await compare_look_ups(database)
            measure_growth(database)
            database.close()
            await measure_admissions(Path(folder) / f"{size}.sqlite3")


if __name__ == "__main__":
    trio.run(main)
