"""What `serve` is started with: the configuration, and the keys that it names. Read again on SIGHUP."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ric0_trio.cli.credentials import load_credentials
from ric0_trio.cli.dev_setup import DEV_FOLDER, DevFiles
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.config import DATA_DIR, Config, load_config
from ric0_trio.config_errors import ConfigError
from ric0_trio.protocol import PrivateKey
from ric0_trio.server.tls import find_expiry


@dataclass(frozen=True)
class Sources:
    """Where the configuration comes from."""

    file: Path | None
    flags: Mapping[str, Any]
    """Nested as the file is; None counts as absent."""
    dev: bool
    plaintext: bool

    def read(self) -> Config:
        """Read the configuration. Raises `CommandError`."""
        try:
            data_dir = DEV_FOLDER if self.dev else DATA_DIR
            config = load_config(self.file, os.environ, self.flags, data_dir=data_dir)
        except ConfigError as error:
            raise CommandError(str(error), Exit.CONFIG) from None
        return _with_dev_files(config) if self.dev else config


@dataclass(frozen=True)
class Startup:
    """All that is needed to serve."""

    sources: Sources
    config: Config
    identity: PrivateKey
    ssl_context: ssl.SSLContext | None
    certificate_expires_at: float | None
    """In seconds since the epoch, if there is a certificate."""

    @property
    def dev(self) -> bool:
        """Whether it is only tried out."""
        return self.sources.dev


def load_startup(sources: Sources, config: Config) -> Startup:
    """Load what the configuration names. Raises `CommandError`."""
    if sources.dev:
        _make_dev_files(config)
    identity, ssl_context = load_credentials(config, plaintext=sources.plaintext)
    cert = config.tls.cert
    expires_at = find_expiry(cert) if ssl_context is not None and cert is not None else None
    return Startup(sources, config, identity, ssl_context, expires_at)


def _with_dev_files(config: Config) -> Config:
    files, tls = DevFiles(config.data_dir), config.tls
    if tls.cert is None and tls.key is None:
        tls = msgspec.structs.replace(tls, cert=files.cert, key=files.key)
    server = msgspec.structs.replace(config.server, identity=config.server.identity or files.identity)
    return msgspec.structs.replace(config, tls=tls, server=server)


def _make_dev_files(config: Config) -> None:
    files = DevFiles(config.data_dir)
    try:
        files.make_missing()
    except OSError as error:
        raise CommandError(f"{error.filename or files.folder}: {error.strerror}", Exit.CONFIG) from None
