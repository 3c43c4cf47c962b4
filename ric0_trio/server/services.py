"""What every connection of a server shares."""

from typing import Final

import structlog
import trio

from ric0_trio.access.store import AccessStore, ImmediateAccess
from ric0_trio.protocol import PrivateKey
from ric0_trio.protocol.rate import TokenBucket
from ric0_trio.server.address_limits import AddressLimits
from ric0_trio.server.addresses import Addresses, Peer
from ric0_trio.server.endings import EndingLog
from ric0_trio.server.metrics import Metrics
from ric0_trio.server.recorder import Recorder
from ric0_trio.server.refusals import Refusals
from ric0_trio.server.settings import Settings
from ric0_trio.server.strangers import Strangers
from ric0_trio.server.upgrade import normal_origin
from ric0_trio.transport.readiness import Readiness
from ric0_trio.transport.turns import Turnstile

_SIGNING_THREADS: Final = 2
_TOLD_AT_ONCE: Final = 64
_TOLD_PER_S: Final = 20


class Services:
    """Made once, by `Server`."""

    def __init__(self, settings: Settings, key: PrivateKey, access: AccessStore | ImmediateAccess) -> None:
        self.key = key
        self.access = access
        self.address_limits = AddressLimits(settings.limits)
        self.strangers = Strangers(settings.limits)
        self.turns = Turnstile()
        self.readiness = Readiness(self.turns)
        self.refusals = Refusals()
        self.endings = EndingLog()
        self.metrics = Metrics()
        self.recorder = Recorder(self.metrics.count_transcript)
        self.courtesy = TokenBucket(_TOLD_AT_ONCE, _TOLD_PER_S, now=0)
        """How many newcomers are told that there is no room; others are cut off without a word."""
        self.signing_threads = trio.CapacityLimiter(_SIGNING_THREADS)
        self._has_warned_of_proxy = False
        self.change(settings)

    def change(self, settings: Settings) -> None:
        """Take settings for those who come from here on: whoever is there keeps the old ones.

        Raises `ValueError`, and changes nothing, for another key than the server's, and for what is no network.
        """
        if settings.profile.info.pubkey != self.key.public:
            raise ValueError("the profile names another key than the one that the server proves itself with")
        addresses = Addresses(settings.limits.exempt_networks, settings.trusted_proxies)
        self.recorder.change(settings.record)
        self.addresses = addresses
        self.allowed_origins = frozenset(map(normal_origin, settings.allowed_origins))
        self.address_limits.limits = self.strangers.limits = settings.limits
        self.settings = settings

    def see_proxy(self, proxy: Peer, *, names_clients: bool) -> None:
        """Warn, once, of a proxy that does not say for whom it speaks: all its clients count as one."""
        if not names_clients and not self._has_warned_of_proxy:
            self._has_warned_of_proxy = True
            remedy = "have it add whom it heard to X-Forwarded-For; until then the bounds per address count all as one"
            structlog.get_logger().warning("proxy.names_nobody", peer=proxy.name, remedy=remedy)
