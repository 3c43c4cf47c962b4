"""The envelope and every message's data, each bound in its type (docs/protocol.md, "Envelope" and "Messages").

A null stands for an absent optional key; an instance that exists is valid. Unknown keys are ignored by the codecs.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from ric0_trio.protocol.keys import PublicKey
from ric0_trio.protocol.names import name_problem

MAX_CONVERSATION: Final = 2**32 - 1
MAX_LABEL_CHARS: Final = 64
MAX_SENTENCE_CHARS: Final = 512
MAX_TOKEN_CHARS: Final = 256

Label = Annotated[str, Meta(min_length=1, max_length=MAX_LABEL_CHARS)]
Sentence = Annotated[str, Meta(max_length=MAX_SENTENCE_CHARS)]
Url = Annotated[str, Meta(min_length=1, max_length=2048)]
Tag = Annotated[str, Meta(max_length=128)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
ConversationId = Annotated[int, Meta(ge=0, le=MAX_CONVERSATION)]
Capabilities = Annotated[list[Label], Meta(max_length=64)]
ExtensionVersions = Annotated[list[Count], Meta(max_length=16)]
Extensions = Annotated[dict[Label, ExtensionVersions], Meta(max_length=64)]


class Status(StrEnum):
    """Every status that a reply of `challenge`, `connect` or `disconnect` can have."""

    SUCCESS = "success"
    INVALID_MESSAGE = "invalid_message"
    UNKNOWN_ERROR = "unknown_error"
    INVALID_CHALLENGE = "invalid_challenge"
    ALREADY_CONNECTED = "already_connected"
    NOT_CONNECTED = "not_connected"
    DISALLOWED_CLIENT = "disallowed_client"
    DISALLOWED_USER = "disallowed_user"
    UNRECOGNISED_USER = "unrecognised_user"
    JOIN_TOKEN_REQUIRED = "join_token_required"  # noqa: S105 - a status, no token
    INVALID_JOIN_TOKEN = "invalid_join_token"  # noqa: S105 - a status, no token


class _Structure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What has keys. One that is not known is refused here, as the codecs take away first what is to be ignored.

    So a decoder that reads straight into structures skips nothing (`usual_json.py`).
    """


_RELEASE_ORDER: Final = ("dev", "alpha", "beta", "release")


class SoftwareVersion(_Structure, frozen=True, omit_defaults=True):
    """A version: ordered by major, minor, patch, and then dev < alpha < beta < release."""

    type: Literal["release", "beta", "alpha", "dev"]
    major: Count
    minor: Count
    patch: Count | None = 0
    """The third number; absent and null mean 0."""
    vcs_id: Tag | None = None
    display: Tag | None = None
    """How the software itself writes its version."""

    def __lt__(self, other: "SoftwareVersion") -> bool:
        return self.order < other.order

    def __le__(self, other: "SoftwareVersion") -> bool:
        return self.order <= other.order

    def __gt__(self, other: "SoftwareVersion") -> bool:
        return self.order > other.order

    def __ge__(self, other: "SoftwareVersion") -> bool:
        return self.order >= other.order

    @classmethod
    def parse(cls, text: str) -> "SoftwareVersion":
        """Read "1.2", "1.2.3" or "1.2.3-beta". Raises `ValueError`."""
        match = re.fullmatch(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?(?:-(dev|alpha|beta|release))?", text, re.ASCII)
        if match is None:
            raise ValueError("expected a version such as 1.2, 1.2.3 or 1.2.3-beta")
        major, minor, patch, kind = match.groups()
        return msgspec.convert(
            {"type": kind or "release", "major": int(major), "minor": int(minor), "patch": int(patch or 0)}, cls
        )

    @property
    def order(self) -> tuple[int, int, int, int]:
        """The key to sort and compare versions by."""
        return self.major, self.minor, self.patch or 0, _RELEASE_ORDER.index(self.type)

    def __str__(self) -> str:
        number = f"{self.major}.{self.minor}.{self.patch or 0}"
        return number if self.type == "release" else f"{number}-{self.type}"


class AppInfo(_Structure, frozen=True, omit_defaults=True, kw_only=True):
    """ClientAppInfo and ServerAppInfo: a program, and what it can do."""

    name: Label
    version: SoftwareVersion
    capabilities: Capabilities
    extensions: Extensions
    """Each extension's name, with the versions of it that the program speaks."""
    description: Sentence | None = None


class UserIdentity(_Structure, frozen=True, omit_defaults=True, kw_only=True):
    """Who a user says they are. `pubkey` is proved by `connect`; everything else is a claim."""

    name: Label
    type: Literal["user", "bot", "log_relay"]
    pubkey: PublicKey
    home_server: PublicKey
    home_server_url: Url | None = None

    def __post_init__(self) -> None:
        problem = name_problem(self.name)
        if problem is not None:
            raise ValueError(problem)


class ServerInfo(_Structure, frozen=True, omit_defaults=True, kw_only=True):
    """ServerInfo, also called ServerIdentity: how a server names itself to its users."""

    pubkey: PublicKey
    url: Url
    name: Label
    description: Sentence | None = None


class ChallengeRequest(_Structure, frozen=True):
    """Data of a `challenge` request."""

    challenge: Annotated[str, Meta(max_length=16_384)]
    """What the server shall sign, in base64. What is not 16 to 128 bytes gets `invalid_challenge`."""


class ConnectRequest(_Structure, frozen=True, omit_defaults=True, kw_only=True):
    """Data of a `connect` request."""

    client_app: AppInfo
    user: UserIdentity
    challenge: Annotated[str, Meta(max_length=1024)]
    """The user's signature over the bytes of the server's key, in base64: a secret, as it never changes."""
    join_token: Annotated[str, Meta(max_length=MAX_TOKEN_CHARS)] | None = None

    def __repr__(self) -> str:  # a proof and a token must not reach a log by way of a repr
        return f"ConnectRequest(client_app={self.client_app!r}, user={self.user!r}, …)"


class DisconnectRequest(_Structure, frozen=True, omit_defaults=True):
    """Data of a `disconnect` request."""

    reason: Sentence | None = None


class ChallengeReply(_Structure, frozen=True):
    """Data of a `challenge` reply with `success`."""

    pubkey: PublicKey
    challenge_response: Annotated[str, Meta(max_length=1024)]
    """The server's signature over the decoded challenge, in base64."""


class ConnectReply(_Structure, frozen=True):
    """Data of a `connect` reply with `success`."""

    server_app: AppInfo
    server_identity: ServerInfo


class RefusalReply(_Structure, frozen=True, omit_defaults=True):
    """Data of a reply with any other status: mostly empty."""

    disallowed_client_reason: Sentence | None = None
    disallowed_user_reason: Sentence | None = None


class Empty(msgspec.Struct, frozen=True):
    """Data without a key that is known here."""


RequestData = ChallengeRequest | ConnectRequest | DisconnectRequest | Empty
ReplyData = ChallengeReply | ConnectReply | RefusalReply | Empty

REQUEST_DATA: Final[dict[str, type[RequestData]]] = {
    "challenge": ChallengeRequest,
    "connect": ConnectRequest,
    "disconnect": DisconnectRequest,
}
"""The data of each request, by its name. A request of another name has data that only is an object."""

REPLY_DATA: Final[dict[str, type[ReplyData]]] = {"challenge": ChallengeReply, "connect": ConnectReply}
"""The data of each reply with `success` that has any, by its name."""


class Message(msgspec.Struct, frozen=True):
    """An envelope of type `message`. No message has a meaning yet, so its data is not kept."""

    time: datetime
    name: str


class Request(msgspec.Struct, frozen=True):
    """An envelope of type `request`, with data that fits its name."""

    time: datetime
    name: str
    conversation: ConversationId
    data: RequestData


class Reply(msgspec.Struct, frozen=True):
    """An envelope of type `reply`, with data that fits its name and status."""

    time: datetime
    name: str
    conversation: ConversationId
    status: str
    data: ReplyData


class BadRequest(msgspec.Struct, frozen=True):
    """A request with a usable conversation id that is bad in any other way."""

    name: str
    """The request's name, or "" when it has none that could be repeated."""
    conversation: ConversationId
    problem: str
    """What is wrong with it, for a log: it names the place, and never repeats a proof or a token."""


Envelope = Message | Request | Reply | BadRequest
"""All that a payload can decode to."""

JsonObject = dict[str, Any]
