"""The same with the plain adapter: trio-websocket as it comes, in its nursery, with its reader and its channel."""

import trio

from benchmarks.peers.ours import main
from benchmarks.peers.site import open_site, parse_options

if __name__ == "__main__":
    with open_site(parse_options()) as opened:
        trio.run(main, opened, "plain")
