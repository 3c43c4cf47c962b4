"""What it costs to write a conversation down: `python -m benchmarks.bench_record`.

No network and no disk, one process. A session takes the same inputs plain and recorded: whole logins with their
questions answered (signatures are made before), and what a connected user asks, which is `connect` once more. Each
figure is the median of its rounds.
"""

import statistics
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime

from ric0_trio.protocol import (
    Admitted,
    AppInfo,
    ChallengeRequest,
    Codec,
    ConnectRequest,
    PrivateKey,
    Request,
    ServerInfo,
    ServerProfile,
    ServerSession,
    SessionLimits,
    SoftwareVersion,
    UserIdentity,
    available_codecs,
)
from ric0_trio.protocol.keys import encode_base64
from ric0_trio.protocol.messages import RequestData
from ric0_trio.transcript import RecordedSession, StandIns

ROUNDS = 400
REQUESTS = 20
NOW = 1_800_000_000.0
KEY, USER = PrivateKey.generate(), PrivateKey.generate()
APP = AppInfo(name="bench", version=SoftwareVersion("release", 1, 0), capabilities=["files"], extensions={})
INFO = ServerInfo(pubkey=KEY.public, url="wss://chat.example/ric0_chat", name="bench")
PROFILE = ServerProfile(app=APP, info=INFO)
LIMITS = SessionLimits(messages_per_s=1e6, messages_burst=1_000_000)
NONCE = bytes(32)
SIGNATURE = KEY.sign(NONCE)

Session = ServerSession | RecordedSession
Begin = Callable[[Codec], Session]


class Nowhere:
    """A sink that counts."""

    written = 0

    def write(self, lines: bytes) -> bool:
        self.written += len(lines)
        return True

    def end(self, cut: str | None) -> None:
        """Nobody asks."""


def begin_plain(codec: Codec) -> Session:
    return ServerSession(PROFILE, LIMITS, codec, NOW)


def begin_recorded(codec: Codec, sink: Nowhere | None = None) -> Session:
    stand_ins = StandIns(bytes(32))
    return RecordedSession(
        PROFILE, LIMITS, codec, NOW, stand_ins=stand_ins, sink=sink or Nowhere(), max_bytes=1_000_000_000
    )


def make_payloads(codec: Codec) -> list[str | bytes]:
    time = datetime(2026, 1, 2, tzinfo=UTC)
    user = UserIdentity(name="Ann", type="user", pubkey=USER.public, home_server=KEY.public)
    proof = encode_base64(USER.sign(bytes(KEY.public)))
    data: tuple[tuple[str, RequestData], ...] = (
        ("challenge", ChallengeRequest(encode_base64(NONCE))),
        ("connect", ConnectRequest(client_app=APP, user=user, challenge=proof, join_token="a" * 32)),
        ("challenge", ChallengeRequest(encode_base64(NONCE))),
    )
    return [codec.encode(Request(time, name, 2 * number, each)) for number, (name, each) in enumerate(data)]


def log_in(session: Session, payloads: list[str | bytes]) -> None:
    session.receive(payloads[0], NOW)
    session.answer(SIGNATURE, NOW)
    session.receive(payloads[1], NOW)
    session.answer(True, NOW)
    session.answer(Admitted(), NOW)


def measure(begin: Begin, codec: Codec) -> tuple[float, float]:
    """Give what a login and a refused `connect` of a connected user take, in µs."""
    payloads = make_payloads(codec)
    logins, requests = [], []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        session = begin(codec)
        log_in(session, payloads)
        session_up = time.perf_counter()
        for _ in range(REQUESTS):
            session.receive(payloads[1], NOW)
        done = time.perf_counter()
        session.connection_lost(NOW)
        logins.append(session_up - begun)
        requests.append((done - session_up) / REQUESTS)
    return statistics.median(logins) * 1e6, statistics.median(requests) * 1e6


def measure_memory(begin: Begin, codec: Codec) -> float:
    """Give what a session of a connected user holds, in KiB."""
    payloads = make_payloads(codec)
    log_in(begin(codec), payloads)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    sessions = []
    for _ in range(100):
        session = begin(codec)
        log_in(session, payloads)
        sessions.append(session)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / len(sessions) / 1024


def main() -> None:
    print(f"{'':<15}{'login':>12}{'a request':>12}{'memory':>12}{'a login on disk':>18}")
    for codec in available_codecs():
        sink = Nowhere()
        log_in(begin_recorded(codec, sink), make_payloads(codec))
        for name, begin, size in (("plain", begin_plain, 0), ("recorded", begin_recorded, sink.written)):
            login_us, request_us = measure(begin, codec)
            memory = f"{measure_memory(begin, codec):.1f} KiB"
            on_disk = f"{size / 1024:.1f} KiB" if size else ""
            title = f"{codec.subprotocol}, {name}"
            print(f"{title:<15}{login_us:>9.1f} µs{request_us:>9.1f} µs{memory:>12}{on_disk:>18}")


if __name__ == "__main__":
    main()
