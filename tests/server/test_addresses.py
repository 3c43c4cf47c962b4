"""Whom an address stands for: groups, exemptions, and what proxies say."""

import pytest

from ric0_trio.server.addresses import Addresses, Networks, Peer

GROUPS: dict[str, tuple[str, str]] = {
    # an address as a socket gives it: how it is shown, and what it counts under
    "192.0.2.7": ("192.0.2.7", "192.0.2.7"),
    "::ffff:192.0.2.7": ("192.0.2.7", "192.0.2.7"),
    "2001:db8:1:2:3:4:5:6": ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    "2001:db8:1:2::": ("2001:db8:1:2::", "2001:db8:1:2::/64"),
    "2001:db8:1:3::": ("2001:db8:1:3::", "2001:db8:1:3::/64"),
    "fe80::1%eth0": ("fe80::1", "fe80::/64"),
    "unix": ("unix", "unix"),
    "unknown": ("unknown", "unknown"),
}


@pytest.mark.parametrize(("name", "expected"), GROUPS.items(), ids=GROUPS)
def test_groups(name: str, expected: tuple[str, str]) -> None:
    peer = Addresses((), ()).peer(name)
    assert (peer.name, peer.group, peer.is_proxy) == (*expected, False)


EXEMPT = {
    ("192.0.2.0/24", "192.0.2.255"): True,
    ("192.0.2.0/24", "192.0.3.0"): False,
    ("192.0.2.0/24", "::ffff:192.0.2.1"): True,
    ("::ffff:192.0.2.0/120", "192.0.2.1"): True,
    ("192.0.2.9/24", "192.0.2.1"): True,  # an address in its network will do
    ("192.0.2.1", "192.0.2.1"): True,
    ("2001:db8::/32", "2001:db8:ffff::1"): True,
    ("2001:db8::/32", "192.0.2.1"): False,
    ("::/0", "192.0.2.1"): False,
    ("unix", "unix"): True,
    ("unix", "192.0.2.1"): False,
    ("0.0.0.0/0", "unix"): False,
    ("0.0.0.0/0", "unknown"): False,
}


@pytest.mark.parametrize(("pair", "is_exempt"), EXEMPT.items())
def test_exemptions(pair: tuple[str, str], is_exempt: bool) -> None:
    network, name = pair
    assert (Addresses([network], ()).peer(name).group is None) is is_exempt
    assert (name in Networks([network])) is is_exempt
    assert Addresses((), [network]).peer(name).is_proxy is is_exempt


@pytest.mark.parametrize("network", ["nginx", "192.0.2.0/33", "", "192.0.2", "2001:db8::/129", "UNIX"])
def test_what_is_no_network_is_an_error(network: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        Networks([network])


PROXIES = ("10.0.0.0/8", "fd00::/8", "unix")
CLIENTS: dict[tuple[str, ...], str | None] = {
    # X-Forwarded-For: the client
    ("192.0.2.7",): "192.0.2.7",
    ("198.51.100.1", "192.0.2.7"): "192.0.2.7",  # the first is hearsay
    ("192.0.2.7", "10.9.9.9"): "192.0.2.7",  # through two proxies of ours
    ("192.0.2.7", "fd00::1", "10.9.9.9"): "192.0.2.7",
    ("nonsense", "192.0.2.7"): "192.0.2.7",
    ("192.0.2.7", "nonsense"): None,
    ("nonsense",): None,
    ("unknown",): None,
    ("unix",): None,
    ("192.0.2.7:4711",): "192.0.2.7",
    ("2001:db8::7",): "2001:db8::7",
    ("[2001:db8::7]",): "2001:db8::7",
    ("[2001:db8::7]:4711",): "2001:db8::7",
    ("::ffff:192.0.2.7",): "192.0.2.7",
    (): "10.0.0.1",
    ("10.9.9.9",): "10.0.0.1",  # nobody but proxies: it speaks for itself
}


@pytest.mark.parametrize(("forwarded_for", "client"), CLIENTS.items())
def test_whom_a_proxy_speaks_for(forwarded_for: tuple[str, ...], client: str | None) -> None:
    addresses = Addresses((), PROXIES)
    found = addresses.client_of(addresses.peer("10.0.0.1"), forwarded_for)
    assert (found and found.name) == client


def test_a_client_behind_a_proxy_counts_as_others_do() -> None:
    addresses = Addresses(["203.0.113.0/24"], PROXIES)
    proxy = addresses.peer("unix")
    assert addresses.client_of(proxy, ["2001:db8::7"]) == Peer("2001:db8::7", "2001:db8::/64")
    assert addresses.client_of(proxy, ["203.0.113.9"]) == Peer("203.0.113.9", None)
