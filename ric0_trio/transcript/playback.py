"""The core, driven by the inputs of a transcript: when one is written, and when it is replayed."""

from typing import assert_never

from ric0_trio.protocol import (
    Admitted,
    BadRequest,
    BsonCodec,
    Codec,
    DecodeError,
    Effect,
    Envelope,
    JsonCodec,
    Kick,
    Message,
    Refused,
    Reply,
    Request,
    ServerSession,
)
from ric0_trio.transcript.format import (
    BadReading,
    Header,
    Input,
    Kicked,
    Lost,
    ReceiveBson,
    ReceiveJson,
    ReceiveWithheld,
    ShutDown,
    Signed,
    TimedOut,
    Undecodable,
    VerdictAdmitted,
    VerdictRefused,
    Verified,
)


class Playback:
    """One session, which is given inputs as they stand in a transcript."""

    def __init__(self, header: Header) -> None:
        """Begin it. Raises `ImportError` for BSON where it is not installed."""
        self._begin = header.begin
        self._codec = _CodecWithReadings(JsonCodec() if header.subprotocol == "json" else BsonCodec())
        self._session = ServerSession(header.profile, header.limits, self._codec, header.begin)

    def play(self, given: Input) -> tuple[Effect, ...]:
        """Give the session an input, and return what it tells.

        Raises `LocalProtocolError` when it may not be given that now, and `UnicodeDecodeError` for a text that is none.
        """
        session, now = self._session, self._begin + given.at
        match given:
            case ReceiveJson(message=message):
                return session.receive(bytes(message).decode(), now)
            case ReceiveBson(message=payload):
                return session.receive(payload, now)
            case ReceiveWithheld():
                self._codec.reading = given.reads
                return session.receive("x" * given.bytes if given.kind == "text" else bytes(given.bytes), now)
            case Signed(signature=signature):
                return session.answer(signature, now)
            case Verified(genuine=is_genuine):
                return session.answer(is_genuine, now)
            case VerdictAdmitted():
                return session.answer(Admitted(), now)
            case VerdictRefused(status=status, reason=reason):
                return session.answer(Refused(status, reason), now)
            case TimedOut():
                return session.handle_timeout(now)
            case Kicked(code=code, reason=reason):
                return session.kick(Kick(code, reason), now)
            case ShutDown():
                return session.shutdown(now)
            case Lost():
                return session.connection_lost(now)
        raise TypeError(f"{type(given).__name__} is no input of a session")


class _CodecWithReadings(Codec):
    """A codec that takes for granted what a withheld message was decoded to."""

    def __init__(self, codec: Codec) -> None:
        self.subprotocol = codec.subprotocol  # type: ignore[misc]
        self.payload_type = codec.payload_type  # type: ignore[misc]
        self._codec = codec
        self.reading: Undecodable | BadReading | None = None
        """Of the next payload; None when that is to be decoded."""

    def decode(self, payload: str | bytes) -> Envelope:
        reading, self.reading = self.reading, None
        match reading:
            case None:
                return self._codec.decode(payload)
            case Undecodable(problem=problem):
                raise DecodeError(problem)
            case BadReading(name=name, conversation=conversation, problem=problem):
                return BadRequest(name, conversation, problem)
        assert_never(reading)

    def encode(self, envelope: Message | Request | Reply) -> str | bytes:
        return self._codec.encode(envelope)
