"""Where a session's questions are best answered: here and now, or in a worker thread.

Run as `python -m benchmarks.bench_questions`: no network, one process. For each kind of key it times signing and
verifying inline and by way of `trio.to_thread`, one after another. Each figure is the median of its calls.
"""

import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial

import trio
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ric0_trio.protocol import PrivateKey, Sign, Verify

CALLS = 300
MESSAGE = bytes(44)


def rsa_key(bits: int) -> PrivateKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return PrivateKey.from_pem(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


async def median_us(act: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        await act()
        times.append((time.perf_counter() - begun) * 1e6)
    return statistics.median(times)


async def compare(name: str, act: Callable[[], object]) -> None:
    async def inline() -> None:
        act()

    async def in_worker() -> None:
        await trio.to_thread.run_sync(act)

    inline_us, worker_us = await median_us(inline), await median_us(in_worker)
    print(f"{name:<18} {inline_us:>9.1f} µs inline {worker_us:>9.1f} µs in a worker, {worker_us / inline_us:.2f}")


async def main() -> None:
    keys = {"Ed25519": PrivateKey.generate(), "RSA-2048": rsa_key(2048), "RSA-4096": rsa_key(4096)}
    for name, key in keys.items():
        sign = Sign(MESSAGE)
        verify = Verify(key.public, MESSAGE, sign.answer(key))
        await compare(f"{name} sign", partial(sign.answer, key))
        await compare(f"{name} verify", verify.answer)


if __name__ == "__main__":
    trio.run(main)
