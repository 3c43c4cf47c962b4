"""What a chaos run was like, for people."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.hostile.chaos import Chaos


def report(chaos: "Chaos") -> str:
    """Say what was done, and what came of it."""
    ledger, deeds, watch, lives = chaos.ledger, chaos.deeds, chaos.watch, chaos.host.lives
    used = [each for life in lives for each in life.used]
    idle, settled = watch.idle, watch.settled
    most_descriptors = max((each.descriptors for each in used), default=0)
    most_mib = max((each.mib for each in used), default=0)
    back = [f"{watch.all_back_s[life]:.1f}" if life in watch.all_back_s else "-" for life in lives]
    how = Counter(life.how for life in lives)
    lines = [
        f"seed {chaos.seed}: {chaos.good} users who behave well, {chaos.bad} attackers",
        f"{len(lives)} servers, {how['killed']} of them killed; after so many s everyone was in: {', '.join(back)}",
        f"{ledger.counts['success']} logins, {ledger.counts['joined']} of them with a token, the slowest after"
        f" {ledger.slowest_login_s:.1f} s; {chaos.tries.rate:.1%} of {chaos.tries.number} tries served",
        f"  {_list(ledger.counts)}",
        f"{deeds.begun.total()} attacks, {deeds.landed.total()} of which came as far as to do harm",
        f"  {_list(deeds.landed)}",
        f"limits reached: {_list(chaos.host.count_limits())}",
        f"descriptors: {idle.descriptors if idle else '?'} at first, {most_descriptors} at most,"
        f" {settled.descriptors if settled else '?'} at the end",
        f"memory: {idle.mib if idle else 0:.0f} MiB at first, {most_mib:.0f} at most,"
        f" {settled.mib if settled else 0:.0f} at the end",
        f"processor time of the servers: {sum(life.used[-1].cpu_s for life in lives if life.used):.0f} s",
        *chaos.violations,
        f"{len(chaos.violations)} violations",
    ]
    return "\n".join(lines)


def _list(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
