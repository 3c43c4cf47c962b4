"""One connection at a server that does as it likes: how each ending is counted."""

import socket
from collections.abc import Sequence

import pytest

from ric0_trio.load import connection as connections
from ric0_trio.load.connection import Connection
from ric0_trio.load.loop import Loop, clock
from ric0_trio.load.people import Phrasebook, Script
from ric0_trio.load.streams import Target
from ric0_trio.protocol import PrivateKey
from tests.load.hostile_server import PATIENCE_S, UPGRADED, answering, closing, reply, text
from tests.load.test_verdict import PLAN

SUCCESS = reply("success")
GOOD = [UPGRADED, SUCCESS, SUCCESS, SUCCESS, closing(1000)]
NEWS = text('{"type": "message", "name": "news"}')
PING = b"\x89\x02hi"


class Watching:
    """Runs one session, and remembers how it ended."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.ended: list[str | None] = []
        self.pings = 0

    def run(self, place: tuple[str, int]) -> str | None:
        book = Phrasebook(PLAN, PrivateKey.generate().public)
        target = Target(socket.AF_INET, place, "127.0.0.1", None, resumes=False)
        one = Connection(self.loop, target, session(book), self, clock())
        one.begin()
        assert not self.loop.run_until(clock() + PATIENCE_S), "it never ended"
        self.pings = one.pings
        (kind,) = self.ended
        return kind

    def on_parked(self, connection: Connection) -> None:
        raise AssertionError("nothing parks here")

    def on_ended(self, connection: Connection, kind: str | None) -> None:
        self.ended.append(kind)
        self.loop.stop()


def session(book: Phrasebook) -> Script:
    user = book.user(0)
    yield from book.enter(user)
    yield from book.leave()


ENDINGS: dict[str, tuple[Sequence[bytes | Sequence[bytes]], str | None]] = {
    "as it should be": (GOOD, None),
    "byte by byte": ([[bytes([byte]) for byte in answer] for answer in GOOD], None),
    "with a message between": ([UPGRADED, [NEWS, SUCCESS], NEWS + SUCCESS, SUCCESS, closing(1000)], None),
    "with a message at the end": ([*GOOD[:-1], [NEWS, NEWS + closing(1000)]], None),
    "no Close frame": (GOOD[:-1], "closed_1006"),
    "cut off at once": ([], "closed_1006"),
    "cut off in the middle of a reply": ([UPGRADED, SUCCESS[:5]], "closed_1006"),
    "busy": ([b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\r\n"], "http_503"),
    "no HTTP": ([b"220 mail.example ESMTP\r\n\r\n"], "no_http"),
    "a head without end": ([b"HTTP/1.1 101 " + b"x" * 20_000], "no_http"),
    "closed for policy": ([UPGRADED, SUCCESS, closing(1008)], "closed_1008"),
    "closed without a code": ([UPGRADED, b"\x88\x00"], "closed_1005"),
    "refused": ([UPGRADED, SUCCESS, reply("disallowed_user")], "status_disallowed_user"),
    "in fragments": ([UPGRADED, b"\x01\x02hi"], "bad_frame"),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_how_it_ended(ending: str) -> None:
    replies, kind = ENDINGS[ending]
    with answering(replies) as place:
        assert Watching().run(place) == kind


def test_pings_are_answered_and_counted() -> None:
    # The pong is what the server waits for before it sends the next thing.
    watching = Watching()
    with answering([UPGRADED, PING, SUCCESS, SUCCESS, SUCCESS, closing(1000)]) as place:
        assert watching.run(place) is None
    assert watching.pings == 1


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = listener.getsockname()
    assert Watching().run(place) == "refused"


def test_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REPLY_TIMEOUT_S", 0.0)
    with answering([UPGRADED, b""]) as place, socket.create_connection(place):
        assert Watching().run(place) == "timeout"
