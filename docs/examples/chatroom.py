"""What the examples here serve, whatever runs them: an identity, bounds, encodings, a clock, and who may join.

`asyncio_server.py`, `asgi_server.py`, `threads_server.py` and `trio_server.py` put it on the network.
"""

import threading
import time
from collections.abc import Sequence
from typing import Final

from ric0_trio import protocol as ric

KEY: Final = ric.PrivateKey.generate()
"""The server's identity. One that is to last is read with `PrivateKey.from_pem`."""
PROFILE: Final = ric.ServerProfile(
    app=ric.AppInfo(name="example", version=ric.SoftwareVersion("release", 1, 0), capabilities=[], extensions={}),
    info=ric.ServerInfo(pubkey=KEY.public, url=f"ws://localhost{ric.PATH}", name="An example"),
)
CODECS: Final = ric.available_codecs()
LIMITS = ric.SessionLimits()

# What a session does not see is bounded by its adapter.
MAX_CONNECTIONS = 500
OPEN_TIMEOUT_S = 10.0
SEND_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 0.5
PING_INTERVAL_S = 25.0
PING_TIMEOUT_S = 10.0

_EPOCH: Final = time.time() - time.monotonic()
_places: Final = dict[ric.ServerSession, ric.UserIdentity]()
_lock: Final = threading.Lock()


def now() -> float:
    """Seconds since the epoch, on a clock that never steps back."""
    return _EPOCH + time.monotonic()


def begin(subprotocol: str | None) -> ric.ServerSession:
    """The session of a connection whose 101 answer has named this subprotocol, or none."""
    (codec,) = (codec for codec in CODECS if codec.subprotocol == (subprotocol or "json"))
    return ric.ServerSession(PROFILE, LIMITS, codec, now())


def seconds_left(session: ric.ServerSession) -> float | None:
    """How long to wait for whatever comes next; None for as long as it takes."""
    return None if session.deadline is None else max(0.0, session.deadline - now())


def refusal(path: str, offered: Sequence[str], connections: int) -> tuple[int, str] | None:
    """The HTTP status and the text for an upgrade that is not welcome; None for one that is."""
    if path != ric.PATH:
        return 404, f"nothing here; the chat is at {ric.PATH}\n"
    if ric.choose_codec(offered, CODECS) is None:
        return 400, "no known subprotocol offered: there are json and bson\n"
    if connections >= MAX_CONNECTIONS:
        return 503, "there is no room\n"
    return None


def choose_subprotocol(offered: Sequence[str]) -> str | None:
    """What the 101 answer names: nothing, if nothing was offered."""
    codec = ric.choose_codec(offered, CODECS)
    return codec.subprotocol if codec is not None and offered else None


def admit(session: ric.ServerSession, user: ric.UserIdentity) -> ric.Verdict:
    """Who may join is yours to decide: here, whoever comes. It may block, in bounded time, and raises nothing."""
    with _lock:
        _places[session] = user
    return ric.Admitted()


def release(session: ric.ServerSession) -> None:
    """Give back the place that `admit` took."""
    with _lock:
        del _places[session]
