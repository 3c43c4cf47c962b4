"""Which fault shows which check to be able to fail: `python -m tests.conform.coverage`."""

import sys
from collections.abc import Iterator

from ric0_trio.conform.registry import all_checks
from tests.conform.faults import FAULTS


def rows() -> Iterator[str]:
    for name, check in all_checks().items():
        faults = [fault.name for fault in FAULTS if name in fault.caught_by]
        yield f"{name:15} {check.rule.level:6} {', '.join(faults) or '-'}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{row}\n" for row in rows())
