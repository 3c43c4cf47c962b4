"""Sessions that are recorded in memory, and what is looked for in their transcripts."""

import base64
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from ric0_trio.protocol import Codec, ServerProfile, SessionLimits, Verdict
from ric0_trio.testing import (
    ADMITTED,
    START,
    base64_of,
    server_profile,
)
from ric0_trio.transcript import RecordedSession, Replayed, StandIns, replay
from tests.protocol.pair import answer_to

STAND_INS = StandIns(bytes(range(32)))
PLENTY = 10_000_000


class MemorySink:
    """Keeps what is written; from `fails_after` bytes on it takes no more."""

    def __init__(self, fails_after: int = PLENTY) -> None:
        self.written = b""
        self.ended: list[str | None] = []
        self._fails_after = fails_after

    def write(self, lines: bytes) -> bool:
        if len(self.written) >= self._fails_after:
            return False
        self.written += lines
        return True

    def end(self, cut: str | None) -> None:
        self.ended.append(cut)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.written.splitlines()]

    def replay(self) -> Replayed:
        return replay(io.BytesIO(self.written))


def record(
    codec: Codec,
    sink: MemorySink,
    profile: ServerProfile | None = None,
    *,
    max_bytes: int = PLENTY,
    begin: float = START,
    **limits: Any,
) -> RecordedSession:
    return RecordedSession(
        profile or server_profile(),
        SessionLimits(**limits),
        codec,
        begin,
        stand_ins=STAND_INS,
        sink=sink,
        max_bytes=max_bytes,
    )


def converse(
    session: RecordedSession, payloads: Iterable[str | bytes], verdict: Verdict = ADMITTED, step_s: float = 0.1
) -> None:
    """Give it messages, answer what it asks, and lose the connection."""
    now = START
    for payload in payloads:
        now += step_s
        session.receive(payload, now)
        while session.question is not None:
            session.answer(answer_to(session.question, verdict), now)
    session.connection_lost(now)


def is_found(secret: bytes, transcript: bytes) -> bool:
    """Whether a secret is in there: as it is, in hex, in base64 of any alignment, or in what base64 stands there."""
    haystacks = [transcript, *_decoded(transcript)]
    return any(form in haystack for form in _forms(secret) for haystack in haystacks)


def _forms(secret: bytes) -> Iterator[bytes]:
    yield secret
    yield secret.hex().encode()
    yield repr(secret)[2:-1].encode()
    for shift in range(3):
        core = base64_of(bytes(shift) + secret)[4 if shift else 0 :].rstrip("=")[:-1]
        yield core.encode()
        yield core.replace("+", "-").replace("/", "_").encode()


def _decoded(transcript: bytes) -> Iterator[bytes]:
    for line in transcript.splitlines():
        told = json.loads(line)
        if isinstance(told.get("message"), str):
            yield base64.b64decode(told["message"])
