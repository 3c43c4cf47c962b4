"""`RecordedSession`: a `ServerSession` that is written down, in such a way that the transcript can be shown around.

What is written comes from a second session, which is given the inputs without their secrets: so no secret can get into
the effects that are written, and the transcript replays without a difference. Whether the second session does what
the first does is compared at each step.
"""

from typing import Protocol

from ric0_trio.protocol import (
    Admit,
    Admitted,
    Close,
    Codec,
    Effect,
    Kick,
    Question,
    Release,
    Send,
    ServerProfile,
    ServerSession,
    SessionLimits,
    Sign,
    State,
    UserIdentity,
    Verdict,
    Verify,
)
from ric0_trio.transcript.conceal import Concealer
from ric0_trio.transcript.format import (
    MAX_LINE_BYTES,
    Cut,
    End,
    Header,
    Input,
    Kicked,
    Lost,
    ShutDown,
    Signed,
    TimedOut,
    VerdictAdmitted,
    VerdictRefused,
    Verified,
    describe,
    write_line,
)
from ric0_trio.transcript.playback import Playback
from ric0_trio.transcript.stand_ins import StandIns
from ric0_trio.transcript.writing_anew import UnwritableError, Writer

Effects = tuple[Effect, ...]

_ROOM_FOR_THE_END = 256


class Sink(Protocol):
    """Where the lines of one transcript go. None of it waits, or raises."""

    def write(self, lines: bytes) -> bool:
        """Take some whole lines; say False when no more is taken, and then it is not called again."""

    def end(self, cut: str | None) -> None:
        """Take note that there is no more to come: the connection is over, or the transcript is cut, and why."""


class RecordedSession:
    """A `ServerSession`, with all that is public of one, whose inputs and effects are written to a sink."""

    def __init__(
        self,
        profile: ServerProfile,
        limits: SessionLimits,
        codec: Codec,
        now: float,
        *,
        stand_ins: StandIns,
        sink: Sink,
        max_bytes: int,
    ) -> None:
        """Begin as a `ServerSession` does. The transcript is cut before it has more than `max_bytes`."""
        self._session = ServerSession(profile, limits, codec, now)
        header = Header.of(profile, limits, codec, now)
        self._tape: _Tape | None = _Tape(header, codec, stand_ins, sink, max_bytes)
        self._is_lost = False

    @property
    def state(self) -> State:
        """As the session has it."""
        return self._session.state

    @property
    def user(self) -> UserIdentity | None:
        """As the session has it."""
        return self._session.user

    @property
    def question(self) -> Question | None:
        """As the session has it."""
        return self._session.question

    @property
    def deadline(self) -> float | None:
        """As the session has it."""
        return self._session.deadline

    @property
    def max_message_bytes(self) -> int:
        """As the session has it."""
        return self._session.max_message_bytes

    def receive(self, payload: str | bytes, now: float) -> Effects:
        """As the session does."""
        max_bytes = self._session.max_message_bytes
        effects = self._session.receive(payload, now)
        if self._tape is not None:
            self._tape.note_message(payload, now, max_bytes, effects)
        return effects

    def answer(self, result: bytes | bool | Verdict, now: float) -> Effects:
        """As the session does."""
        effects = self._session.answer(result, now)
        if self._tape is not None:
            self._tape.note_answer(result, now, effects)
            self._end_if_over()
        return effects

    def handle_timeout(self, now: float) -> Effects:
        """As the session does. Calls that come too early are not written: there are many, and they do nothing."""
        effects = self._session.handle_timeout(now)
        if self._tape is not None and effects:
            self._tape.note(TimedOut(at=self._tape.at(now)), effects)
        return effects

    def kick(self, cause: Kick, now: float) -> Effects:
        """As the session does."""
        effects = self._session.kick(cause, now)
        if self._tape is not None:
            self._tape.note(Kicked(at=self._tape.at(now), code=cause.code, reason=cause.reason), effects)
        return effects

    def shutdown(self, now: float) -> Effects:
        """As the session does."""
        effects = self._session.shutdown(now)
        if self._tape is not None:
            self._tape.note(ShutDown(at=self._tape.at(now)), effects)
        return effects

    def connection_lost(self, now: float) -> Effects:
        """As the session does. The transcript ends with it, unless a question is open."""
        effects = self._session.connection_lost(now)
        if self._tape is not None:
            self._tape.note(Lost(at=self._tape.at(now)), effects)
            self._is_lost = True
            self._end_if_over()
        return effects

    def _end_if_over(self) -> None:
        if self._tape is not None and self._is_lost and self._session.question is None:
            self._tape.end()
            self._tape = None


class _Tape:
    """What writes: until it is full, or something cannot be written."""

    def __init__(self, header: Header, codec: Codec, stand_ins: StandIns, sink: Sink, max_bytes: int) -> None:
        self._header = header
        self._playback = Playback(header)
        self._stand_ins = stand_ins
        self._writer = Writer(codec, Concealer(stand_ins))
        self._sink = sink
        begin = write_line(header)
        self._room = max_bytes - _ROOM_FOR_THE_END - len(begin)
        self._is_running = sink.write(begin)

    def at(self, now: float) -> float:
        """A moment as the lines have it."""
        return self._header.at(now)

    def note_message(self, payload: str | bytes, now: float, max_bytes: int, effects: Effects) -> None:
        """Write that a message came, of which the session took `max_bytes`, and what it told."""
        if self._is_running:
            try:
                given = self._writer.write(payload, self.at(now), max_bytes)
            except UnwritableError as error:
                self._cut(str(error))
            else:
                self.note(given, effects)

    def note_answer(self, result: bytes | bool | Verdict, now: float, effects: Effects) -> None:
        """Write the answer to a question, and what the session told then.

        A signature is replaced as well: it would show whether a guess at what it is over is right.
        """
        if isinstance(result, bytes):
            result = self._stand_ins.for_bytes(result)
        self.note(_describe_answer(result, self.at(now)), effects)

    def note(self, given: Input, effects: Effects) -> None:
        """Write an input without secrets, and what a session tells that has only ever had such inputs."""
        if not self._is_running:
            return
        shown = self._playback.play(given)
        if len(shown) != len(effects) or not all(map(_is_same, effects, shown)):
            self._cut("without its secrets, the session would have gone another way")
        else:
            self._put([write_line(given), *(write_line(describe(effect)) for effect in shown)])

    def end(self) -> None:
        """Write that the connection is over."""
        if self._is_running:
            self._is_running = False
            self._sink.write(write_line(End()))
            self._sink.end(None)

    def _put(self, lines: list[bytes]) -> None:
        size = sum(map(len, lines))
        if size > self._room or max(map(len, lines)) > MAX_LINE_BYTES:
            self._cut("max_transcript_bytes")
            return
        self._room -= size
        self._is_running = self._sink.write(b"".join(lines))

    def _cut(self, why: str) -> None:
        self._is_running = False
        self._sink.write(write_line(Cut(why=why)))
        self._sink.end(why)


def _describe_answer(result: bytes | bool | Verdict, at: float) -> Input:
    if isinstance(result, bytes):
        return Signed(at=at, signature=result)
    if isinstance(result, bool):
        return Verified(at=at, genuine=result)
    if isinstance(result, Admitted):
        return VerdictAdmitted(at=at)
    return VerdictRefused(at=at, status=result.status, reason=result.reason)


def _is_same(real: Effect, shown: Effect) -> bool:
    """Whether two effects are the same, but for the secrets of the first, and for what is in the log alone."""
    match real, shown:
        case Send(), Send():
            return (real.status, real.name == "") == (shown.status, shown.name == "")
        case Close(), Close():
            return (real.code, real.reason, real.limit) == (shown.code, shown.reason, shown.limit)
        case Release(), Release():
            return (real.reason is None) == (shown.reason is None)
        case Sign(), Sign():
            return len(real.message) == len(shown.message)
        case Verify(), Verify():
            return (real.key, real.message, len(real.signature)) == (shown.key, shown.message, len(shown.signature))
        case Admit(), Admit():
            return real.user.pubkey == shown.user.pubkey and (real.join_token is None) == (shown.join_token is None)
    return False
