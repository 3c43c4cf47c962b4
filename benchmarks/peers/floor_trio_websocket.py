"""A floor: trio-websocket alone, answering with canned replies. No bound, no check, no deadline, no session."""

import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket

from benchmarks.peers.canned import Canned
from benchmarks.peers.site import Site, open_site, parse_options
from benchmarks.peers.stopping import until_told_to_stop


async def main(site: Site) -> None:
    canned = Canned(site)

    async def answer(request: WebSocketRequest) -> None:
        websocket = await request.accept(subprotocol=site.codec.subprotocol)
        is_connected = False
        try:
            while True:
                reply, is_connected = canned.answer(await websocket.get_message(), is_connected=is_connected)
                await websocket.send_message(reply)
        except ConnectionClosed:
            pass

    async def serve() -> None:
        async with trio.open_nursery() as nursery:
            server = await nursery.start(serve_websocket, answer, "127.0.0.1", 0, site.tls)
            site.announce(server.port)

    await until_told_to_stop(serve)


if __name__ == "__main__":
    with open_site(parse_options()) as opened:
        trio.run(main, opened)
