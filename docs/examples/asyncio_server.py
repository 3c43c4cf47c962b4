"""The core under asyncio, with the `websockets` library. docs/embedding.md goes through it piece by piece.

`python docs/examples/asyncio_server.py` prints where it listens: on this machine alone, for it is plain ws://.
Elsewhere, give `serve` an `ssl` context.
"""

import asyncio
from collections import deque

import chatroom
import doorkeeper
from chatroom import now, seconds_left
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ric0_trio import protocol as ric


async def converse(socket: ServerConnection) -> None:
    session = chatroom.begin(socket.subprotocol)
    admission: asyncio.Task[ric.Verdict] | None = None
    todo = deque[ric.Effect]()
    try:
        while True:
            try:
                async with asyncio.timeout(seconds_left(session)):
                    if admission is None:
                        todo += session.receive(await socket.recv(), now())
                    else:  # nothing is read meanwhile, and the verdict is wanted even if it comes too late
                        todo += session.answer(await asyncio.shield(admission), now())
                        admission = None
            except TimeoutError:
                todo += session.handle_timeout(now())
            while todo:
                match todo.popleft():
                    case ric.Send(payload):
                        async with asyncio.timeout(chatroom.SEND_TIMEOUT_S):
                            await socket.send(payload)
                    case ric.Sign() as question:  # with an RSA key, better in a thread
                        todo += session.answer(question.answer(chatroom.KEY), now())
                    case ric.Verify() as question:
                        todo += session.answer(question.answer(), now())
                    case ric.Admit(user):
                        admission = asyncio.create_task(asyncio.to_thread(chatroom.admit, session, user))
                    case ric.Release():
                        chatroom.release(session)
                    case ric.Close(code, reason):
                        async with asyncio.timeout(chatroom.CLOSE_TIMEOUT_S):
                            return await socket.close(code, reason)
    except ConnectionClosed:
        pass  # the client has left, or broke the rules of WebSockets
    except TimeoutError:
        socket.transport.abort()  # the client takes nothing any more, not even a Close
    finally:
        todo += session.connection_lost(now())
        if admission is not None:
            todo += session.answer(await admission, now())
        if any(isinstance(effect, ric.Release) for effect in todo):
            chatroom.release(session)


async def main() -> None:
    async with serve(converse, "127.0.0.1", 0, **doorkeeper.OPTIONS) as server:
        print(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}{ric.PATH}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
