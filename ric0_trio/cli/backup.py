"""`ric0-trio backup`: a copy of the rules and the audit."""

from pathlib import Path

import click

from ric0_trio.cli.data import Data, data_options
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.paths import FILE
from ric0_trio.cli.show import show_json


@click.command()
@click.argument("file", type=FILE)
@data_options
def backup(data: Data, as_json: bool, file: Path) -> None:
    """Copy all that is kept into the new FILE.

    It is whole, and as things are at one moment, also while the server runs.

    The server's identity is not in it: keep a copy of that as well. To restore it, stop the server, remove
    access.sqlite3, access.sqlite3-wal and access.sqlite3-shm from the data directory, copy FILE there as
    access.sqlite3, give that to the server's account, and start the server.

    \b
    Example:
      ric0-trio backup "backup-$(date +%F).sqlite3"
    """
    data.require_database()
    with data.database(any_version=True) as database:
        try:
            database.back_up(file)
        except FileExistsError:
            raise CommandError(f"{file} exists already; a file is never overwritten", Exit.FAILED) from None
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}", Exit.FAILED) from None
    size = file.stat().st_size
    if as_json:
        show_json({"file": str(file), "bytes": size})
    else:
        click.echo(f"wrote {file}, {size:,} bytes")
