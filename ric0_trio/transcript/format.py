"""The lines of a transcript, as types (docs/transcripts.md): a header, then inputs, each followed by its effects.

A line is a JSON object. `in` says which input it is, `out` which effect; the last line of a whole transcript has `end`.
"""

from typing import Annotated, Any, Final, Literal, Self

import msgspec
from msgspec import Meta

from ric0_trio import __version__
from ric0_trio.protocol import (
    Admit,
    AppInfo,
    Close,
    CloseCode,
    Codec,
    Effect,
    PublicKey,
    Release,
    Send,
    ServerInfo,
    ServerProfile,
    SessionLimits,
    Sign,
    Status,
    UserIdentity,
    Verify,
)
from ric0_trio.protocol.messages import ConversationId
from ric0_trio.transcript.plain import read_bson

FORMAT_VERSION: Final = 1
"""Raised whenever an older reader would understand a line wrongly, or not at all."""

MAX_LINE_BYTES: Final = 1024 * 1024
"""The longest line that is written, or read."""

MAX_WITHHELD_BYTES: Final = 16 * 1024 * 1024
"""The largest message that can stand in a transcript by its size alone."""

_LATEST: Final = 2e11  # seconds since the epoch: in the year 8307, with 1,500 years to come before datetime ends

At = Annotated[float, Meta(ge=0, le=5e10)]
"""Seconds since the beginning. With `now` in seconds since the epoch, `begin + at` is that `now`, to the last bit."""


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What all lines share: a key that is not known is an error, not a wish."""


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line: all that the core has to be given before the first input."""

    transcript: Literal[1] = 1
    """The version of the format."""
    ric0_trio: str = __version__
    """What wrote it: for people, as any version that reads the format replays it."""
    subprotocol: Literal["json", "bson"]
    begin: Annotated[float, Meta(ge=0, le=_LATEST)]
    """When the session began, in seconds since the epoch."""
    server_app: AppInfo
    server_info: ServerInfo
    accepted_key_formats: list[str]
    limits: SessionLimits

    @classmethod
    def of(cls, profile: ServerProfile, limits: SessionLimits, codec: Codec, now: float) -> Self:
        """The header of a session that begins with these."""
        return cls(
            subprotocol="json" if codec.payload_type is str else "bson",
            begin=now,
            server_app=profile.app,
            server_info=profile.info,
            accepted_key_formats=sorted(profile.accepted_key_formats),
            limits=msgspec.convert(limits, SessionLimits, from_attributes=True),  # and no more, if it is a subclass
        )

    @property
    def profile(self) -> ServerProfile:
        """What the server is."""
        return ServerProfile(
            app=self.server_app, info=self.server_info, accepted_key_formats=frozenset(self.accepted_key_formats)
        )

    def at(self, now: float) -> float:
        """Say `now` in seconds since the beginning: shortly, if that is exact, as it is with real clocks."""
        short = round(now - self.begin, 7)
        return short if self.begin + short == now else now - self.begin


# What comes in


class Input(_Line, frozen=True, kw_only=True, tag_field="in"):
    """One call of the session."""

    at: At


class ReceiveJson(Input, frozen=True, kw_only=True, tag="receive_json"):
    """A text message, written anew: its secrets are stand-ins."""

    message: msgspec.Raw
    """The text, which is JSON, to the byte."""


class ReceiveBson(Input, frozen=True, kw_only=True, tag="receive_bson"):
    """A binary message, written anew: its secrets are stand-ins."""

    message: bytes
    reads: Any = None
    """What it says, for people alone."""


class Undecodable(_Line, frozen=True, kw_only=True, tag_field="as", tag="undecodable"):
    """The message decoded to no envelope."""

    problem: str


class BadReading(_Line, frozen=True, kw_only=True, tag_field="as", tag="bad_request"):
    """The message decoded to a bad request (`ric0_trio.protocol.BadRequest`)."""

    name: str
    conversation: ConversationId
    problem: str


class ReceiveWithheld(Input, frozen=True, kw_only=True, tag="receive_withheld"):
    """A message that could not be written without its secrets, or was not to be decoded at all."""

    kind: Literal["text", "binary"]
    bytes: Annotated[int, Meta(ge=0, le=MAX_WITHHELD_BYTES)]
    """Its size on the wire."""
    reads: Undecodable | BadReading | None = None
    """What the codec made of it, to be taken for granted; None when it is not asked."""


class Signed(Input, frozen=True, kw_only=True, tag="signed"):
    """The answer to `Sign`."""

    signature: bytes


class Verified(Input, frozen=True, kw_only=True, tag="verified"):
    """The answer to `Verify`."""

    genuine: bool


class VerdictAdmitted(Input, frozen=True, kw_only=True, tag="admitted"):
    """The answer to `Admit`: come in."""


class VerdictRefused(Input, frozen=True, kw_only=True, tag="refused"):
    """The answer to `Admit`: stay out."""

    status: Status
    reason: str | None = None


class TimedOut(Input, frozen=True, kw_only=True, tag="timeout"):
    """`handle_timeout`, when it did something."""


class Kicked(Input, frozen=True, kw_only=True, tag="kick"):
    """`kick`."""

    code: CloseCode
    reason: str


class ShutDown(Input, frozen=True, kw_only=True, tag="shutdown"):
    """`shutdown`."""


class Lost(Input, frozen=True, kw_only=True, tag="lost"):
    """`connection_lost`: the client is gone, or the WebSocket has been closed by us."""


# What comes out


class Output(_Line, frozen=True, kw_only=True, tag_field="out"):
    """One effect."""


class SendJson(Output, frozen=True, kw_only=True, tag="send_json"):
    """`Send`, of text."""

    name: str
    status: str | None = None
    detail: str | None = None
    message: msgspec.Raw
    """The text, which is JSON, to the byte."""


class SendBson(Output, frozen=True, kw_only=True, tag="send_bson"):
    """`Send`, of bytes."""

    name: str
    status: str | None = None
    detail: str | None = None
    message: bytes
    reads: Any = None
    """What it says, for people alone."""


class CloseWebSocket(Output, frozen=True, kw_only=True, tag="close"):
    """`Close`."""

    code: CloseCode
    reason: str
    detail: str | None = None
    limit: str | None = None


class ReleasePlace(Output, frozen=True, kw_only=True, tag="release"):
    """`Release`."""

    reason: str | None = None


class AskSign(Output, frozen=True, kw_only=True, tag="sign"):
    """The question `Sign`; `message` is a stand-in."""

    message: bytes


class AskVerify(Output, frozen=True, kw_only=True, tag="verify"):
    """The question `Verify`; `signature` is a stand-in."""

    key: PublicKey
    message: bytes
    signature: bytes


class AskAdmit(Output, frozen=True, kw_only=True, tag="admit"):
    """The question `Admit`; `join_token` is a stand-in."""

    user: UserIdentity
    client_app: AppInfo
    join_token: str | None = None


class End(_Line, frozen=True, kw_only=True, tag_field="end", tag="over"):
    """The last line, when the connection is over and nothing is missing."""


class Cut(_Line, frozen=True, kw_only=True, tag_field="end", tag="cut"):
    """The last line, when the connection went on, and the transcript did not."""

    why: str


INPUTS: Final = (
    *(ReceiveJson, ReceiveBson, ReceiveWithheld, Signed, Verified, VerdictAdmitted, VerdictRefused),
    *(TimedOut, Kicked, ShutDown, Lost),
)
OUTPUTS: Final = (SendJson, SendBson, CloseWebSocket, ReleasePlace, AskSign, AskVerify, AskAdmit)
ENDS: Final = (End, Cut)

_encoder: Final = msgspec.json.Encoder(enc_hook=int)  # BSON's 64-bit integers come as a subclass


def write_line(line: Header | Input | Output | End | Cut) -> bytes:
    """Write a line, with its line feed."""
    return _encoder.encode(line) + b"\n"


def describe(effect: Effect) -> Output:
    """Say what a session told as a line. Raises `TypeError` for an effect that only a client's session has."""
    match effect:
        case Send(str() as payload, name, status, detail):
            return SendJson(name=name, status=status, detail=detail, message=msgspec.Raw(payload.encode()))
        case Send(bytes() as payload, name, status, detail):
            return SendBson(name=name, status=status, detail=detail, message=payload, reads=read_bson(payload))
        case Close(code, reason, detail, limit):
            return CloseWebSocket(code=code, reason=reason, detail=detail, limit=limit)
        case Release(reason):
            return ReleasePlace(reason=reason)
        case Sign(message):
            return AskSign(message=message)
        case Verify(key, message, signature):
            return AskVerify(key=key, message=message, signature=signature)
        case Admit(user, client_app, join_token):
            return AskAdmit(user=user, client_app=client_app, join_token=join_token)
    raise TypeError(f"a server's session tells no {type(effect).__name__}")
