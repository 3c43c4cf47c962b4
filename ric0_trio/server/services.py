"""What every connection of a server shares."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from ric0_trio.access.store import AccessStore
from ric0_trio.protocol import Codec, PrivateKey, ServerProfile
from ric0_trio.server.limits import ServerLimits


@dataclass(frozen=True)
class Services:
    """Made once, by `Server`."""

    profile: ServerProfile
    key: PrivateKey
    access: AccessStore
    limits: ServerLimits
    codecs: Sequence[Codec]
    ssl_context: ssl.SSLContext | None
    """None for plain `ws://`."""
