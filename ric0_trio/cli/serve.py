"""`ric0-trio serve`: run the server."""

import os
import ssl
import stat
from pathlib import Path
from typing import Any

import click
import msgspec
import structlog
import trio

from ric0_trio.cli.dev_setup import DEV_FOLDER, DevFiles
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.launch import launch
from ric0_trio.config import DATA_DIR, Config, ConfigError, load_config
from ric0_trio.keyfile import load_private_key
from ric0_trio.protocol import InvalidKeyError, PrivateKey
from ric0_trio.server import make_server_context
from ric0_trio.server.logs import configure_logging
from ric0_trio.transport.loopback import is_loopback

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--dev", is_flag=True, help="Try it out: make what is missing, in ./ric0-dev.")
@click.option("--config", "config_file", type=_FILE, help="A TOML file (docs/operations.md).")
@click.option("--host", help="The address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on; 0 picks one.  [default: 8443]")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the server keeps what it makes.  [default: ric0-data, or ric0-dev with --dev]",
)
@click.option("--plaintext", is_flag=True, help="Speak ws:// without TLS; only with --dev, on a loopback address.")
@click.option("--identity", type=_FILE, help="The server's private key, as `ric0-trio keygen` makes it.")
@click.option("--cert", type=_FILE, help="The TLS certificate chain, in PEM.")
@click.option("--key", type=_FILE, help="The TLS certificate's private key, in PEM.")
@click.option("--log-format", type=click.Choice(["console", "json"]), help="For people, or for machines.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="The least that is logged.")
@click.option(
    "--ready-file",
    type=_FILE,
    envvar="RIC0_TRIO_READY_FILE",
    help="Once it listens, write a JSON object with url, key and pid here.",
)
def serve(
    dev: bool,
    config_file: Path | None,
    plaintext: bool,
    ready_file: Path | None,
    **flags: Any,
) -> None:
    """Run the server, until it gets SIGINT or SIGTERM.

    \b
    To try it out, and then to run it for real:
      ric0-trio serve --dev
      ric0-trio keygen identity.pem
      ric0-trio serve --identity identity.pem --cert fullchain.pem --key privkey.pem --host 0.0.0.0

    \b
    In tests:
      ric0-trio serve --dev --port 0 --data-dir "$TMP" --ready-file "$TMP/ready.json"
    """
    if plaintext and not dev:
        raise click.UsageError("--plaintext is for --dev alone; behind a proxy, set [listen] behind_proxy = true")
    try:
        data_dir = DEV_FOLDER if dev else DATA_DIR
        config = load_config(config_file, os.environ, _as_config(flags), data_dir=data_dir)
    except ConfigError as error:
        raise CommandError(str(error), Exit.CONFIG) from None
    if plaintext and not is_loopback(config.listen.host):
        raise click.UsageError(f"--plaintext listens on a loopback address alone, and {config.listen.host} is none")
    configure_logging(config.log.format, config.log.level)
    if dev:
        config = _make_dev_files(config)
    _check_complete(config, plaintext)
    if ready_file is not None:
        _clear_place(ready_file)
    identity, certificate = _load_identity(config), _load_certificate(config, plaintext)
    _warn_of_open_keys(config)
    trio.run(launch, config, identity, certificate, dev, ready_file)


def _as_config(flags: dict[str, Any]) -> dict[str, Any]:
    """Nest the flags as the configuration file does."""
    return {
        "data_dir": flags["data_dir"],
        "listen": {"host": flags["host"], "port": flags["port"]},
        "tls": {"cert": flags["cert"], "key": flags["key"]},
        "server": {"identity": flags["identity"]},
        "log": {"format": flags["log_format"], "level": flags["log_level"]},
    }


def _make_dev_files(config: Config) -> Config:
    files = DevFiles(config.data_dir)
    try:
        files.make_missing()
    except OSError as error:
        raise CommandError(f"{error.filename or files.folder}: {error.strerror}", Exit.CONFIG) from None
    tls = config.tls
    if tls.cert is None and tls.key is None:
        tls = msgspec.structs.replace(tls, cert=files.cert, key=files.key)
    server = msgspec.structs.replace(config.server, identity=config.server.identity or files.identity)
    return msgspec.structs.replace(config, tls=tls, server=server)


def _check_complete(config: Config, plaintext: bool) -> None:
    missing = []
    if config.server.identity is None:
        missing.append(
            "an identity: make one with `ric0-trio keygen identity.pem`, and pass `--identity identity.pem`\n"
            "    (or [server] identity in the configuration)"
        )
    if not (plaintext or config.listen.behind_proxy) and (config.tls.cert is None or config.tls.key is None):
        missing.append(
            "a certificate: get one from a certificate authority, with certbot for example, and pass\n"
            "    `--cert fullchain.pem --key privkey.pem` (or [tls] cert and key in the configuration);\n"
            "    behind a proxy that ends TLS, set [listen] behind_proxy = true instead"
        )
    if missing:
        lines = "\n".join(f"  - {text}" for text in missing)
        hint = "To try it out without either: ric0-trio serve --dev"
        raise CommandError(f"the server still needs\n{lines}\n{hint}", Exit.CONFIG)


def _load_identity(config: Config) -> PrivateKey:
    path = config.server.identity or Path()
    try:
        return load_private_key(path)
    except InvalidKeyError as error:
        raise CommandError(str(error), Exit.CONFIG) from None
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}; make one with `ric0-trio keygen {path}`", Exit.CONFIG) from None


def _load_certificate(config: Config, plaintext: bool) -> ssl.SSLContext | None:
    if plaintext or config.listen.behind_proxy:
        return None
    cert, key = config.tls.cert or Path(), config.tls.key or Path()
    if b"BEGIN CERTIFICATE" not in _read_pem(cert, "--cert"):
        raise CommandError(f"{cert}: no certificate in PEM; expected -----BEGIN CERTIFICATE-----", Exit.CONFIG)
    private = _read_pem(key, "--key")
    if b"PRIVATE KEY" not in private:
        raise CommandError(f"{key}: no private key in PEM; expected -----BEGIN PRIVATE KEY-----", Exit.CONFIG)
    if b"ENCRYPTED" in private:  # openssl would ask for a password, and wait
        remedy = f"decrypt it with `openssl pkey -in {key} -out NEW`, and let its owner alone read it"
        raise CommandError(f"{key}: the key is encrypted; {remedy}", Exit.CONFIG)
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


def _warn_of_open_keys(config: Config) -> None:
    for path in (config.server.identity, config.tls.key):
        if path is not None and path.exists() and path.stat().st_mode & stat.S_IRWXO:
            structlog.get_logger().warning("key.open_to_everyone", path=str(path), remedy=f"chmod 600 {path}")


def _clear_place(ready_file: Path) -> None:
    folder = ready_file.parent
    try:
        ready_file.unlink(missing_ok=True)
    except OSError as error:
        raise CommandError(f"--ready-file {ready_file}: {error.strerror}", Exit.CONFIG) from None
    if not os.access(folder, os.W_OK):
        raise CommandError(f"--ready-file: no folder {folder} that can be written to; make it first", Exit.CONFIG)
