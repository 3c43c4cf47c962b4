"""The bounds that the server adds to those of the session (docs/limits.md).

The name of a limit is the name of its setting: in the configuration, in the log and wherever refusals are counted.
"""

import math
import resource
from typing import Annotated, Final

from msgspec import Meta

from ric0_trio.protocol.profile import Number, Seconds, SessionLimits

_SHARE_OF_DESCRIPTORS: Final = 0.8


class ServerLimits(SessionLimits, frozen=True, kw_only=True):
    """Every wait and every number that a client can make the server spend."""

    opening_timeout_s: Seconds = 10.0
    """For the TLS handshake and the HTTP head together."""
    max_head_bytes: Annotated[int, Meta(ge=1024, le=64 * 1024)] = 8 * 1024
    """The largest HTTP head."""
    control_frames_before_auth: Number = 8
    """Pings and pongs of a client that is not connected."""
    control_frames_per_min: Number = 60
    """Pings and pongs of a connected user, and as many at once."""
    ping_interval_s: Seconds = 25.0
    """How long a client may be silent before it is pinged."""
    ping_timeout_s: Seconds = 10.0
    """How long a pinged client may then be silent before it is held to be gone."""
    write_timeout_s: Seconds = 5.0
    """How long one message may take to send."""
    close_timeout_before_auth_s: Seconds = 0.5
    """For the closing handshake with a client that is not connected: it is gone within a second."""
    close_timeout_s: Seconds = 5.0
    """For the closing handshake with a connected user."""
    drain_timeout_s: Seconds = 30.0
    """How long a stopping server waits for its connections to end."""
    max_connections: Number = 10_000
    """Connections at once. The command keeps to 80 % of the limit on open files, if that is less."""
    unauthenticated_connections: Number = 256
    """Of these, connections without a connected user."""
    overload_wait_s: Seconds = 0.03
    """How long strangers may wait for a turn of the processor, before newcomers are refused."""
    connections_per_address: Number = 64
    """An address is one of IPv4, or a /64 of IPv6; here and in what follows."""
    new_connections_per_address_per_min: Number = 60
    """Also at once. Connecting a user again, on a connection that had one, counts as well."""
    unauthenticated_per_address: Number = 16
    failures_per_address: Number = 10
    """Forged proofs and bad join tokens within `failure_window_s`, before an address is barred for `failure_bar_s`."""
    failure_window_s: Seconds = 120.0
    failure_bar_s: Seconds = 300.0
    exempt_networks: tuple[str, ...] = ()
    """Whose addresses the bounds per address do not concern: `192.0.2.0/24`, `2001:db8::/32`, `unix`."""


def descriptors_for(connections: int) -> int:
    """How many files a process must be allowed to have open, to have so many connections."""
    return math.ceil(connections / _SHARE_OF_DESCRIPTORS)


def fit_to_descriptors(connections: int) -> int:
    """As many connections as that, but no more than 80 % of the files that this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return connections
    return max(1, min(connections, int(soft * _SHARE_OF_DESCRIPTORS)))
