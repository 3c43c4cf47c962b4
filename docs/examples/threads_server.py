"""The core in threads, with `websockets.sync`: each connection has a thread of its own, which may block.

`python docs/examples/threads_server.py` prints where it listens: on this machine alone, for it is plain ws://.
Elsewhere, give `serve` an `ssl` context.
"""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import chatroom
import doorkeeper
from chatroom import now, seconds_left
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from ric0_trio import protocol as ric

store = ThreadPoolExecutor(4)  # a thread cannot be told to stop waiting for a verdict, unless others fetch it


def converse(socket: ServerConnection) -> None:
    session = chatroom.begin(socket.subprotocol)
    admission: Future[ric.Verdict] | None = None
    todo = deque[ric.Effect]()
    try:
        socket.socket.settimeout(chatroom.SEND_TIMEOUT_S)  # `send` has no time-out of its own
        while True:
            try:
                if admission is None:
                    todo += session.receive(socket.recv(seconds_left(session)), now())
                else:  # nothing is read meanwhile
                    todo += session.answer(admission.result(seconds_left(session)), now())
                    admission = None
            except TimeoutError:
                todo += session.handle_timeout(now())
            while todo:
                match todo.popleft():
                    case ric.Send(payload):
                        socket.send(payload)
                    case ric.Sign() as question:
                        todo += session.answer(question.answer(chatroom.KEY), now())
                    case ric.Verify() as question:
                        todo += session.answer(question.answer(), now())
                    case ric.Admit(user):
                        admission = store.submit(chatroom.admit, session, user)
                    case ric.Release():
                        chatroom.release(session)
                    case ric.Close(code, reason):
                        return socket.close(code, reason)
    except (ConnectionClosed, OSError):
        pass  # the client has left, broke the rules of WebSockets, or takes nothing any more
    finally:
        todo += session.connection_lost(now())
        if admission is not None:
            todo += session.answer(admission.result(), now())
        if any(isinstance(effect, ric.Release) for effect in todo):
            chatroom.release(session)


def main() -> None:
    with serve(converse, "127.0.0.1", 0, **doorkeeper.OPTIONS) as server:
        print(f"ws://127.0.0.1:{server.socket.getsockname()[1]}{ric.PATH}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
