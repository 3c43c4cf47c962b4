"""`ric0-trio serve`: run the server."""

import os
from pathlib import Path
from typing import Any

import click
import trio

from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.launch import launch
from ric0_trio.cli.paths import FILE, FOLDER
from ric0_trio.cli.startup import Sources, load_startup
from ric0_trio.server.logs import configure_logging
from ric0_trio.server.sd_notify import NOTIFY_VARIABLES, ServiceManager
from ric0_trio.server.socket_activation import LISTEN_VARIABLES, PassedSocketError, PassedSockets, find_descriptors


@click.command()
@click.option("--dev", is_flag=True, help="Try it out: make what is missing, in ./ric0-dev.")
@click.option("--config", "config_file", type=FILE, help="A TOML file (docs/operations.md).")
@click.option("--host", help="The address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on; 0 picks one.  [default: 8443]")
@click.option(
    "--data-dir",
    type=FOLDER,
    help="Where the server keeps what it makes.  [default: ric0-data, or ric0-dev with --dev]",
)
@click.option("--plaintext", is_flag=True, help="Speak ws:// without TLS; only with --dev, on a loopback address.")
@click.option("--identity", type=FILE, help="The server's private key, as `ric0-trio keygen` makes it.")
@click.option("--cert", type=FILE, help="The TLS certificate chain, in PEM.")
@click.option("--key", type=FILE, help="The TLS certificate's private key, in PEM.")
@click.option("--log-format", type=click.Choice(["console", "json"]), help="For people, or for machines.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="The least that is logged.")
@click.option("--record", type=FOLDER, help="Write each conversation down in this folder, without its secrets.")
@click.option("--record-address", multiple=True, help="Those of this address or network alone; may be repeated.")
@click.option("--record-one-in", type=click.IntRange(1, 1_000_000), help="One of so many alone.  [default: 1]")
@click.option(
    "--ready-file",
    type=FILE,
    envvar="RIC0_TRIO_READY_FILE",
    help="Once it listens, write a JSON object with its url, pubkey, fingerprint, ca and pid here.",
)
def serve(
    dev: bool,
    config_file: Path | None,
    plaintext: bool,
    ready_file: Path | None,
    **flags: Any,
) -> None:
    """Run the server, until it gets SIGINT or SIGTERM. SIGHUP has it read its configuration and certificate again.

    \b
    To try it out, and then to run it for real:
      ric0-trio serve --dev
      ric0-trio keygen identity.pem
      ric0-trio serve --identity identity.pem --cert fullchain.pem --key privkey.pem --host 0.0.0.0

    \b
    In tests:
      ric0-trio serve --dev --port 0 --data-dir "$TMP" --ready-file "$TMP/ready.json"

    \b
    To see what somebody's client and the server say, and whether another version would say the same:
      ric0-trio serve --config ric0.toml --record transcripts --record-address 192.0.2.7
      ric0-trio replay transcripts/*.jsonl
    """
    if plaintext and not dev:
        raise click.UsageError("--plaintext is for --dev alone; behind a proxy, set [listen] behind_proxy = true")
    sources = Sources(config_file, _as_config(flags), dev, plaintext)
    config = sources.read()
    if config.record.dir is None and (flags["record_address"] or flags["record_one_in"]):
        raise click.UsageError("--record-address and --record-one-in say what is recorded; --record DIR says where")
    passed = click.get_current_context().with_resource(_take_passed_sockets())
    service = _take_service_manager()
    for place in config.listen.direct if plaintext else ():
        if not place.is_local(passed):
            raise click.UsageError(f"--plaintext listens on a loopback address alone, and {place} is none")
    configure_logging(config.log.format, config.log.level)
    startup = load_startup(sources, config)
    if ready_file is not None:
        _clear_place(ready_file)
    trio.run(launch, startup, ready_file, passed, service)


def _take_passed_sockets() -> PassedSockets:
    try:
        return PassedSockets(find_descriptors(os.environ))
    except PassedSocketError as error:
        raise CommandError(str(error), Exit.CONFIG) from None
    finally:
        for variable in LISTEN_VARIABLES:  # they are for this process alone, and not for its children
            os.environ.pop(variable, None)


def _take_service_manager() -> ServiceManager:
    service = ServiceManager(os.environ)
    for variable in NOTIFY_VARIABLES:  # a child must not speak for the service
        os.environ.pop(variable, None)
    return service


def _as_config(flags: dict[str, Any]) -> dict[str, Any]:
    """Nest the flags as the configuration file does."""
    return {
        "data_dir": flags["data_dir"],
        "listen": {"host": flags["host"], "port": flags["port"]},
        "tls": {"cert": flags["cert"], "key": flags["key"]},
        "server": {"identity": flags["identity"]},
        "record": {
            "dir": flags["record"],
            "addresses": flags["record_address"] or None,
            "one_in": flags["record_one_in"],
        },
        "log": {"format": flags["log_format"], "level": flags["log_level"]},
    }


def _clear_place(ready_file: Path) -> None:
    folder = ready_file.parent
    try:
        ready_file.unlink(missing_ok=True)
    except OSError as error:
        raise CommandError(f"--ready-file {ready_file}: {error.strerror}", Exit.CONFIG) from None
    if not os.access(folder, os.W_OK):
        raise CommandError(f"--ready-file: no folder {folder} that can be written to; make it first", Exit.CONFIG)
