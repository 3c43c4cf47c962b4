"""Everything hostile that the other tests know, thrown at the real command for as long as you like.

Run as `python -m tests.server.siege --seconds 600`. It starts `ric0-trio serve --dev` on loopback, has attackers go on
all the time, and every second has a good client go through the whole handshake. It ends with an error as soon as that
fails, and prints how many attacks there were, and what the server held in descriptors and memory before and after.
"""

import argparse
import random
import ssl
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import trio

from ric0_trio.client import Identity, MemoryKnownServers, open_chat
from ric0_trio.protocol import PrivateKey, State
from ric0_trio.testing import SERVER_KEY
from tests.independent.serving import Server, running_server
from tests.server.hostile_frames import CLOSED, CLOSED_AFTER_AUTHENTICATION, CLOSED_BEFORE_AUTHENTICATION, SERVED
from tests.server.hostile_heads import ANSWERED
from tests.server.raw_client import RawClient

ATTACKERS = 12
ATTACK_S = 0.5
CALM_S = 1.0
GOOD_CLIENT_S = 10.0
FRAMES = [data for data, _ in (CLOSED | CLOSED_BEFORE_AUTHENTICATION | CLOSED_AFTER_AUTHENTICATION).values()]
FRAMES += SERVED.values()
HEADS = [head for head, _, _ in ANSWERED.values()]


class Siege:
    """Attackers around one server. What they do is drawn from `random`, so that a seed repeats it."""

    def __init__(self, server: Server, seed: int) -> None:
        self._server = server
        self._port = urlsplit(server.url).port or 0
        self._tls = ssl.create_default_context(cafile=server.ca)
        self._random = random.Random(seed)  # noqa: S311 - not for secrets
        self.attacks: Counter[str] = Counter()
        self.visits = 0

    async def run(self, seconds: float, visits: int = 1) -> None:
        """Attack for `seconds`, and until so many good clients were served.

        Raises what the first that is not served raises.
        """
        ends_at = trio.current_time() + seconds
        async with trio.open_nursery() as nursery:
            for _ in range(ATTACKERS):
                nursery.start_soon(self._attack_on_and_on)
            while trio.current_time() < ends_at or self.visits < visits:
                await self._visit()
                await trio.sleep(CALM_S)
            nursery.cancel_scope.cancel()

    async def _visit(self) -> None:
        me = Identity(PrivateKey.generate(), "Good")
        with trio.fail_after(GOOD_CLIENT_S):
            async with open_chat(
                self._server.url, me, ssl_context=self._tls, known_servers=MemoryKnownServers()
            ) as chat:
                await chat.disconnect()
        self.visits += 1

    async def _attack_on_and_on(self) -> None:
        attacks: Sequence[Callable[[], Awaitable[None]]] = (
            self._half_a_tls_hello,
            self._noise,
            self._noise_in_tls,
            self._bad_head,
            partial(self._bad_frames, State.OPEN),
            partial(self._bad_frames, State.CHALLENGED),
            partial(self._bad_frames, State.CONNECTED),
            self._plain_http,
        )
        while True:
            attack = self._random.choice(attacks)
            self.attacks[getattr(attack, "__name__", "_bad_frames").strip("_")] += 1
            with trio.move_on_after(ATTACK_S), suppress(trio.BrokenResourceError, trio.ClosedResourceError, OSError):
                await attack()

    async def _half_a_tls_hello(self) -> None:
        await self._throw(await self._tcp(), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40))

    async def _noise(self) -> None:
        await self._throw(await self._tcp(), self._random.randbytes(self._random.randrange(1, 20_000)))

    async def _noise_in_tls(self) -> None:
        await self._throw(await self._in_tls(), self._random.randbytes(self._random.randrange(1, 20_000)))

    async def _plain_http(self) -> None:
        await self._throw(await self._tcp(), self._random.choice(HEADS))

    async def _bad_head(self) -> None:
        await self._throw(await self._in_tls(), self._random.choice(HEADS))

    async def _bad_frames(self, state: State) -> None:
        client = RawClient(await self._in_tls())
        try:
            await client.reach(state)
        except BaseException:
            await trio.aclose_forcefully(client.stream)
            raise
        await self._throw(client.stream, b"".join(self._random.choices(FRAMES, k=self._random.randrange(1, 4))))

    async def _throw(self, stream: trio.abc.Stream, data: bytes) -> None:
        """Send, and then leave at once, read to the end, or just stay."""
        try:
            await stream.send_all(data)
            manner = self._random.randrange(3)
            if manner == 1:
                while await stream.receive_some():
                    pass
            elif manner == 2:
                await trio.sleep_forever()
        finally:
            await trio.aclose_forcefully(stream)

    async def _tcp(self) -> trio.SocketStream:
        return await trio.open_tcp_stream("127.0.0.1", self._port)

    async def _in_tls(self) -> trio.abc.Stream:
        stream = trio.SSLStream(await self._tcp(), self._tls, server_hostname="localhost")
        try:
            await stream.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return stream


def used_by(pid: int) -> str:
    """Descriptors and resident memory, where the system tells."""
    try:
        descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return "not known"
    memory = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return f"{descriptors} descriptors, {int(memory) // 1024} MiB"


def besiege(seconds: float, seed: int, folder: Path, visits: int = 1) -> Siege:
    """Start a server, besiege it, see that it still stands and then stops cleanly; print what was seen."""
    identity = folder / "identity.pem"
    identity.touch(mode=0o600)
    identity.write_bytes(SERVER_KEY.to_pem())
    with running_server(folder, "--identity", str(identity), "--log-level", "info") as server:
        siege = Siege(server, seed)
        print(f"at the start: {used_by(server.process.pid)}")
        trio.run(siege.run, seconds, visits)
        print(f"at the end:   {used_by(server.process.pid)}")
        server.ask_to_stop()
        code = server.exit_code()
    print(f"{siege.attacks.total()} attacks, {siege.visits} good clients served: {dict(siege.attacks)}")
    log = (folder / "output.txt").read_text()
    assert code == 0, code
    assert "connection.failed" not in log
    return siege


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        besiege(options.seconds, options.seed, Path(folder))


if __name__ == "__main__":
    main()
