"""Who is at the other end, as far as the network tells, and what an address is for the bounds that count by it."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

UNIX: Final = "unix"
"""What the peers of a unix socket are called: they have no address."""

_REMEMBERED: Final = 4096

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_IPV6_PREFIX: Final = 64  # what one customer gets, at least: any address in it costs them nothing


class Networks:
    """A set of addresses."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Take networks as `192.0.2.0/24`, addresses, or `unix`. Raises `ValueError` for what is neither."""
        names = list(networks)
        self._unix = UNIX in names
        self._networks: list[_Network] = [_parse_network(name) for name in names if name != UNIX]

    def __contains__(self, peer: str) -> bool:
        """Whether a peer, by its address or as `unix`, is one of them."""
        return self.has(peer, _parse_address(peer))

    def has(self, peer: str, address: _Address | None) -> bool:
        """The same, when the peer's address is known by now."""
        if address is None:
            return peer == UNIX and self._unix
        return any(address in network for network in self._networks)


@dataclass(frozen=True)
class Peer:
    """Who is at the other end of a connection."""

    name: str
    """Their address, for people to read."""
    group: str | None
    """What the bounds per address count them under; None when these do not concern them."""
    is_proxy: bool = False
    """Whether they are trusted to say for whom they speak."""


class Addresses:
    """Tells peers apart, by what an operator says of their networks."""

    def __init__(self, exempt: Iterable[str], trusted_proxies: Iterable[str]) -> None:
        """Take networks as `Networks` does; raises as it does."""
        self._exempt = Networks(exempt)
        self._proxies = Networks(trusted_proxies)
        self.peer = lru_cache(_REMEMBERED)(self._find_peer)
        """Whoever is at an address, or is called so. To parse it costs as much as a signature does."""

    def _find_peer(self, name: str) -> Peer:
        address = _parse_address(name)
        name = name if address is None else str(address)
        is_exempt, is_proxy = self._exempt.has(name, address), self._proxies.has(name, address)
        return Peer(name, None if is_exempt else _group(name, address), is_proxy)

    def client_of(self, proxy: Peer, forwarded_for: Sequence[str]) -> Peer | None:
        """Whoever a trusted proxy speaks for, by its `X-Forwarded-For`; the proxy itself when it does not say.

        Each proxy has added whom it heard, at the end: the last that is no trusted proxy is the client, and what
        comes before is only what the client says. None when that is no address.
        """
        for name in reversed(forwarded_for):
            address = _parse_address(_without_port(name))
            if address is None:
                return None
            peer = self.peer(str(address))
            if not peer.is_proxy:
                return peer
        return proxy


def _parse_network(name: str) -> _Network:
    network = ipaddress.ip_network(name, strict=False)
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is not None and network.prefixlen >= 96:
        return ipaddress.ip_network((mapped, network.prefixlen - 96), strict=False)
    return network


def _parse_address(name: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _group(name: str, address: _Address | None) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
    return name


def _without_port(name: str) -> str:
    """Some proxies write `192.0.2.7:4711` and `[2001:db8::7]:4711`."""
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0] if name.count(":") == 1 else name
