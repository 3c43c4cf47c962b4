"""What a session tells its adapter, and what it asks: plain data, to be carried out in order.

`Send`, `Close` and `Release` are told. `Sign`, `Verify` and `Admit` are questions: at most one is open, and its
answer goes into `session.answer`. What stands behind `Kick` is told by a client's session alone.
"""

from enum import IntEnum
from typing import Final

import msgspec

from ric0_trio.protocol.keys import PrivateKey, PublicKey
from ric0_trio.protocol.messages import AppInfo, ConnectReply, Status, UserIdentity

MAX_CLOSE_REASON_BYTES: Final = 123


class CloseCode(IntEnum):
    """Why a WebSocket is closed (docs/protocol.md, "Close codes")."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    WRONG_KIND = 1003
    NOT_DECODABLE = 1007
    POLICY = 1008
    TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    TRY_AGAIN_LATER = 1013
    BANNED = 4001
    KICKED = 4002
    REPLACED = 4003


NEVER_RETURN: Final = frozenset({CloseCode.BANNED, CloseCode.KICKED, CloseCode.REPLACED})
"""After these a client must not reconnect by itself."""


class Send(msgspec.Struct, frozen=True):
    """Send one WebSocket message."""

    payload: str | bytes
    """Text or binary, as the connection's codec has it."""
    name: str
    """The name of the request or reply that it is: for logs and counters."""
    status: str | None = None
    """The status, when it is a reply."""
    detail: str | None = None
    """What was wrong with what is answered, for a log: it names the place, and repeats no proof and no token."""

    def __repr__(self) -> str:  # a client's payload can hold a proof and a token, which must not reach a log
        return f"Send(name={self.name!r}, status={self.status!r}, detail={self.detail!r}, …)"


class Close(msgspec.Struct, frozen=True):
    """Close the WebSocket. It is the last effect that does anything to the client."""

    code: CloseCode
    reason: str
    """A short English sentence of at most 123 bytes."""
    detail: str | None = None
    """What was wrong, more exactly, for a log."""
    limit: str | None = None
    """Which of `SessionLimits` was reached, by its name; None when it is another cause."""


class Release(msgspec.Struct, frozen=True):
    """Give back the place that the last `Admit` took: the user is no longer connected here."""

    reason: str | None = None
    """What the user said on leaving with `disconnect`; None when they did not leave that way."""


class Sign(msgspec.Struct, frozen=True):
    """Question: the signature over `message`, as bytes, by the private key of this side."""

    message: bytes
    """A server's is 16 to 128 bytes that a stranger chose, a client's the server's key."""

    def answer(self, key: PrivateKey) -> bytes:
        """The answer, computed here and now: Ed25519 takes some 20 µs, RSA-2048 some 250 µs."""
        return key.sign(self.message)


class Verify(msgspec.Struct, frozen=True):
    """Question: whether `signature` over `message` was made with `key`, as a bool."""

    key: PublicKey
    message: bytes
    signature: bytes
    """What the peer sent, of any length up to 768 bytes. A user's is a secret."""

    def answer(self) -> bool:
        """The answer, computed here and now: some 60 µs."""
        return self.key.verify(self.message, self.signature)

    def __repr__(self) -> str:  # the signature can be a user's proof, which must not reach a log
        return f"Verify(key={self.key!r}, …)"


class Admit(msgspec.Struct, frozen=True):
    """Question: whether this proven user may connect, as a `Verdict`. "Admitted" takes a place until `Release`."""

    user: UserIdentity
    """Who has proved that `pubkey` is theirs; the rest is what they say."""
    client_app: AppInfo
    join_token: str | None
    """A secret, of at most 256 characters; to be looked at only if it is needed."""

    def __repr__(self) -> str:
        return f"Admit(user={self.user!r}, client_app={self.client_app!r}, …)"


Question = Sign | Verify | Admit
"""What a session asks: at most one is open, and its answer goes into `answer`."""


class Admitted(msgspec.Struct, frozen=True):
    """Verdict: the user may connect, and has a place."""


class Refused(msgspec.Struct, frozen=True):
    """Verdict: the user may not connect, and has no place."""

    status: Status
    """One of `REFUSALS`."""
    reason: str | None = None
    """Shown to the user with `disallowed_client` and `disallowed_user`; at most 512 characters of it are sent."""


REFUSALS: Final = frozenset(
    {
        Status.DISALLOWED_CLIENT,
        Status.DISALLOWED_USER,
        Status.UNRECOGNISED_USER,
        Status.JOIN_TOKEN_REQUIRED,
        Status.INVALID_JOIN_TOKEN,
        Status.ALREADY_CONNECTED,
        Status.UNKNOWN_ERROR,
    }
)
"""The statuses that a verdict can refuse with. `unknown_error` is for a store that could not be asked."""

Verdict = Admitted | Refused
"""The answer to `Admit`."""


class Kick(msgspec.Struct, frozen=True):
    """Why a user is put out: given to `ServerSession.kick`."""

    code: CloseCode
    """`BANNED`, `KICKED` or `REPLACED`; or `TRY_AGAIN_LATER`, when the server has no room."""
    reason: str
    """Shown to the user; at most 123 bytes of it are sent."""


class ServerVerified(msgspec.Struct, frozen=True):
    """The server proved that it has `key`. Whether it is the right key for this host is yours to check, now."""

    key: PublicKey


class Connected(msgspec.Struct, frozen=True):
    """The server let the user in."""

    reply: ConnectReply


class ConnectRefused(msgspec.Struct, frozen=True):
    """The server did not let the user in. The connection stays open: `connect` may be tried again."""

    status: str
    """Any status but `success`; those of `Status` are known."""
    reason: str | None
    """What the server says of it, for people to read: unproved text of a stranger."""


class Disconnected(msgspec.Struct, frozen=True):
    """The server confirmed the `disconnect`. `connect` may be tried again until the server's deadline."""


class ServerFailed(msgspec.Struct, frozen=True):
    """The server could not prove itself, or broke the protocol. A `Close` follows."""

    problem: str
    identity: bool
    """True when it is the server's identity that did not verify."""


class TimedOut(msgspec.Struct, frozen=True):
    """The server did not answer in time. A `Close` follows."""

    request: str
    """The name of the request that has no answer."""


Effect = (
    Send
    | Close
    | Release
    | Sign
    | Verify
    | Admit
    | ServerVerified
    | Connected
    | ConnectRefused
    | Disconnected
    | ServerFailed
    | TimedOut
)
"""All that a session tells or asks."""


def clip_close_reason(reason: str) -> str:
    """Cut `reason` to the 123 bytes that fit in a Close frame, between characters."""
    return reason.encode("utf-8", "replace")[:MAX_CLOSE_REASON_BYTES].decode("utf-8", "ignore")
