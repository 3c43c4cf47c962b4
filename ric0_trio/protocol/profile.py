"""What a server is, and the bounds of one connection to it: what every `ServerSession` is given."""

from typing import Annotated

import msgspec
from msgspec import Meta

from ric0_trio.protocol.keys import KEY_FORMATS
from ric0_trio.protocol.messages import AppInfo, ServerInfo

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Number = Annotated[int, Meta(ge=1, le=1_000_000_000)]


class ServerProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What a server is, to every connection alike. It holds no private key."""

    app: AppInfo
    info: ServerInfo
    """How the server names itself; its `pubkey` is the server's identity."""
    accepted_key_formats: frozenset[str] = frozenset(KEY_FORMATS)
    """The formats that a user's key may have."""


class SessionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of one connection (docs/protocol.md, "Budgets and deadlines")."""

    auth_timeout_s: Seconds = 10.0
    """How long a client may be there without a connected user, questions not counted."""
    answer_timeout_s: Seconds = 5.0
    """How long a question may stay open."""
    messages_before_auth: Number = 8
    challenges: Number = 3
    """`challenge` requests in a connection's whole life, acceptable or not. (`invalid_message` ones aside.)"""
    messages_per_s: Annotated[float, Meta(gt=0, le=1_000_000)] = 20.0
    messages_burst: Number = 40
    max_message_bytes_before_auth: Number = 16 * 1024
    max_message_bytes: Number = 64 * 1024
