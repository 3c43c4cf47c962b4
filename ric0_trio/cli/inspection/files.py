"""The files that a server is given: they are loaded as at its start, and their modes looked at."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from ric0_trio.cli.credentials import find_missing, is_open_to_everyone, load_certificate, load_identity
from ric0_trio.cli.exits import SetupError
from ric0_trio.cli.inspection.certificate import inspect_certificate
from ric0_trio.cli.inspection.findings import Finding, Level
from ric0_trio.config import Config
from ric0_trio.protocol import PrivateKey


def inspect_files(config: Config, now: datetime) -> Iterator[Finding]:
    """Look at the identity, and at the certificate with its key."""
    yield from _inspect_missing(config)
    identity, tls = None, config.tls
    if config.server.identity is not None:
        try:
            identity = load_identity(config.server.identity)
        except SetupError as error:
            yield Finding.of(error)
        else:
            yield _describe(config.server.identity, identity)
            yield from _inspect_mode(config.server.identity)
    if config.listen.direct and tls.cert is not None and tls.key is not None:
        try:
            load_certificate(tls.cert, tls.key, identity)
        except SetupError as error:
            yield Finding.of(error)
            if error.subject == str(tls.cert):
                return
        else:
            yield Finding(Level.OK, str(tls.key), f"the key of {tls.cert}")
            yield from _inspect_mode(tls.key)
        yield from inspect_certificate(tls.cert, config.server.url, now)


def is_complete(config: Config) -> bool:
    """Whether `serve` needs nothing that this configuration does not name."""
    return not any(find_missing(config, is_tls=bool(config.listen.direct)))


def _inspect_missing(config: Config) -> Iterator[Finding]:
    # Where nothing at all is named, `serve` may well be given all of it on its command line, or --dev.
    is_partial = any((config.server.identity, config.tls.cert, config.tls.key))
    for what, remedy in find_missing(config, is_tls=bool(config.listen.direct)):
        level = Level.FAILED if is_partial else Level.WARNING
        yield Finding(level, "configuration", f"the server still needs {what}", remedy)


def _describe(path: Path, identity: PrivateKey) -> Finding:
    public = identity.public
    return Finding(Level.OK, str(path), f"the identity {public.fingerprint}, of format {public.format}")


def _inspect_mode(path: Path) -> Iterator[Finding]:
    if is_open_to_everyone(path):
        why = "others on this machine can read this private key"
        yield Finding(Level.WARNING, str(path), why, f"chmod 600 {path}")
