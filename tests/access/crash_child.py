"""The processes that die in `tests.access.crash`.

Run as a command, it forks one for every line of orders, so that the imports, which take longest, are done once. Each
tells what happens, line by line; the command then tells how it ended, and after how many seconds.
"""

import os
import select
import signal
import sqlite3
import sys
import time
import traceback
from functools import partial
from typing import NoReturn
from unittest import mock

import msgspec
import structlog

from tests.access.crash_points import Points, make_connection_class, say
from tests.access.crash_work import Orders, work


def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    for line in iter(sys.stdin.buffer.readline, b""):
        orders = msgspec.json.decode(line, type=Orders)
        started = time.monotonic()
        alive, life = os.pipe()  # the child keeps `life` open as long as it lives
        child = os.fork()
        if child == 0:
            _live(orders)
        os.close(life)
        if not select.select([alive], [], [], orders.lives_s)[0]:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(alive)
        say(f"ended {os.waitstatus_to_exitcode(status)} {time.monotonic() - started:.6f}")


def _live(orders: Orders) -> NoReturn:
    points = Points(orders.fatal_phase, orders.fatal_number)
    connect = partial(sqlite3.connect, factory=make_connection_class(points))
    code = 1
    try:
        with mock.patch.object(sqlite3, "connect", connect):
            work(orders, points)
        for phase, count in points.counts.items():
            say(f"points {phase} {count}")
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
