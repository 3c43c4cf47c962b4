"""What a server is told when it is made, and may be told anew while it runs."""

import ssl
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ric0_trio.protocol import Codec, ServerProfile, available_codecs
from ric0_trio.server.limits import ServerLimits

Adapter = Literal["direct", "plain"]
"""What carries a WebSocket: `direct` is one task and no more; `plain` is trio-websocket as it comes."""


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
