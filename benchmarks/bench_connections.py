"""What a connection costs the server: its CPU time, from accept to close.

Run as `python -m benchmarks.bench_connections` (Linux, as it reads /proc): starts the real command on loopback, in
plain `ws://`, and has a plain blocking client open one connection after another. The server's CPU is steadier than
wall time on a shared machine. Each figure is the median of `ROUNDS` rounds; rows take turns. Measured in the same run
are a bare trio-websocket server (`benchmarks.bare_websocket`), with as many messages of about the same size, and our
server without a database (`benchmarks.open_server`).
"""

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.bench_core import CLIENT_APP, NONCE, NOW, USER_KEY
from ric0_trio.protocol import (
    PATH,
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

Place = tuple[str, int]

ROUNDS = 7
CONNECTIONS = 200
TICKS_PER_S = os.sysconf("SC_CLK_TCK")

UPGRADE = (
    f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: json\r\n\r\n"
).encode()
CLOSE = bytes([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8])


class Client:
    """One WebSocket, with as little work as will do: the mask is zero, and every frame is whole."""

    def __init__(self, place: Place) -> None:
        self._socket = socket.create_connection(place)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        self._socket.sendall(UPGRADE)
        while self._file.readline() != b"\r\n":
            pass

    def send(self, text: str) -> None:
        payload = text.encode()
        size = len(payload)
        head = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + size.to_bytes(2)
        self._socket.sendall(b"\x81" + head + bytes(4) + payload)

    def receive(self) -> str:
        _, length = self._file.read(2)
        if length == 126:
            length = int.from_bytes(self._file.read(2))
        return self._file.read(length).decode()

    def close(self) -> None:
        self._socket.sendall(CLOSE)
        self._file.read()
        self._file.close()
        self._socket.close()


def upgrade_and_close(place: Place) -> None:
    Client(place).close()


def whole_handshake(place: Place) -> None:
    """Challenge, connect, disconnect, close."""
    client = Client(place)
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
    client.close()


def three_echoes(place: Place) -> None:
    client = Client(place)
    for _ in range(3):
        client.send("x" * 400)
        client.receive()
    client.close()


def profile_for(server: PublicKey) -> ClientProfile:
    user = UserIdentity(name="Ann Example", type="user", pubkey=USER_KEY.public, home_server=server)
    return ClientProfile(user=user, app=CLIENT_APP)


@contextmanager
def running_server() -> Iterator[tuple[int, Place]]:
    """The command, in plain ws://: its process id, and where it listens."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "ready.json")
        flags = ["--dev", "--plaintext", "--port", "0", "--data-dir", folder, "--ready-file", str(ready)]
        command = [sys.executable, "-m", "ric0_trio", "serve", *flags, "--log-level", "warning"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                while not ready.exists():
                    if process.poll() is not None:
                        raise SystemExit("the server did not start")
                    time.sleep(0.02)
                url = urlsplit(json.loads(ready.read_text())["url"])
                yield process.pid, (str(url.hostname), int(url.port or 0))
            finally:
                process.send_signal(signal.SIGTERM)


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


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def main() -> None:
    bare_module, open_module = "benchmarks.bare_websocket", "benchmarks.open_server"
    with running_server() as ours, other_server(bare_module) as bare, other_server(open_module) as without:
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
