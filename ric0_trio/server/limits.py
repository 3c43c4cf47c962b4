"""The bounds that the server adds to those of the session (docs/limits.md)."""

from ric0_trio.protocol.profile import Number, Seconds, SessionLimits


class ServerLimits(SessionLimits, frozen=True, kw_only=True):
    """Every wait and every number that a client can make the server spend."""

    opening_timeout_s: Seconds = 10.0
    """For the TLS handshake and the HTTP head together."""
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
    """Connections at once; further ones wait to be accepted."""
