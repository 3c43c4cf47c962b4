"""The most that one stranger can cost: the server's CPU, by what the stranger does.

Run as `python -m benchmarks.bench_stranger` (Linux, as it reads /proc): the real command over TLS. Loopback is exempt
from the bounds per address; every bound of a connection is on. Each stranger does one thing, as much of it as it is
let, and then waits to be put out, for two seconds at most. The figures are of the server's CPU, from accept to close.
"""

import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.load import HALF_A_HELLO
from benchmarks.plain_client import UPGRADE, Client, connect_request
from benchmarks.served import LOOPBACK_IS_EXEMPT, Served, running_server
from ric0_trio.load.wire import frame
from ric0_trio.protocol import PrivateKey

TIMES = 40
PATIENCE_S = 2.0
FILLED = 16_000
"""So much of 16 KiB is filled; the envelope has the rest."""


def half_a_hello(served: Served) -> None:
    with Client(served.place) as client:
        client.socket.sendall(HALF_A_HELLO)


def tls_alone(served: Served) -> None:
    served.client().close()


def head_drop_by_drop(served: Served) -> None:
    with served.client() as client:
        send_drops(client, UPGRADE[:-2] + b"X: " + b"x" * 7000)


def head_of_many_headers(served: Served) -> None:
    with served.client() as client:
        send(client, UPGRADE[:-2] + b"a:b\r\n" * 1500 + b"\r\n")


def upgrade_alone(served: Served) -> None:
    with served.client() as client:
        client.upgrade()


def all_challenges(served: Served) -> None:
    in_a_websocket(served, [served.messages.challenge] * 8)


def forged_proofs(served: Served) -> None:
    in_a_websocket(served, [served.messages.challenge] + [served.messages.forged] * 8)


def forged_proofs_of_rsa(served: Served) -> None:
    in_a_websocket(served, [served.messages.challenge] + [FORGED_RSA] * 8)


def wide_json(served: Served) -> None:
    in_a_websocket(served, [padded("[" + "{},[]," * (FILLED // 6) + "0]")] * 8)


def deep_json(served: Served) -> None:
    in_a_websocket(served, [padded("[" * 30 + "0" + "]" * 30)] * 8)


def escaped_json(served: Served) -> None:
    in_a_websocket(served, [padded('"' + "\\u20ac" * (FILLED // 6) + '"')] * 8)


def many_fragments(served: Served) -> None:
    with served.client() as client:
        client.upgrade()
        text = padded('"' + "x" * FILLED + '"').encode()
        size = len(text) // 63
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        fragments = [
            bytes([(at == 0) | (at == len(pieces) - 1) << 7, 0xFE]) + struct.pack("!H", len(piece)) + bytes(4) + piece
            for at, piece in enumerate(pieces)
        ]
        send(client, b"".join(fragments) * 8)


def message_drop_by_drop(served: Served) -> None:
    with served.client() as client:
        client.upgrade()
        send_drops(client, frame(padded('"' + "x" * FILLED + '"')))


def in_a_websocket(served: Served, messages: list[str]) -> None:
    with served.client() as client:
        client.upgrade()
        with suppress(OSError):
            for message in messages:
                client.ask(message)


def send(client: Client, data: bytes) -> None:
    """Send what is taken, and wait for the end."""
    client.socket.settimeout(PATIENCE_S)
    with suppress(OSError):
        client.socket.sendall(data)
        while client.socket.recv(65536):
            pass


def send_drops(client: Client, data: bytes) -> None:
    """Each byte in a packet, and a TLS record, of its own."""
    client.socket.settimeout(PATIENCE_S)
    with suppress(OSError):
        for at in range(len(data)):
            client.socket.sendall(data[at : at + 1])
            time.sleep(0.0005)
        client.socket.shutdown(socket.SHUT_WR)


def padded(value: str) -> str:
    """A request with nothing wrong but a large value that nobody asked for."""
    time_sent = '"time": "2026-01-01T00:00:00Z"'
    return f'{{{time_sent}, "type": "request", "name": "connect", "conversation": 2, "data": {{"x": {value}}}}}'


def forged_rsa() -> str:
    private = rsa.generate_private_key(public_exponent=65537, key_size=4096)
    key = PrivateKey.from_pem(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return connect_request(key.public, key.sign(b"another server"))


FORGED_RSA = forged_rsa()
STRANGERS: dict[str, Callable[[Served], None]] = {
    "half a TLS hello": half_a_hello,
    "TLS, and no more": tls_alone,
    "a head of 1,500 headers": head_of_many_headers,
    "a head, drop by drop": head_drop_by_drop,
    "the upgrade, and no more": upgrade_alone,
    "4 challenges": all_challenges,
    "7 forged proofs": forged_proofs,
    "7 forged proofs, RSA-4096": forged_proofs_of_rsa,
    "8 messages of wide JSON": wide_json,
    "8 messages of deep JSON": deep_json,
    "8 messages of escapes": escaped_json,
    "8 messages in 64 fragments": many_fragments,
    "a message, drop by drop": message_drop_by_drop,
}


def main() -> None:
    with running_server(environment=LOOPBACK_IS_EXEMPT) as served:
        for name, act in STRANGERS.items():
            act(served)
            begun, cpu = time.monotonic(), served.cpu_s()
            for _ in range(TIMES):
                act(served)
            time.sleep(1)
            took = (time.monotonic() - begun - 1) / TIMES
            print(f"{name:<28} {(served.cpu_s() - cpu) / TIMES * 1e3:>7.1f} ms of CPU, {took:>6.3f} s", flush=True)


if __name__ == "__main__":
    main()
