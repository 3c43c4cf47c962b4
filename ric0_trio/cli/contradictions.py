"""What the sections of a configuration ask of each other, and each alone does not show."""

from collections.abc import Iterator
from typing import Final

from ric0_trio.cli.exits import SetupError
from ric0_trio.config import Config

_WHO_IS_TRUSTED: Final = """name the proxies that end TLS in front of this server,
by address or network: nobody else is served in plain ws://, and what they say in X-Forwarded-For is believed"""
_HOW_TO_TRUST: Final = (
    """trusted_proxies = ["127.0.0.1", "::1"] for one on this machine, or ["unix"] for unix sockets"""
)


def find_contradictions(config: Config) -> Iterator[SetupError]:
    """Find what keeps a server from being started with it."""
    listen, tls = config.listen, config.tls
    if listen.proxied and not listen.trusted_proxies:
        yield SetupError("[listen] trusted_proxies", _WHO_IS_TRUSTED, _HOW_TO_TRUST)
    if not listen.direct and (tls.cert or tls.key):
        why = "[listen] behind_proxy means plain ws://, so a certificate is of no use here"
        yield SetupError("[tls] cert and key", why, "leave out one or the other")
    if listen.first.path is not None and (missing := find_missing_url(config)) is not None:
        yield missing


def find_missing_url(config: Config) -> SetupError | None:
    """Say what is missing when the first place is a unix socket, to which no URL leads."""
    if config.server.url is not None:
        return None
    why = "needed when [listen] host is a unix socket"
    return SetupError("[server] url", why, "say what clients are told to come back to, wss://chat.example/ric0_chat")
