"""`websockets_asyncio` on uvloop: the same code, another event loop."""

import uvloop

from benchmarks.peers.site import open_site, parse_options
from benchmarks.peers.websockets_asyncio import main

if __name__ == "__main__":
    with open_site(parse_options()) as opened:
        uvloop.run(main(opened))
