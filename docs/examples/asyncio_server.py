"""The core under asyncio, with the `websockets` library: a whole server, open to everyone.

Run it as `python docs/examples/asyncio_server.py`; it prints where it listens. Plain ws:// on this machine alone:
for more, give `serve` an `ssl_context`.
"""

import asyncio
import time
from collections import deque
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from ric0_trio import protocol as ric

KEY = ric.PrivateKey.generate()
LIMITS = ric.SessionLimits()
VERSION = ric.SoftwareVersion("release", 1, 0)
PROFILE = ric.ServerProfile(
    app=ric.AppInfo(name="asyncio-example", version=VERSION, capabilities=[], extensions={}),
    info=ric.ServerInfo(pubkey=KEY.public, url="ws://localhost", name="An example"),
)
CODECS = {Subprotocol(codec.subprotocol): codec for codec in ric.available_codecs()}
EPOCH = time.time() - time.monotonic()


def now() -> float:
    return EPOCH + time.monotonic()  # seconds since the epoch that never step back


async def converse(socket: ServerConnection) -> None:
    session = ric.ServerSession(PROFILE, LIMITS, CODECS[socket.subprotocol or Subprotocol("json")], now())
    try:
        while True:
            wait = None if session.deadline is None else max(session.deadline - now(), 0)
            try:
                effects = deque(session.receive(await asyncio.wait_for(socket.recv(), wait), now()))
            except TimeoutError:
                effects = deque(session.handle_timeout(now()))
            while effects:
                match effects.popleft():
                    case ric.Send(payload):
                        await asyncio.wait_for(socket.send(payload), 5)
                    case ric.Sign() as question:
                        effects += session.answer(question.answer(KEY), now())
                    case ric.Verify() as question:
                        effects += session.answer(question.answer(), now())
                    case ric.Admit():  # who may join is yours to decide
                        effects += session.answer(ric.Admitted(), now())
                    case ric.Close(code, reason):
                        return await socket.close(code, reason)
    except (ConnectionClosed, TimeoutError):
        pass
    finally:
        session.connection_lost(now())  # gives `Release` when a place is to be given back


def check_path(socket: ServerConnection, request: Request) -> Response | None:
    return None if request.path == ric.PATH else socket.respond(HTTPStatus.NOT_FOUND, f"the chat is at {ric.PATH}\n")


async def main() -> None:
    async with serve(
        converse,
        "127.0.0.1",
        0,
        subprotocols=list(CODECS),
        process_request=check_path,
        max_size=LIMITS.max_message_bytes,
    ) as server:
        print(f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}{ric.PATH}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
