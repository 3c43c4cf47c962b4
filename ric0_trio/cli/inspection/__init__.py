"""All that can be known before a server is started: a module a subject, and what `serve` does is asked of its code."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ric0_trio.access import moments
from ric0_trio.cli.contradictions import find_contradictions
from ric0_trio.cli.data import Data
from ric0_trio.cli.inspection.admin import inspect_admin
from ric0_trio.cli.inspection.files import inspect_files, is_complete
from ric0_trio.cli.inspection.findings import Finding, Level
from ric0_trio.cli.inspection.kept import inspect_kept
from ric0_trio.cli.inspection.places import inspect_places
from ric0_trio.cli.inspection.record import inspect_record
from ric0_trio.cli.inspection.resources import inspect_open_files
from ric0_trio.client.address import Address
from ric0_trio.config import Config, load_config
from ric0_trio.config_errors import ConfigError


@dataclass(frozen=True)
class Inspection:
    """All findings, and what of the database is told for itself."""

    findings: Sequence[Finding]
    database: Path | None = None
    """None when the configuration does not say where it is."""
    schema: int | None = None
    damage: Sequence[str] = ()


def inspect(config_file: Path | None, data_dir: Path | None) -> Inspection:
    """Look at everything. Nothing is changed on disk, but that the database is opened as by any command."""
    subject = "configuration" if config_file is None else str(config_file)
    try:
        config = load_config(config_file, os.environ, {"data_dir": data_dir})
    except ConfigError as error:
        why, remedy = str(error), "docs/operations.md shows every key"
        return Inspection([Finding(Level.FAILED, "configuration", why, remedy)])
    data = Data(config)
    kept = inspect_kept(data, is_complete=is_complete(config))
    findings = [
        Finding(Level.OK, subject, "each key is known, and has a value that it can have"),
        *map(Finding.of, find_contradictions(config)),
        *_inspect_url(config),
        *inspect_files(config, moments.now()),
        *kept.findings,
        *inspect_places(config, is_served=kept.is_served),
        *inspect_admin(config.admin),
        *inspect_record(config.record),
        inspect_open_files(config.limits),
    ]
    return Inspection(findings, data.files.database, kept.schema, kept.damage)


def _inspect_url(config: Config) -> Iterator[Finding]:
    if config.server.url is not None:
        try:
            Address.parse(config.server.url)
        except ValueError as error:
            yield Finding(Level.WARNING, "[server] url", f"clients do not take it: {error}", "say where they find it")
