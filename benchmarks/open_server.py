"""Our server with a store that keeps nothing and lets everyone in: what the database costs is the difference.

Run as `python -m benchmarks.open_server`; it prints its port, and serves until it is killed.
"""

import logging

import structlog
import trio

from benchmarks.bench_core import PROFILE, SERVER_KEY
from ric0_trio.access.store import OpenAccess
from ric0_trio.server import Server, ServerLimits, Settings

LIMITS = ServerLimits(exempt_networks=("127.0.0.0/8",))


async def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    print(listeners[0].socket.getsockname()[1], flush=True)
    await Server(Settings(PROFILE, None, LIMITS), SERVER_KEY, OpenAccess()).serve(listeners)


if __name__ == "__main__":
    trio.run(main)
