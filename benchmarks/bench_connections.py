"""What a connection costs the server: its CPU time, from accept to close.

Run as `python -m benchmarks.bench_connections` (Linux, as it reads /proc): starts the real command on loopback, in
plain `ws://`, and has a plain blocking client open one connection after another. The server's CPU is steadier than
wall time on a shared machine. Each figure is the median of `ROUNDS` rounds; rows take turns. Measured in the same run
are a bare trio-websocket server (`benchmarks.bare_websocket`), with as many messages of about the same size, and our
server without a database (`benchmarks.open_server`).
"""

import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.bench_core import CLIENT_APP, NONCE, NOW, USER_KEY
from benchmarks.plain_client import Client, Place
from benchmarks.served import LOOPBACK_IS_EXEMPT, cpu_s, running_server
from ric0_trio.protocol import (
    ClientProfile,
    ClientSession,
    Effect,
    JsonCodec,
    PublicKey,
    Send,
    Sign,
    UserIdentity,
    Verify,
)

ROUNDS = 7
CONNECTIONS = 200


def upgrade_and_close(place: Place) -> None:
    with open_client(place) as client:
        client.say_goodbye()


def open_client(place: Place) -> Client:
    client = Client(place)
    client.upgrade()
    return client


def whole_handshake(place: Place) -> None:
    """Challenge, connect, disconnect, close."""
    client = open_client(place)
    session = ClientSession(JsonCodec(), NONCE)

    def exchange(effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case Send(payload):
                    client.send(str(payload))
                    exchange(session.receive(client.receive(), NOW))
                case Sign() as question:
                    exchange(session.answer(question.answer(USER_KEY), NOW))
                case Verify():
                    exchange(session.answer(True, NOW))

    exchange(session.challenge(NOW))
    exchange(session.connect(profile_for(session.server_key or USER_KEY.public), NOW))
    exchange(session.disconnect(None, NOW))
    client.say_goodbye()
    client.close()


def three_echoes(place: Place) -> None:
    client = open_client(place)
    for _ in range(3):
        client.send("x" * 400)
        client.receive()
    client.say_goodbye()
    client.close()


def profile_for(server: PublicKey) -> ClientProfile:
    user = UserIdentity(name="Ann Example", type="user", pubkey=USER_KEY.public, home_server=server)
    return ClientProfile(user=user, app=CLIENT_APP)


@contextmanager
def other_server(module: str) -> Iterator[tuple[int, Place]]:
    """A module of ours that serves, likewise."""
    command = [sys.executable, "-m", module]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = process.stdout.readline() if process.stdout is not None else ""
            yield process.pid, ("127.0.0.1", int(port))
        finally:
            process.kill()


def main() -> None:
    bare_module, open_module = "benchmarks.bare_websocket", "benchmarks.open_server"
    with (
        running_server("--plaintext", environment=LOOPBACK_IS_EXEMPT) as served,
        other_server(bare_module) as bare,
        other_server(open_module) as without,
    ):
        ours = (served.pid, served.place)
        rows: dict[str, tuple[tuple[int, Place], Callable[[Place], None]]] = {
            "upgrade and close": (ours, upgrade_and_close),
            "  the same, trio-websocket alone": (bare, upgrade_and_close),
            "challenge, connect, disconnect": (ours, whole_handshake),
            "  the same, without a database": (without, whole_handshake),
            "  three echoes, trio-websocket alone": (bare, three_echoes),
        }
        figures: dict[str, list[float]] = {name: [] for name in rows}
        for (_, place), act in rows.values():
            act(place)
        for _ in range(ROUNDS):
            for name, ((pid, place), act) in rows.items():
                begun = cpu_s(pid)
                for _ in range(CONNECTIONS):
                    act(place)
                figures[name].append((cpu_s(pid) - begun) / CONNECTIONS * 1e6)
    for name, found in figures.items():
        print(f"{name:<38} {statistics.median(found):>6.0f} µs of the server's CPU a connection")


if __name__ == "__main__":
    main()
