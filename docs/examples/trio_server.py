"""The core on Trio with the `websockets` library: neither trio-websocket nor this package's own server.

`python docs/examples/trio_server.py` prints where it listens: on this machine alone, for it is plain ws://.
Elsewhere, give `serve` an `ssl` context.
"""

import math
from collections import deque
from functools import partial

import chatroom
import doorkeeper
import trio
from chatroom import now, seconds_left
from websockets.exceptions import ConnectionClosed
from websockets.trio.server import ServerConnection, serve

from ric0_trio import protocol as ric

Verdicts = trio.MemorySendChannel[ric.Verdict]


async def ask(session: ric.ServerSession, user: ric.UserIdentity, verdicts: Verdicts) -> None:
    with trio.CancelScope(shield=True):  # a place that was taken has to be known, to be given back
        verdicts.send_nowait(await trio.to_thread.run_sync(chatroom.admit, session, user))


async def converse(socket: ServerConnection) -> None:
    session = chatroom.begin(socket.subprotocol)
    given, verdicts = trio.open_memory_channel[ric.Verdict](1)
    todo = deque[ric.Effect]()
    try:
        async with trio.open_nursery() as admissions:
            while True:
                left = seconds_left(session)
                with trio.move_on_after(math.inf if left is None else left) as patience:
                    if session.question is None:
                        todo += session.receive(await socket.recv(), now())
                    else:  # nothing is read meanwhile
                        todo += session.answer(await verdicts.receive(), now())
                if patience.cancelled_caught:
                    todo += session.handle_timeout(now())
                while todo:
                    match todo.popleft():
                        case ric.Send(payload):
                            with trio.fail_after(chatroom.SEND_TIMEOUT_S):
                                await socket.send(payload)
                        case ric.Sign() as question:
                            todo += session.answer(question.answer(chatroom.KEY), now())
                        case ric.Verify() as question:
                            todo += session.answer(question.answer(), now())
                        case ric.Admit(user):
                            admissions.start_soon(ask, session, user, given)
                        case ric.Release():
                            chatroom.release(session)
                        case ric.Close(code, reason):
                            with trio.fail_after(chatroom.CLOSE_TIMEOUT_S):
                                return await socket.aclose(code, reason)
    except* ConnectionClosed:
        pass  # the client has left, or broke the rules of WebSockets
    except* trio.TooSlowError:
        await trio.aclose_forcefully(socket.stream)  # the client takes nothing any more, not even a Close
    finally:
        todo += session.connection_lost(now())
        if session.question is not None:
            todo += session.answer(verdicts.receive_nowait(), now())
        if any(isinstance(effect, ric.Release) for effect in todo):
            chatroom.release(session)


async def main() -> None:
    async with trio.open_nursery() as nursery:
        server = await nursery.start(partial(serve, converse, 0, host="127.0.0.1", **doorkeeper.OPTIONS))
        print(f"ws://127.0.0.1:{server.listeners[0].socket.getsockname()[1]}{ric.PATH}", flush=True)


if __name__ == "__main__":
    trio.run(main)
