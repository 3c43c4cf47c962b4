"""What a server is told when it is made, and may be told anew while it runs."""

import ssl
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ric0_trio.protocol import Codec, ServerProfile, available_codecs
from ric0_trio.server.limits import ServerLimits

Adapter = Literal["direct", "plain"]
"""What carries a WebSocket: `direct` is one task and no more; `plain` is trio-websocket as it comes."""


class RecordSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which conversations are written down, where, and how much of them (docs/transcripts.md)."""

    dir: Path | None = None
    """The folder of transcripts; None: nothing is written down."""
    addresses: tuple[str, ...] = ()
    """Whose they are: addresses, networks and `unix`, as in `exempt_networks`; empty: anyone's."""
    one_in: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    """Of so many of these, one is written down."""
    max_transcript_bytes: Annotated[int, Meta(ge=16 * 1024, le=1_000_000_000)] = 256 * 1024
    """Where a transcript is cut."""
    max_total_bytes: Annotated[int, Meta(ge=64 * 1024, le=1_000_000_000_000)] = 64 * 1024 * 1024
    """What all transcripts in the folder may take, in blocks of 4 KiB: then no more is written."""


@dataclass(frozen=True)
class Settings:
    """How a server names itself, and how it deals with its clients."""

    profile: ServerProfile
    ssl_context: ssl.SSLContext | None
    """Without one plain `ws://` is spoken, which is for tests and for behind a proxy that ends TLS."""
    limits: ServerLimits = field(default_factory=ServerLimits)
    codecs: Sequence[Codec] = field(default_factory=available_codecs)
    """The encodings that are spoken, the preferred first."""
    trusted_proxies: Collection[str] = ()
    """Who may say in `X-Forwarded-For` for whom they speak: addresses, networks and `unix`, as in `exempt_networks`."""
    allowed_origins: Collection[str] = ()
    """Web pages of these origins (`https://chat.example`) may connect; those of others may not."""
    adapter: Adapter = "direct"
    record: RecordSettings = field(default_factory=RecordSettings)
