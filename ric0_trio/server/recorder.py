"""Which conversations are written down, and how that gets to the disk without holding anybody up.

Lines are gathered in memory, within a bound, and a worker thread appends them four times a second. So a conversation
never waits for the disk; of a server that is killed, no more than the last moment is missing; and a file need not stay
open. When the disk fails or is full, transcripts are lost and counted, and the server serves on.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import structlog
import trio

from ric0_trio.protocol import Codec, ServerSession
from ric0_trio.server.addresses import Networks, Peer
from ric0_trio.server.record_folder import SUFFIX, FolderFullError, RecordFolder
from ric0_trio.server.settings import RecordSettings, Settings
from ric0_trio.transcript import RecordedSession, StandIns
from ric0_trio.transcript.stand_ins import KEY_BYTES

Outcome = Literal["whole", "cut", "lost"]
"""What becomes of a transcript."""

MAX_PENDING_BYTES: Final = 8 * 1024 * 1024
"""What may wait to be written, or is being written, of all transcripts together."""

_WRITE_EVERY_S: Final = 0.25
_FINISH_S: Final = 5.0
_PAUSE_S: Final = 60.0
"""After a failure nothing more is begun for so long, and nothing more is logged."""


class Recorder:
    """Begins each conversation's session: a plain one, or one that is written down."""

    def __init__(self, count: Callable[[Outcome], None]) -> None:
        """`count` is told what becomes of each transcript."""
        self._count = count
        self._settings = RecordSettings()
        self._networks = Networks(())
        self._folder: RecordFolder | None = None
        self._stand_ins = StandIns(secrets.token_bytes(KEY_BYTES))
        self._seen = 0
        self._paused_until = float("-inf")
        self._pending: dict[_Transcript, None] = {}
        self._pending_bytes = 0
        self._something_came = trio.Event()
        self._one_thread = trio.CapacityLimiter(1)
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def change(self, settings: RecordSettings) -> None:
        """Take settings for conversations that begin from here on. Raises `ValueError` for what is no network."""
        networks = Networks(settings.addresses)
        if settings == self._settings:
            return
        self._settings, self._networks = settings, networks
        self._folder = None
        self._paused_until = float("-inf")
        if settings.dir is not None:
            self._folder = RecordFolder(settings.dir, settings.max_total_bytes)
            whose = ", ".join(settings.addresses) or "anyone"
            self._log.info("record.on", dir=str(settings.dir), addresses=whose, one_in=settings.one_in)

    def begin(
        self, settings: Settings, codec: Codec, now: float, connection_id: str, peer: Peer
    ) -> ServerSession | RecordedSession:
        """Begin a session, and a transcript if this one is to be written down."""
        if self._folder is None or not self._is_wanted(peer):
            return ServerSession(settings.profile, settings.limits, codec, now)
        begun = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        return RecordedSession(
            settings.profile,
            settings.limits,
            codec,
            now,
            stand_ins=self._stand_ins,
            sink=_Transcript(self, self._folder, f"{begun}-{connection_id}{SUFFIX}"),
            max_bytes=self._settings.max_transcript_bytes,
        )

    async def run(self) -> None:
        """Write what comes, until cancelled."""
        while True:
            await self._something_came.wait()
            await trio.sleep(_WRITE_EVERY_S)
            await self._write_pending()

    async def finish(self) -> None:
        """Write what is left, if the disk does it in a few seconds."""
        with trio.move_on_after(_FINISH_S):
            await self._write_pending()

    def _is_wanted(self, peer: Peer) -> bool:
        if self._settings.addresses and peer.name not in self._networks:
            return False
        self._seen += 1
        return self._seen % self._settings.one_in == 0 and trio.current_time() >= self._paused_until

    def take(self, transcript: "_Transcript", lines: bytes) -> bool:
        """Take lines to be written; False when they are lost, and the transcript with them."""
        if transcript.is_lost:
            return False
        if self._pending_bytes + len(lines) > MAX_PENDING_BYTES:
            self._lose(transcript, "the disk is slower than what comes", "record fewer: see [record] one_in")
            return False
        transcript.lines.append(lines)
        self._pending[transcript] = None
        self._pending_bytes += len(lines)
        self._something_came.set()
        return True

    async def _write_pending(self) -> None:
        batch = [(transcript, b"".join(transcript.lines)) for transcript in self._pending]
        if not batch:
            return
        self._pending = {}
        self._something_came = trio.Event()
        for transcript, _ in batch:
            transcript.lines.clear()
        try:
            problems = await trio.to_thread.run_sync(
                _write_each, batch, limiter=self._one_thread, abandon_on_cancel=True
            )
        except RuntimeError as error:  # the system gives no thread
            problems = [OSError(0, str(error))] * len(batch)
        finally:
            self._pending_bytes -= sum(len(lines) for _, lines in batch)
        for (transcript, _), problem in zip(batch, problems, strict=True):
            self._settle(transcript, problem)

    def _settle(self, transcript: "_Transcript", problem: OSError | None) -> None:
        """Take note of what was written of a transcript, and what was not."""
        if transcript.is_lost:
            return
        if isinstance(problem, FolderFullError):
            self._lose(transcript, str(problem), "move transcripts away, or raise [record] max_total_bytes")
        elif problem is not None:
            remedy = "make room, or let this account write there; see `ric0-trio check`"
            self._lose(transcript, problem.strerror or str(problem), remedy)
        elif transcript.outcome is not None and not transcript.lines:
            self._count(transcript.outcome)

    def _lose(self, transcript: "_Transcript", why: str, remedy: str) -> None:
        if transcript.is_lost:
            return
        transcript.is_lost = True
        self._count("lost")
        if trio.current_time() >= self._paused_until:
            self._log.error("record.failed", dir=str(transcript.folder.path), error=why, remedy=remedy)
        self._paused_until = trio.current_time() + _PAUSE_S


class _Transcript:
    """The file of one conversation, and what waits to be written to it: a `Sink`."""

    def __init__(self, recorder: Recorder, folder: RecordFolder, name: str) -> None:
        self._recorder = recorder
        self.folder = folder
        self.name = name
        self.lines: list[bytes] = []
        self.is_new = True
        self.is_lost = False
        self.outcome: Outcome | None = None
        """None while it goes on."""

    def write(self, lines: bytes) -> bool:
        return self._recorder.take(self, lines)

    def end(self, cut: str | None) -> None:
        self.outcome = "whole" if cut is None else "cut"


def _write_each(batch: Sequence[tuple[_Transcript, bytes]]) -> list[OSError | None]:
    """Write a batch, in the worker thread. What goes wrong with one is not the others'."""
    problems: list[OSError | None] = []
    for transcript, lines in batch:
        try:
            transcript.folder.append(transcript.name, lines, is_new=transcript.is_new)
            problems.append(None)
        except OSError as error:
            problems.append(error)
        transcript.is_new = False
    return problems
