"""Which addresses never leave this machine: plain `ws://` is for them alone."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Tell whether a server on `host` is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
