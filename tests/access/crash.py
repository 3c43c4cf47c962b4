"""`kill -9` at every step that the store takes, again and again on one file, and a look at the file after each.

Run as `python -m tests.access.crash --rounds 500`. Processes serve, or carry out an operator's commands, and are killed
before or after one of their statements, or at any moment. It ends with an error if a token was spent without a member
or the other way round, if it let in more users than it has uses, if the file is damaged, if someone who was told
"admitted" is no member afterwards, or if a command was half done. The file is then kept.

What a killed process wrote is in the system's memory still: this tells nothing of a pulled plug.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from tests.access.crash_checks import Ledger, Look, look
from tests.access.crash_process import Ending, Forker
from tests.access.crash_work import Orders

Work = Literal["serve", "mingle", "operate"]

PATIENCE_S = 60.0
"""No process takes as long, unless it hangs."""
MOMENTS_IN = 8
"""One in so many rounds ends at a moment, and not at a point."""
COMEBACKS = 2
"""Members of earlier rounds that come back in one that ends at a point: their number is part of what is counted."""
MAX_COMEBACKS = 6


class Point(NamedTuple):
    """Where a process is to die: before or after one thing that it asks of SQLite."""

    phase: str
    """`opening` a new file, `reopening` it, `serving`, or `operating`."""
    number: int


NOWHERE = Point("", 0)


class Crashes:
    """Rounds of killing. What is drawn is drawn by `seed`."""

    def __init__(self, folder: Path, forker: Forker, seed: int) -> None:
        self._folder = folder
        self._forker = forker
        self._random = random.Random(seed)  # noqa: S311 - not for secrets
        self._scratch = folder / "scratch"
        self._scratch.mkdir()
        self._life_s = 0.0
        self._spent_before = 0
        self.points: dict[str, int] = {}
        """How many there are in each phase."""
        self.hit: set[Point] = set()
        self.rounds = Counter[str]()
        """By the phase in which somebody died; `moment`, `whole` when nobody did."""
        self.outlived = 0
        """How many moments came when the process had ended by itself."""
        self.files = 0
        self.admitted = 0
        self.unanswered = 0
        self.violations: list[str] = []
        self.path = folder
        """The file that is in use, and what was told of it: `ledger`."""
        self.ledger = Ledger()
        self._seen = Look(problems=[])
        self._start_file()

    @property
    def spent(self) -> int:
        """How many uses of tokens there were."""
        return self._spent_before + self._seen.spent

    def count_points(self) -> None:
        """Let everyone live, and count."""
        runs: tuple[tuple[Work, int], ...] = (("serve", 0), ("serve", COMEBACKS), ("operate", 0), ("mingle", 1))
        endings = []
        for work, comebacks in runs:
            endings.append(self._whole(work, comebacks))
            if self.violations:
                return
        first, again, operator, crowd = endings
        self.points = {
            "opening": first.points["opening"],
            "reopening": again.points["opening"],
            "serving": again.points["serving"],
            "operating": operator.points["operating"],
        }
        self._life_s = crowd.seconds

    def run(self, rounds: int, after_each: Callable[[int], bool] = lambda done: True) -> None:
        """Kill so many; fewer, when `after_each` says so. Nobody, if something is wrong already."""
        if not self.points:
            return
        for done, point in enumerate(plan(self.points, rounds, self._random), start=1):
            if point is None:
                self._die_at_a_moment()
            else:
                self._die_at(point)
            if not after_each(done):
                break
        self._finish_file()

    def _die_at(self, point: Point) -> None:
        if point.phase == "opening":
            if self._seen.has_schema:
                self._finish_file()
                self._start_file()
        elif len(self.ledger.welcome()) < COMEBACKS or not self._seen.victims:
            self._whole("serve")
        work: Work = "operate" if point.phase == "operating" else "serve"
        phase = "opening" if point.phase == "reopening" else point.phase
        ending = self._round(point.phase, work, COMEBACKS, fatal=Point(phase, point.number))
        if ending.died_at:
            self.hit.add(point)

    def _die_at_a_moment(self) -> None:
        lives_s = self._random.uniform(0, 1.2 * self._life_s)
        ending = self._round("moment", "mingle", MAX_COMEBACKS, lives_s=lives_s)
        if ending.exit_code == 0:
            self.outlived += 1
            self._life_s = ending.seconds  # it depends on what else the machine does

    def _whole(self, work: Work, comebacks: int | None = None) -> Ending:
        """Kill nobody. Unless it is said how many, all who were ever let in come back."""
        return self._round("whole", work, comebacks)

    def _round(
        self, kind: str, work: Work, comebacks: int | None, *, fatal: Point = NOWHERE, lives_s: float = PATIENCE_S
    ) -> Ending:
        self.rounds[kind] += 1
        label = f"r{self.rounds.total()}"
        welcome = self.ledger.welcome()
        chosen = welcome if comebacks is None else self._random.sample(welcome, min(comebacks, len(welcome)))
        orders = Orders(
            work=work,
            path=str(self.path),
            label=label,
            returning=chosen,
            victim=self._random.choice(self._seen.victims or [""]),
            lives_s=lives_s,
            fatal_phase=fatal.phase,
            fatal_number=fatal.number,
        )
        ending = self._forker.run(orders)
        problems = [*self._judge_end(kind, ending), *self.ledger.hear(ending.told)]
        if kind == "whole" and work == "serve":
            let_in = {line.split()[1] for line in ending.told if line.startswith("admitted ")}
            problems += [f"a member did not get in again: {name}" for name in chosen if name not in let_in]
        self.admitted += sum(line.startswith("admitted ") for line in ending.told)
        self.unanswered += sum(line.endswith(" unknown_error") for line in ending.told)
        self._seen = look(self.path, self.ledger, self._scratch)
        self.ledger.learn_bans(self._seen.banned)
        problems += self._seen.problems
        if problems:
            where = f"{self.path.name}, {label}, {kind} {fatal.number or ''} {ending.died_at}".rstrip()
            self.violations += [f"{where}: {problem}" for problem in problems]
            self._spent_before += self._seen.spent
            self._start_file()  # or every round from here on would complain of the same
        return ending

    def _judge_end(self, kind: str, ending: Ending) -> list[str]:
        killed = -signal.SIGKILL
        match kind:
            case "whole":
                is_right = ending.exit_code == 0
            case "moment":
                is_right = ending.exit_code in (0, killed)
            case _:
                is_right = ending.exit_code == killed and bool(ending.died_at)
        if is_right:
            return []
        frames = " |+-"  # of a group of exceptions
        errors = [line.strip(frames) for line in self._forker.errors.read_text().splitlines()]
        return [": ".join([f"it should not have ended with {ending.exit_code}", *list(filter(None, errors))[-1:]])]

    def _start_file(self) -> None:
        self.files += 1
        self.path = self._folder / f"access-{self.files}.sqlite3"
        self.ledger = Ledger()
        self._seen = Look(problems=[])

    def _finish_file(self) -> None:
        """See that all who were ever let in are let in without a token."""
        if self.ledger.admissions:
            self._whole("serve")
        self._spent_before += self._seen.spent
        self._seen = Look(problems=[])


def plan(points: Mapping[str, int], rounds: int, choices: random.Random) -> Iterator[Point | None]:
    """Spread rounds over all points, each as often as another, in no order; None is a moment instead of a point."""
    every = [Point(phase, number) for phase, count in points.items() for number in range(1, count + 1)]
    moments = rounds // MOMENTS_IN
    cycles, rest = divmod(rounds - moments, len(every))
    some = [every[int((step + choices.random()) * len(every) / rest)] for step in range(rest)]
    chosen: list[Point | None] = [*every * cycles, *some, *[None] * moments]
    choices.shuffle(chosen)
    yield from chosen


@contextmanager
def crashing(folder: Path, seed: int) -> Iterator[Crashes]:
    """Get ready to kill in an empty folder."""
    with Forker(folder / "errors.txt") as forker:
        crashes = Crashes(folder, forker, seed)
        crashes.count_points()
        yield crashes


def report(crashes: Crashes) -> str:
    """What was done, and what came of it."""
    hit = Counter(point.phase for point in crashes.hit)
    killed = crashes.rounds.total() - crashes.rounds["whole"]
    return "\n".join(
        [
            f"{killed} rounds on {crashes.files} files, and {crashes.rounds['whole']} in which nobody was killed",
            *(
                f"  {phase:<10} {crashes.rounds[phase]:5} rounds, {hit[phase]} of {count} points hit"
                for phase, count in crashes.points.items()
            ),
            f"  {'moment':<10} {crashes.rounds['moment']:5} rounds, {crashes.outlived} of which came too late",
            f"{len(crashes.hit)} of {sum(crashes.points.values())} points hit",
            f"{crashes.admitted} times admitted, {crashes.unanswered} times not answered;"
            f" {crashes.spent} uses of tokens",
            *crashes.violations,
            f"{len(crashes.violations)} violations",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after as long")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    seconds: float = options.seconds
    folder = Path(tempfile.mkdtemp(prefix="crash-"))
    started = time.monotonic()

    with crashing(folder, options.seed) as crashes:
        print(f"points: {crashes.points}, {sum(crashes.points.values())} in all")

        def tell(done: int) -> bool:
            if sys.stderr.isatty():
                progress = f"\r{done} of {options.rounds} rounds, {len(crashes.violations)} violations "
                print(progress, end="", file=sys.stderr, flush=True)
            return time.monotonic() - started < seconds

        crashes.run(options.rounds, tell)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(report(crashes))
    print(f"{time.monotonic() - started:.1f} s")
    if crashes.violations:
        sys.exit(f"the files are in {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
