"""This project's server on Trio, with the rules in memory: all that the others have, and the bounds of limits.md."""

import logging
from functools import partial

import structlog
import trio
from prometheus_client import disable_created_metrics

from benchmarks.peers.rules import MemoryAccess
from benchmarks.peers.site import BACKLOG, Site, open_site, parse_options
from benchmarks.peers.stopping import until_told_to_stop
from ric0_trio.server import Adapter, Server, Settings


async def main(site: Site, adapter: Adapter = "direct") -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    disable_created_metrics()  # type: ignore[no-untyped-call]  # as `ric0-trio serve` does
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=BACKLOG)
    server = Server(Settings(site.profile, site.tls, site.limits, adapter=adapter), site.key, MemoryAccess(site.rules))
    site.announce(listeners[0].socket.getsockname()[1])
    await until_told_to_stop(partial(server.serve, listeners))


if __name__ == "__main__":
    with open_site(parse_options()) as opened:
        trio.run(main, opened)
