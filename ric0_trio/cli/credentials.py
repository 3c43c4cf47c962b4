"""What `serve` cannot be without: an identity, and a certificate with its key. What is wrong with one is said here."""

import ssl
import stat
from pathlib import Path
from typing import Final

import structlog

from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.config import Config
from ric0_trio.keyfile import load_private_key
from ric0_trio.protocol import InvalidKeyError, PrivateKey
from ric0_trio.server import make_server_context

_NO_PROXIES: Final = """[listen] trusted_proxies: name the proxies that end TLS in front of this server,
by address or network: trusted_proxies = ["127.0.0.1", "::1"] for one on this machine, or ["unix"] for unix sockets.
Nobody else is served in plain ws://, and what they say in X-Forwarded-For is believed."""


def load_credentials(config: Config, *, plaintext: bool) -> tuple[PrivateKey, ssl.SSLContext | None]:
    """Load the identity, and the certificate if TLS is spoken. Raises `CommandError`, which says how to get each."""
    is_tls = not plaintext and bool(config.listen.direct)
    if config.listen.proxied and not config.listen.trusted_proxies:
        raise CommandError(_NO_PROXIES, Exit.CONFIG)
    if not config.listen.direct and (config.tls.cert or config.tls.key):
        why = "[listen] behind_proxy means plain ws://, so a certificate is of no use here: leave out one or the other"
        raise CommandError(why, Exit.CONFIG)
    if config.server.identity is None or (is_tls and (config.tls.cert is None or config.tls.key is None)):
        raise CommandError(_what_is_missing(config, is_tls), Exit.CONFIG)
    identity = _load_identity(config.server.identity)
    _warn_of_open_key(config.server.identity)
    if not is_tls or config.tls.cert is None or config.tls.key is None:
        return identity, None
    context = _load_certificate(config.tls.cert, config.tls.key, identity)
    _warn_of_open_key(config.tls.key)
    return identity, context


def _what_is_missing(config: Config, is_tls: bool) -> str:
    missing = []
    if config.server.identity is None:
        missing.append(
            "an identity: make one with `ric0-trio keygen identity.pem`, and pass `--identity identity.pem`\n"
            "    (or [server] identity in the configuration)"
        )
    if is_tls and (config.tls.cert is None or config.tls.key is None):
        missing.append(
            "a certificate: get one from a certificate authority, with certbot for example, and pass\n"
            "    `--cert fullchain.pem --key privkey.pem` (or [tls] cert and key in the configuration);\n"
            "    behind a proxy that ends TLS, set [listen] behind_proxy = true instead"
        )
    lines = "\n".join(f"  - {text}" for text in missing)
    return f"the server still needs\n{lines}\nTo try it out without either: ric0-trio serve --dev"


def _load_identity(path: Path) -> PrivateKey:
    try:
        return load_private_key(path)
    except InvalidKeyError as error:
        raise CommandError(str(error), Exit.CONFIG) from None
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}; make one with `ric0-trio keygen {path}`", Exit.CONFIG) from None


def _load_certificate(cert: Path, key: Path, identity: PrivateKey) -> ssl.SSLContext:
    if b"BEGIN CERTIFICATE" not in _read_pem(cert, "--cert"):
        raise CommandError(f"{cert}: no certificate in PEM; expected -----BEGIN CERTIFICATE-----", Exit.CONFIG)
    private = _read_pem(key, "--key")
    if b"PRIVATE KEY" not in private:
        raise CommandError(f"{key}: no private key in PEM; expected -----BEGIN PRIVATE KEY-----", Exit.CONFIG)
    if b"ENCRYPTED" in private:  # openssl would ask for a password, and wait
        remedy = f"decrypt it with `openssl pkey -in {key} -out NEW`, and let its owner alone read it"
        raise CommandError(f"{key}: the key is encrypted; {remedy}", Exit.CONFIG)
    if _is_same_key(private, identity):
        why = "is the server's identity as well; strangers can have that sign what TLS signs"
        raise CommandError(f"{key}: the certificate's key {why}: make an identity of its own", Exit.CONFIG)
    try:
        return make_server_context(cert, key)
    except ssl.SSLError:
        why = f"{key} is not the key of the certificate {cert}, or one of them is damaged"
        raise CommandError(f"{why}; pass the two files of one certificate to --cert and --key", Exit.CONFIG) from None


def _read_pem(path: Path, flag: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}; see {flag}", Exit.CONFIG) from None


def _is_same_key(pem: bytes, identity: PrivateKey) -> bool:
    try:
        return PrivateKey.from_pem(pem).public == identity.public
    except InvalidKeyError:  # of another kind: TLS has more of them
        return False


def _warn_of_open_key(path: Path) -> None:
    if path.stat().st_mode & stat.S_IRWXO:
        structlog.get_logger().warning("key.open_to_everyone", path=str(path), remedy=f"chmod 600 {path}")
