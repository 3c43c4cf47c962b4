"""What `serve` cannot be without: an identity, and a certificate with its key. What is wrong with one is said here."""

import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import structlog

from ric0_trio.cli.contradictions import find_contradictions
from ric0_trio.cli.exits import CommandError, Exit, SetupError
from ric0_trio.config import Config
from ric0_trio.keyfile import load_private_key
from ric0_trio.protocol import InvalidKeyError, PrivateKey
from ric0_trio.server import make_server_context


class Missing(NamedTuple):
    """What a configuration does not name."""

    what: str
    remedy: str
    """Where to get it, and how to name it."""


def load_credentials(config: Config, *, plaintext: bool) -> tuple[PrivateKey, ssl.SSLContext | None]:
    """Load the identity, and the certificate if TLS is spoken. Raises `CommandError`, which says how to get each."""
    for error in find_contradictions(config):
        raise error
    is_tls = not plaintext and bool(config.listen.direct)
    missing = list(find_missing(config, is_tls=is_tls))
    if config.server.identity is None or missing:
        lines = "\n".join(f"  - {what}: {remedy}" for what, remedy in missing)
        why = f"the server still needs\n{lines}\nTo try it out without either: ric0-trio serve --dev"
        raise CommandError(why, Exit.CONFIG)
    identity = load_identity(config.server.identity)
    _warn_of_open_key(config.server.identity)
    if not is_tls or config.tls.cert is None or config.tls.key is None:
        return identity, None
    context = load_certificate(config.tls.cert, config.tls.key, identity)
    _warn_of_open_key(config.tls.key)
    return identity, context


def find_missing(config: Config, *, is_tls: bool) -> Iterator[Missing]:
    """Find what a server needs, and is not named."""
    if config.server.identity is None:
        yield Missing(
            "an identity",
            "make one with `ric0-trio keygen identity.pem`, and pass `--identity identity.pem`\n"
            "    (or [server] identity in the configuration)",
        )
    if is_tls and (config.tls.cert is None or config.tls.key is None):
        yield Missing(
            "a certificate",
            "get one from a certificate authority, with certbot for example, and pass\n"
            "    `--cert fullchain.pem --key privkey.pem` (or [tls] cert and key in the configuration);\n"
            "    behind a proxy that ends TLS, set [listen] behind_proxy = true instead",
        )


def load_identity(path: Path) -> PrivateKey:
    """Load the server's private key. Raises `SetupError`."""
    try:
        return load_private_key(path)
    except InvalidKeyError as error:
        text, _, remedy = str(error).removeprefix(f"{path}: ").partition("; ")
        raise SetupError(str(path), text, remedy) from None
    except OSError as error:
        raise _unreadable(path, error, f"make one with `ric0-trio keygen {path}`") from None


def load_certificate(cert: Path, key: Path, identity: PrivateKey | None) -> ssl.SSLContext:
    """Load a chain and its private key, which is not to be that of the `identity`. Raises `SetupError`."""
    if b"BEGIN CERTIFICATE" not in _read_pem(cert, "--cert"):
        raise SetupError(str(cert), "no certificate in PEM", "expected -----BEGIN CERTIFICATE-----")
    private = _read_pem(key, "--key")
    if b"PRIVATE KEY" not in private:
        raise SetupError(str(key), "no private key in PEM", "expected -----BEGIN PRIVATE KEY-----")
    if b"ENCRYPTED" in private:  # openssl would ask for a password, and wait
        remedy = f"decrypt it with `openssl pkey -in {key} -out NEW`, and let its owner alone read it"
        raise SetupError(str(key), "the key is encrypted", remedy)
    if identity is not None and _is_same_key(private, identity):
        remedy = "strangers can have that sign what TLS signs: make an identity of its own"
        raise SetupError(str(key), "the certificate's key is the server's identity as well", remedy)
    try:
        return make_server_context(cert, key)
    except ssl.SSLError:
        why = f"{key} is not the key of the certificate {cert}, or one of them is damaged"
        raise SetupError(str(cert), why, "pass the two files of one certificate to --cert and --key") from None
    except OSError as error:  # it was there a moment ago: someone is writing them anew, or too many files are open
        raise _unreadable(cert, error, f"see --cert and --key, {key}") from None


def is_open_to_everyone(path: Path) -> bool:
    """Whether others on this machine can read a secret, or worse."""
    return bool(path.stat().st_mode & stat.S_IRWXO)


def _read_pem(path: Path, flag: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error, f"see {flag}") from None


def _unreadable(path: Path, error: OSError, remedy: str) -> SetupError:
    if isinstance(error, PermissionError):
        remedy = "let the server's account read it, and start it as that account"
    return SetupError(str(path), error.strerror or str(error), remedy)


def _is_same_key(pem: bytes, identity: PrivateKey) -> bool:
    try:
        return PrivateKey.from_pem(pem).public == identity.public
    except InvalidKeyError:  # of another kind: TLS has more of them
        return False


def _warn_of_open_key(path: Path) -> None:
    try:
        is_open = is_open_to_everyone(path)
    except OSError:  # it was there a moment ago, and has been read
        return
    if is_open:
        structlog.get_logger().warning("key.open_to_everyone", path=str(path), remedy=f"chmod 600 {path}")
