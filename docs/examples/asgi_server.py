"""The core as an ASGI application, under uvicorn.

`python docs/examples/asgi_server.py` prints where it listens: on this machine alone, for it is plain ws://.
Elsewhere, give `uvicorn.Config` an `ssl_certfile` and an `ssl_keyfile`, or a proxy that ends TLS.
"""

import asyncio
import socket
from collections import deque

import asgi_doorkeeper
import chatroom
import uvicorn
from asgi_doorkeeper import Event, Receive, Tell, payload_of
from chatroom import now, seconds_left

from ric0_trio import protocol as ric

sessions = set[ric.ServerSession]()


async def app(scope: Event, receive: Receive, send: Tell) -> None:
    refusal = asgi_doorkeeper.check(scope, len(sessions))
    if refusal is not None:
        return await asgi_doorkeeper.refuse(scope, send, *refusal)
    await receive()  # websocket.connect
    subprotocol = chatroom.choose_subprotocol(scope["subprotocols"])
    await send({"type": "websocket.accept", "subprotocol": subprotocol})
    return await converse(chatroom.begin(subprotocol), receive, send)


async def converse(session: ric.ServerSession, receive: Receive, send: Tell) -> None:
    sessions.add(session)
    admission: asyncio.Task[ric.Verdict] | None = None
    todo = deque[ric.Effect]()
    try:
        while True:
            try:
                async with asyncio.timeout(seconds_left(session)):
                    if admission is not None:  # nothing is read meanwhile
                        todo += session.answer(await asyncio.shield(admission), now())
                        admission = None
                    elif (event := await receive())["type"] == "websocket.receive":
                        todo += session.receive(payload_of(event), now())
                    else:
                        break  # websocket.disconnect
            except TimeoutError:
                todo += session.handle_timeout(now())
            while todo:
                match todo.popleft():
                    case ric.Send(payload):
                        kind = "text" if isinstance(payload, str) else "bytes"
                        async with asyncio.timeout(chatroom.SEND_TIMEOUT_S):
                            await send({"type": "websocket.send", kind: payload})
                    case ric.Sign() as question:
                        todo += session.answer(question.answer(chatroom.KEY), now())
                    case ric.Verify() as question:
                        todo += session.answer(question.answer(), now())
                    case ric.Admit(user):
                        admission = asyncio.create_task(asyncio.to_thread(chatroom.admit, session, user))
                    case ric.Release():
                        chatroom.release(session)
                    case ric.Close(code, reason):
                        return await send({"type": "websocket.close", "code": int(code), "reason": reason})
    except OSError:
        pass  # the client is gone, or takes nothing any more
    finally:
        sessions.remove(session)
        todo += session.connection_lost(now())
        if admission is not None:
            todo += session.answer(await admission, now())
        if any(isinstance(effect, ric.Release) for effect in todo):
            chatroom.release(session)


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"ws://127.0.0.1:{listener.getsockname()[1]}{ric.PATH}", flush=True)
    uvicorn.Server(uvicorn.Config(app, **asgi_doorkeeper.OPTIONS)).run([listener])
