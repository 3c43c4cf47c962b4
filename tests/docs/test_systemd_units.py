"""The unit files fit the server: they parse, start a command that there is, and leave room for the limits' defaults."""

import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import click
import pytest

from ric0_trio.cli import command
from ric0_trio.cli.exits import Exit
from ric0_trio.config import Config
from ric0_trio.server.listening import Place, parse_place

UNITS = Path(__file__).parents[2] / "docs" / "systemd"
SECTIONS = {
    "ric0-trio.service": ["Unit", "Service", "Install"],
    "ric0-trio.socket": ["Unit", "Socket", "Install"],
    "ric0-trio-admin.socket": ["Unit", "Socket", "Install"],
}


def read(name: str) -> ConfigParser:
    unit = ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string((UNITS / name).read_text())
    return unit


def test_each_file_has_its_sections() -> None:
    assert {path.name: read(path.name).sections() for path in UNITS.iterdir()} == SECTIONS
    for name in SECTIONS:
        for section in read(name).values():
            assert all(key.isalpha() and key[0].isupper() for key in section), name


def test_systemd_understands_them(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze")
    start = read("ric0-trio.service")["Service"]["ExecStart"].split()[0]
    for name in SECTIONS:
        (tmp_path / name).write_text((UNITS / name).read_text().replace(start, sys.executable))
    words = ["systemd-analyze", "verify", *SECTIONS]
    verified = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert [line for line in verified.stderr.splitlines() if "ric0-trio" in line] == []


def test_it_starts_and_reloads_what_there_is() -> None:
    service = read("ric0-trio.service")["Service"]
    program, name, *words = shlex.split(service["ExecStart"])
    assert Path(program).name == "ric0-trio"
    subcommand = command.commands[name]
    options, rest, _ = subcommand.make_parser(click.Context(subcommand, **command.context_settings)).parse_args(words)
    assert (list(options), rest) == (["config_file"], [])
    assert service["ConfigurationDirectory"] in Path(options["config_file"]).parts
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"


def test_it_leaves_room_for_the_limits() -> None:
    service, limits = read("ric0-trio.service")["Service"], Config().limits
    assert limits.drain_timeout_s < int(service["TimeoutStopSec"]) <= limits.drain_timeout_s + 15
    assert int(service["LimitNOFILE"]) * 0.8 >= limits.max_connections


def test_it_is_not_started_again_for_what_another_try_does_not_mend() -> None:
    codes = read("ric0-trio.service")["Service"]["RestartPreventExitStatus"].split()
    assert [int(code) for code in codes] == [Exit.USAGE, Exit.CONFIG]


def test_the_sockets_are_a_place_and_the_service_s_own() -> None:
    for name, key in (("ric0-trio.socket", "host"), ("ric0-trio-admin.socket", "listen")):
        place = Place(name=read(name)["Socket"]["FileDescriptorName"])
        assert parse_place(str(place)) == place
        assert f'{key} = "{place}"' in (UNITS / name).read_text()
        assert name in read("ric0-trio.service")["Service"]["Sockets"].split()


def test_the_metrics_of_the_process_are_not_hidden() -> None:
    """Prometheus' client tells none of them without /proc/stat, which has the time of the start."""
    assert "ProcSubset" not in read("ric0-trio.service")["Service"]
