"""What every connection of a server shares."""

import ssl
from collections.abc import Iterable, Sequence
from typing import Final

import trio

from ric0_trio.access.store import AccessStore
from ric0_trio.protocol import Codec, PrivateKey, ServerProfile
from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.server.address_limits import AddressLimits
from ric0_trio.server.addresses import Addresses
from ric0_trio.server.limits import ServerLimits
from ric0_trio.server.refusals import Refusals
from ric0_trio.server.strangers import Strangers
from ric0_trio.server.turns import Turnstile

_SIGNING_THREADS: Final = 2
_TOLD_AT_ONCE: Final = 64
_TOLD_PER_S: Final = 20


class Services:
    """Made once, by `Server`."""

    def __init__(
        self,
        profile: ServerProfile,
        key: PrivateKey,
        access: AccessStore,
        limits: ServerLimits,
        codecs: Sequence[Codec],
        ssl_context: ssl.SSLContext | None,
        *,
        trusted_proxies: Iterable[str] = (),
        allowed_origins: Iterable[str] = (),
    ) -> None:
        """Take what `Server` was given. Raises `ValueError` for what is no network."""
        self.profile = profile
        self.key = key
        self.access = access
        self.limits = limits
        self.codecs = codecs
        self.ssl_context = ssl_context
        self.allowed_origins = frozenset(origin.lower() for origin in allowed_origins)
        self.addresses = Addresses(limits.exempt_networks, trusted_proxies)
        self.address_limits = AddressLimits(limits)
        self.strangers = Strangers(limits)
        self.turns = Turnstile()
        self.refusals = Refusals()
        self.courtesy = TokenBucket(_TOLD_AT_ONCE, _TOLD_PER_S, now=0)
        """How many newcomers are told that there is no room; others are cut off without a word."""
        self.signing_threads = trio.CapacityLimiter(_SIGNING_THREADS)
