"""The command `ric0-trio`: one module a subcommand, read and run with click."""

import os
import sys
from contextlib import suppress

import click

from ric0_trio import __version__
from ric0_trio.cli.audit import audit
from ric0_trio.cli.backup import backup
from ric0_trio.cli.bench import bench
from ric0_trio.cli.check import check
from ric0_trio.cli.client_rules import client
from ric0_trio.cli.conform import conform
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.explain import explain
from ric0_trio.cli.keygen import keygen
from ric0_trio.cli.probe import probe
from ric0_trio.cli.serve import serve
from ric0_trio.cli.token import token
from ric0_trio.cli.user import user
from ric0_trio.cli.who import kick, who

_HELP = """A server for the RIC chat-connection protocol, and the tools around it.

\b
Try it, in two terminals:
  ric0-trio serve --dev
  (paste the probe command that it prints)

\b
Run it for real:
  ric0-trio keygen identity.pem
  ric0-trio serve --identity identity.pem --cert fullchain.pem --key privkey.pem --host 0.0.0.0 --port 443


Say who may join, while it runs:
  ric0-trio token create --note "for Ann"
  ric0-trio user ban ed25519:9f3c0a1b2c3d --reason "spam"
"""


@click.group(help=_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="ric0-trio", message="%(prog)s %(version)s")
def command() -> None:
    pass


for subcommand in (serve, keygen, probe, token, user, client, who, kick, explain, audit, check, backup, bench, conform):
    command.add_command(subcommand)


def main() -> None:
    """Run the command and exit with its status; errors go to standard error, without a traceback."""
    try:
        sys.exit(command.main(prog_name="ric0-trio", standalone_mode=False))
    except click.UsageError as error:
        error.show()
        sys.exit(Exit.USAGE)  # click's own 2 means something else to `probe`
    except CommandError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.code)
    except click.Abort:
        sys.exit(Exit.INTERRUPTED)
    except OSError as error:  # every other one is told where it happens
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter tries once more, at its end
        with suppress(OSError):
            click.echo(f"Error: the output cannot be written: {error.strerror}", err=True)
        sys.exit(Exit.FAILED)
