"""One kind of load at one rate, from many addresses: a process of its own, so that it does not slow down others.

Run by `benchmarks.bench_overload`: `python -m benchmarks.load KIND RATE SECONDS NETWORK`, with the server's ready file
in `READY_FILE`. It begins `RATE` connections a second, whether or not the ones before have ended (as long as there is
one of `THREADS` free), each from the next address of 127.NETWORK.0.0/16, and prints how many it began and how they
ended, as JSON: at the end, or when it is told to end by SIGTERM.
"""

import itertools
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.plain_client import UPGRADE, Client, RefusedError
from benchmarks.served import Served

THREADS = 400
HALF_A_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40)


class Load:
    """What strangers and newcomers do to one server."""

    def __init__(self, served: Served, network: int) -> None:
        self._served = served
        self._messages = served.messages
        self._addresses = _addresses(network)
        self._held: list[Client] = []
        self.begun = 0
        self.ended = Counter[str]()
        self._since, self._cpu_s = time.monotonic(), time.process_time()

    def tell(self) -> None:
        """Print what it has done so far."""
        took, busy = time.monotonic() - self._since, time.process_time() - self._cpu_s
        print(json.dumps({"begun": self.begun, "ended": self.ended, "seconds": took, "cpu_s": busy}), flush=True)

    def run(self, kind: str, rate: float, seconds: float) -> None:
        """Begin `rate` connections a second for so long, evenly, and wait for the last to end."""
        act: Callable[[str], str] = getattr(self, kind)
        room = threading.Semaphore(THREADS)

        def once(source: str) -> None:
            try:
                self.ended[act(source)] += 1
            except RefusedError as refused:
                self.ended[str(refused)] += 1
            except OSError as error:
                self.ended[type(error).__name__] += 1
            finally:
                room.release()

        begun = time.monotonic()
        with ThreadPoolExecutor(THREADS) as pool:
            for number in range(int(rate * seconds)):
                time.sleep(max(0.0, begun + number / rate - time.monotonic()))
                if time.monotonic() > begun + seconds:
                    break  # it cannot keep up: what it did not begin is not counted
                room.acquire()
                self.begun += 1
                pool.submit(once, next(self._addresses))
        for client in self._held:
            client.close()

    def login(self, source: str) -> str:
        """What a good client does: challenge, connect, and leave."""
        with self._served.client(source) as client:
            client.upgrade()
            client.ask(self._messages.challenge)
            status = client.ask(self._messages.connect)
            client.say_goodbye()
            return status

    def challenges(self, source: str) -> str:
        """Have the server sign as often as it does, and then some."""
        with self._served.client(source) as client:
            client.upgrade()
            for _ in range(4):
                client.ask(self._messages.challenge)
            return "still there"

    def forged(self, source: str) -> str:
        """Have it check as many proofs as it does."""
        with self._served.client(source) as client:
            client.upgrade()
            client.ask(self._messages.challenge)
            for _ in range(8):
                client.ask(self._messages.forged)
            return "still there"

    def half_tls(self, source: str) -> str:
        """Begin TLS, and no more."""
        client = Client(self._served.place, source=source)
        client.socket.sendall(HALF_A_HELLO)
        return self._hold(client)

    def half_head(self, source: str) -> str:
        """Begin the HTTP head, and no more."""
        client = self._served.client(source)
        client.socket.sendall(UPGRADE[:100])
        return self._hold(client)

    def _hold(self, client: Client) -> str:
        self._held.append(client)
        while len(self._held) > 500:
            self._held.pop(0).close()
        return "held"


def _addresses(network: int) -> Iterator[str]:
    numbers = itertools.cycle(range(1, 254 * 254))
    return (f"127.{network}.{number // 254 + 1}.{number % 254 + 1}" for number in numbers)


def main() -> None:
    kind, rate, seconds, network = sys.argv[1:]
    load = Load(Served.by(Path(os.environ["READY_FILE"])), int(network))

    def end(*_: object) -> None:
        load.tell()
        os._exit(0)  # its threads may wait for long

    signal.signal(signal.SIGTERM, end)
    load.run(kind, float(rate), float(seconds))
    load.tell()


if __name__ == "__main__":
    main()
