"""Scenario `session`: a whole visit, on and on."""

import os
import time
from functools import partial
from typing import Final

from benchmarks.bench_core import NONCE, USER_KEY
from benchmarks.comparison.figures import figures_of, half_load
from benchmarks.comparison.load import Load
from benchmarks.comparison.processes import PLAIN, SERVER_CORE, Running, Variant
from benchmarks.comparison.results import Measured
from benchmarks.comparison.turns import Bench
from benchmarks.peers.site import CODECS, make_identity
from ric0_trio.protocol import Sign, Verify

AT_ONCE: Final = 16
_FEW: Final = ("ours", "websockets_asyncio", "floor_trio_tcp_signatures")
_OVER_TLS: Final = ("ours", "websockets_asyncio", "websockets_uvloop")
_RSA: Final = Variant("RSA-2048 identity", identity="rsa-2048")
_VARIANTS: Final = (
    (Variant("TLS 1.3, resumed", tls=True), _OVER_TLS),
    (Variant("TLS 1.3, not resumed", tls=True, resumes=False), _OVER_TLS),
    (_RSA, _FEW),
    *([(Variant("BSON", encoding="bson"), _FEW)] if "bson" in CODECS else []),
)
_TIMES: Final = 300
SIGNATURES: Final = "signatures"
"""The row of what is signed and verified in a session, in a process without a network."""


def measure_sessions(bench: Bench) -> None:
    """Compare all peers in the plainest variant, and a few in others."""
    measure = partial(measure_session, bench.seconds)
    bench.compare("session", PLAIN, measure, beside={SIGNATURES: partial(time_signatures, PLAIN)})
    for variant, names in _VARIANTS:
        beside = {SIGNATURES: partial(time_signatures, variant)} if variant is _RSA else {}
        among = bench.those_of(names[:1] if bench.quick else names)
        bench.compare("session", variant, measure, among=among, beside=beside)


def measure_session(seconds: float, server: Running) -> Measured:
    """As many as it can do; and then half as many a second, for the latencies."""
    full = Load("session", connections=AT_ONCE, seconds=seconds).run(server)
    return half_load(full, Load("session", connections=64, seconds=seconds), server)


def time_signatures(variant: Variant) -> Measured:
    """A signature by the server's key and the verification of a user's proof, on the servers' core."""
    key = make_identity(variant.identity)
    sign, verify = Sign(NONCE), Verify(USER_KEY.public, bytes(key.public), USER_KEY.sign(bytes(key.public)))
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {SERVER_CORE})
    try:
        begun = time.process_time()
        for _ in range(_TIMES):
            sign.answer(key)
            verify.answer()
        return Measured(figures_of(cpu_us=(time.process_time() - begun) / _TIMES * 1e6))
    finally:
        os.sched_setaffinity(0, before)
