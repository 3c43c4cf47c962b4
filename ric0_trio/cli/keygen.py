"""`ric0-trio keygen`: make an identity."""

import json
from pathlib import Path

import click

from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.paths import FILE
from ric0_trio.keyfile import save_private_key
from ric0_trio.protocol import DEFAULT_FORMAT, KEY_FORMATS, PrivateKey


@click.command()
@click.argument("path", type=FILE)
@click.option(
    "--format",
    "key_format",
    type=click.Choice(list(KEY_FORMATS)),
    default=DEFAULT_FORMAT,
    show_default=True,
    help="The format of the key.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def keygen(path: Path, key_format: str, as_json: bool) -> None:
    """Make a private key, for a server or a user, and write it to PATH.

    The file is PKCS#8 PEM of mode 0600, as openssl reads it. A file that exists is never overwritten.

    \b
    Examples:
      ric0-trio keygen identity.pem
      ric0-trio keygen old-client.pem --format rsa-sha256-oaepsha256-pkcs1
    """
    key = PrivateKey.generate(key_format)
    try:
        save_private_key(path, key)
    except FileExistsError:
        raise CommandError(f"{path} exists already; a key is never overwritten", Exit.FAILED) from None
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", Exit.FAILED) from None
    public = key.public
    if as_json:
        found = {"path": str(path), "format": public.format, "key": public.key, "fingerprint": public.fingerprint}
        click.echo(json.dumps(found))
        return
    click.echo(f"wrote       {path}")
    click.echo(f"format      {public.format}")
    click.echo(f"public key  {public.key}")
    click.echo(f"fingerprint {public.fingerprint}")
