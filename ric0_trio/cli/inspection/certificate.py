"""What a certificate says of itself: until when it is good, for which hosts, who issued it, and what its key costs."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import AuthorityInformationAccessOID

from ric0_trio.access import moments
from ric0_trio.cli.inspection.findings import Finding, Level
from ric0_trio.client.address import Address

_SOON: Final = timedelta(days=14)
_RENEW: Final = "renew it, and give the server the new one"
_UNREADABLE: Final = (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


def inspect_certificate(path: Path, url: str | None, now: datetime) -> Iterator[Finding]:
    """Look at the chain in `path`, which TLS could load; `url` is what clients are told to come back to."""
    try:
        chain = x509.load_pem_x509_certificates(path.read_bytes())
        yield _inspect_dates(path, chain[0], now)
        yield _inspect_names(path, chain[0], url)
        yield from _inspect_issuers(path, chain, now)
        yield from _inspect_key(path, chain[0])
    except _UNREADABLE as error:
        yield Finding(Level.WARNING, str(path), f"what it says cannot be read ({error})", "have it issued anew")


def _inspect_dates(path: Path, own: x509.Certificate, now: datetime) -> Finding:
    begin, end = own.not_valid_before_utc, own.not_valid_after_utc
    if end < now:
        return Finding(Level.FAILED, str(path), f"it expired on {moments.to_words(end)}", _RENEW)
    if begin > now:
        remedy = "wait until then, or set this machine's clock"
        return Finding(Level.FAILED, str(path), f"it is not valid before {moments.to_words(begin)}", remedy)
    if end < now + _SOON:
        return Finding(Level.WARNING, str(path), f"it expires soon, on {moments.to_words(end)}", _RENEW)
    return Finding(Level.OK, str(path), f"valid until {moments.to_words(end)}")


def _inspect_names(path: Path, own: x509.Certificate, url: str | None) -> Finding:
    names = _find_names(own)
    host = None
    with suppress(ValueError):  # what is wrong with a URL is told elsewhere
        host = None if url is None else Address.parse(url).host
    if not names:
        why = "it names no host (subjectAltName), so no client takes it"
        return Finding(Level.WARNING, str(path), why, "have one issued for the name that clients use")
    if host is not None and not any(_covers(name, host) for name in names):
        why = f"it is for {', '.join(names)}, and not for {host}, where [server] url sends clients"
        return Finding(Level.WARNING, str(path), why, "have one issued for that name, or change the url")
    return Finding(Level.OK, str(path), f"for {', '.join(names)}")


def _find_names(own: x509.Certificate) -> list[str]:
    try:
        names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]


def _covers(name: str, host: str) -> bool:
    """As RFC 6125 has it: a `*` stands for one label, the first, and for no part of an address."""
    try:
        return ip_address(name) == ip_address(host)
    except ValueError:
        name, host = name.lower(), host.lower().removesuffix(".")
        return name == host or (name.startswith("*.") and name[2:] == host.partition(".")[2] and not _is_address(host))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _inspect_issuers(path: Path, chain: Sequence[x509.Certificate], now: datetime) -> Iterator[Finding]:
    own, *others = chain
    if _is_issued_by(own, own):
        why = "self-signed: only clients that were given it take it"
        yield Finding(Level.NOTE, str(path), why, "give it to them, or have one issued by an authority")
    elif not others and (where := _find_issuer(own)) is not None:  # a root that clients know is not offered like this
        why = "clients may miss the intermediate: its issuer's certificate is not in the file"
        yield Finding(Level.WARNING, str(path), why, f"append it, from {where}; certbot's fullchain.pem has it")
    if any(not _is_issued_by(one, following) for one, following in pairwise(chain)):
        why = "the chain is out of order: each is to be issued by the one after it"
        yield Finding(Level.WARNING, str(path), why, "put the server's own first, and its issuers after it in turn")
    for other in others:
        if other.not_valid_after_utc < now:
            why = f"the certificate of its issuer {other.subject.rfc4514_string()} has expired"
            yield Finding(Level.WARNING, str(path), why, "take the chain that its authority offers now")


def _is_issued_by(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _find_issuer(own: x509.Certificate) -> str | None:
    """Where the issuer's certificate is offered, for a client that looks: few do."""
    try:
        offers = own.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return None
    for offer in offers:
        if offer.access_method == AuthorityInformationAccessOID.CA_ISSUERS:
            return str(offer.access_location.value)
    return None


def _inspect_key(path: Path, own: x509.Certificate) -> Iterator[Finding]:
    key = own.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        why = f"its key is RSA-{key.key_size}: a handshake, which any stranger can ask for, costs more than with ECDSA"
        yield Finding(Level.NOTE, str(path), why, "have it issued for an ECDSA key (docs/operations.md)")
