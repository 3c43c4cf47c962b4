"""Fixtures for the commands that deal with the rules. A module takes them with `pytest_plugins`, not with an import.

One server is shared by all of them: each test brings users, tokens and software of its own.
"""

import json
import os
import pwd
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.independent.operating import Site, open_site

OPERATOR = "olga"
POLICY = """
[access]
mode = "invite"
connections_per_user = 2
accept_key_formats = ["ed25519-sha512"]
"""


@pytest.fixture
def tell(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What a command that has to succeed prints, given by an operator whose account is `olga`."""
    known = pwd.getpwuid(os.getuid())
    monkeypatch.setattr(pwd, "getpwuid", lambda number: pwd.struct_passwd((OPERATOR, *known[1:])))
    monkeypatch.delenv("SUDO_USER", raising=False)

    def succeed(*words: str | Path) -> str:
        ended = run(*words)
        assert ended.code == 0, ended.err
        return ended.out

    return succeed


@pytest.fixture
def read(tell: Callable[..., str]) -> Callable[..., Any]:
    """What such a command tells with --json."""
    return lambda *words: json.loads(tell(*words, "--json"))


@pytest.fixture(scope="session")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("rules"), POLICY) as site:
        yield site


@pytest.fixture
def site(running_site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A server that runs, on whose data directory the commands work; without it, they work in ./ric0-data."""
    monkeypatch.setenv("RIC0_TRIO_DATA_DIR", str(running_site.data))
    return running_site
