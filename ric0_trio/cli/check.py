"""`ric0-trio check`: what can be known before the server is started."""

import sys
from pathlib import Path
from typing import Final

import click

from ric0_trio.cli.data import server_options
from ric0_trio.cli.exits import Exit
from ric0_trio.cli.inspection import Inspection, inspect
from ric0_trio.cli.inspection.findings import Finding, Level
from ric0_trio.cli.show import show_json
from ric0_trio.printable import make_printable

_COLOURS: Final = {Level.OK: "green", Level.NOTE: "cyan", Level.WARNING: "yellow", Level.FAILED: "red"}
_WIDTH: Final = 8


@click.command(short_help="Check all that can be known before the server is started.")
@server_options
def check(config_file: Path | None, data_dir: Path | None, as_json: bool) -> None:
    """Check all that can be known before the server is started, or before a reload.

    These are the configuration, the identity, the certificate with its key, the data directory and the whole database,
    the places to listen at, what the admin listener needs, and the limit on open files. Each line says what was looked
    at, what is wrong, and what to do. Nothing is changed, and it may be done while the server runs. Give it as the
    server's account, with the configuration that the server gets.

    \b
    Exit codes:
      0   all is well, but for notes and warnings
      1   the database is damaged, or a place to listen at cannot be had
      78  the configuration, a file or the data directory is missing or wrong

    \b
    Examples:
      ric0-trio check --config ric0.toml
      ric0-trio check --config ric0.toml --json
    """
    inspection = inspect(config_file, data_dir)
    code = max((each.code for each in inspection.findings if each.level is Level.FAILED), default=Exit.OK)
    if as_json:
        show_json(_to_object(inspection, code))
    else:
        for finding in inspection.findings:
            click.echo(_to_line(finding))
    sys.exit(code)


def _to_object(inspection: Inspection, code: Exit) -> dict[str, object]:
    return {
        "ok": code is Exit.OK,
        "findings": [
            {"level": each.level, "subject": each.subject, "text": each.text, "remedy": each.remedy}
            for each in inspection.findings
        ],
        "database": None if inspection.database is None else str(inspection.database),
        "schema": inspection.schema,
        "damage": inspection.damage,
    }


def _to_line(finding: Finding) -> str:
    level = click.style(finding.level, fg=_COLOURS[finding.level]) + " " * (_WIDTH - len(finding.level))
    said = "; ".join(filter(None, [f"{finding.subject}: {finding.text}", finding.remedy]))
    return level + make_printable(" ".join(said.split()))
