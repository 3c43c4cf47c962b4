"""What the sans-IO core costs a message, apart from the signature that goes with it.

Run as `python -m benchmarks.bench_core`: no network, fixed keys and inputs, one process. For each message and
encoding it times `receive`, and `answer` with an answer that was computed before, on fresh sessions in the state that
the message needs; and next to it the bare signature or verification. Each figure is the least of `ROUNDS` rounds:
the round that the rest of the machine disturbed least.
"""

import argparse
import hashlib
import json
import platform
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ric0_trio.protocol import (
    Admitted,
    AppInfo,
    ChallengeRequest,
    Codec,
    ConnectRequest,
    DisconnectRequest,
    PrivateKey,
    Request,
    ServerInfo,
    ServerProfile,
    ServerSession,
    SessionLimits,
    Sign,
    SoftwareVersion,
    UserIdentity,
    Verify,
    available_codecs,
)
from ric0_trio.protocol.keys import encode_base64

ROUNDS = 15
SESSIONS = 400
NOW = 1_700_000_000.0


def seeded_key(seed: str) -> PrivateKey:
    """The same Ed25519 key in every run."""
    raw = hashlib.sha256(seed.encode()).digest()
    private = ed25519.Ed25519PrivateKey.from_private_bytes(raw)
    return PrivateKey.from_pem(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


SERVER_KEY, USER_KEY = seeded_key("server"), seeded_key("user")
VERSION = SoftwareVersion("release", 1, 2, 3)
PROFILE = ServerProfile(
    app=AppInfo(
        name="bench",
        version=VERSION,
        capabilities=["history", "presence", "typing"],
        extensions={"files": [1, 2], "calls": [1]},
    ),
    info=ServerInfo(pubkey=SERVER_KEY.public, url="wss://chat.example/ric0_chat", name="Bench"),
)
USER = UserIdentity(name="Ann Example", type="user", pubkey=USER_KEY.public, home_server=SERVER_KEY.public)
CLIENT_APP = AppInfo(
    name="bench-client", version=VERSION, capabilities=["presence", "typing", "polls"], extensions={"files": [2, 3]}
)
NONCE = hashlib.sha256(b"nonce").digest()
PROOF = USER_KEY.sign(bytes(SERVER_KEY.public))
SIGNATURE = SERVER_KEY.sign(NONCE)
ROOMY = SessionLimits(messages_burst=10_000)


class Payloads:
    """Every message as it comes from the network, in one encoding."""

    def __init__(self, codec: Codec) -> None:
        time_sent = datetime.fromtimestamp(NOW, UTC)
        connect = ConnectRequest(client_app=CLIENT_APP, user=USER, challenge=encode_base64(PROOF))
        self.codec = codec
        self.challenge = codec.encode(Request(time_sent, "challenge", 0, ChallengeRequest(encode_base64(NONCE))))
        self.connect = codec.encode(Request(time_sent, "connect", 2, connect))
        self.disconnect = codec.encode(Request(time_sent, "disconnect", 4, DisconnectRequest("bye")))
        self.unknown = codec.encode(Request(time_sent, "history", 6, DisconnectRequest()))

    def open(self) -> ServerSession:
        return ServerSession(PROFILE, ROOMY, self.codec, NOW)

    def challenged(self) -> ServerSession:
        session = self.open()
        take_challenge(session, self.challenge)
        return session

    def connected(self) -> ServerSession:
        session = self.challenged()
        take_connect(session, self.connect)
        return session


def take_challenge(session: ServerSession, payload: str | bytes) -> None:
    session.receive(payload, NOW)
    session.answer(SIGNATURE, NOW)


def take_connect(session: ServerSession, payload: str | bytes) -> None:
    session.receive(payload, NOW)
    session.answer(True, NOW)
    session.answer(Admitted(), NOW)


def take(session: ServerSession, payload: str | bytes) -> None:
    session.receive(payload, NOW)


def time_on_sessions(
    make: Callable[[], ServerSession], act: Callable[[ServerSession, str | bytes], None], payload: str | bytes
) -> float:
    """Microseconds for one `act`, the sessions made before the clock runs."""
    rounds = []
    for _ in range(ROUNDS):
        sessions = [make() for _ in range(SESSIONS)]
        begun = time.perf_counter()
        for session in sessions:
            act(session, payload)
        rounds.append((time.perf_counter() - begun) / SESSIONS * 1e6)
    return min(rounds)


def time_alone(act: Callable[[], object]) -> float:
    """Microseconds for one `act`."""
    rounds = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(SESSIONS):
            act()
        rounds.append((time.perf_counter() - begun) / SESSIONS * 1e6)
    return min(rounds)


def measure() -> list[tuple[str, str, float]]:
    """Every row: what, in which encoding, microseconds."""
    rows = []
    for codec in available_codecs():
        at = Payloads(codec)
        name = codec.subprotocol
        rows += [
            ("challenge: receive, answer", name, time_on_sessions(at.open, take_challenge, at.challenge)),
            ("connect: receive, two answers", name, time_on_sessions(at.challenged, take_connect, at.connect)),
            ("connect before challenge: refuse", name, time_on_sessions(at.open, take, at.connect)),
            ("connect again: already_connected", name, time_on_sessions(at.connected, take, at.connect)),
            ("disconnect", name, time_on_sessions(at.connected, take, at.disconnect)),
            ("unknown request: invalid_message", name, time_on_sessions(at.connected, take, at.unknown)),
            ("unknown request before auth: close", name, time_on_sessions(at.open, take, at.unknown)),
            ("a new session", name, time_alone(at.open)),
        ]
    rows += [
        ("Ed25519 sign, alone", "-", time_alone(lambda: Sign(NONCE).answer(SERVER_KEY))),
        ("Ed25519 verify, alone", "-", time_alone(Verify(USER_KEY.public, bytes(SERVER_KEY.public), PROOF).answer)),
    ]
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    rows = measure()
    if options.json:
        figures = [{"what": what, "encoding": encoding, "us": round(us, 2)} for what, encoding, us in rows]
        print(json.dumps({"python": platform.python_version(), "rows": figures}))
        return
    print(f"Python {platform.python_version()}, the least of {ROUNDS} rounds of {SESSIONS}\n")
    for what, encoding, us in rows:
        print(f"{what:<36} {encoding:<5} {us:>8.2f} µs")


if __name__ == "__main__":
    main()
