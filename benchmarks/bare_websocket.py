"""What trio-websocket costs alone: an echo server without a bound, a check or a deadline. To be measured against.

Run as `python -m benchmarks.bare_websocket`; it prints its port, and serves until it is killed.
"""

import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket


async def echo(request: WebSocketRequest) -> None:
    websocket = await request.accept(subprotocol="json")
    try:
        while True:
            await websocket.send_message(await websocket.get_message())
    except ConnectionClosed:
        pass


async def main() -> None:
    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve_websocket, echo, "127.0.0.1", 0, None)
        print(server.port, flush=True)


if __name__ == "__main__":
    trio.run(main)
