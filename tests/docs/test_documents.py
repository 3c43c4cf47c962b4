"""The documents keep their word: links lead somewhere, examples run, and what they list is what there is."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ric0_trio.cli.exits import Exit
from ric0_trio.config import Config, load_config
from ric0_trio.protocol import PrivateKey
from tests.independent.serving import Server, running_server

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
SOURCES = "\n".join(path.read_text() for path in (ROOT / "ric0_trio").rglob("*.py"))


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.M | re.S)


def headings(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https://)([^)\s]+)\)", page.read_text()):
        file, _, title = target.partition("#")
        linked = page.parent / file if file else page
        assert linked.exists(), target
        assert not title or title in headings(linked), target


def test_the_configuration_shown_is_the_default(tmp_path: Path) -> None:
    (shown,) = blocks(DOCS / "operations.md", "toml")
    file = tmp_path / "shown.toml"
    file.write_text(shown)
    assert load_config(file, {}) == Config()


def test_the_configuration_shown_is_whole(tmp_path: Path) -> None:
    (shown,) = blocks(DOCS / "operations.md", "toml")
    file = tmp_path / "shown.toml"
    file.write_text(re.sub(r"^# (\w+ = )", r"\1", shown, flags=re.M))
    load_config(file, {})
    told = tomllib.loads(file.read_text())
    assert told.keys() == set(Config.__struct_fields__)
    for name, section in told.items():
        if isinstance(section, dict):
            assert section.keys() == set(getattr(Config(), name).__struct_fields__)


def test_every_limit_has_its_row() -> None:
    page = (DOCS / "limits.md").read_text()
    for name in Config().limits.__struct_fields__:
        assert f"`{name}`" in page, name


def test_every_limit_that_is_counted_is_named() -> None:
    page = (DOCS / "limits.md").read_text()
    counted = set(re.findall(r'(?:limit=|Refusal\(|refuse\(|note\()"([a-z_]+)"', SOURCES))
    assert len(counted) > 10
    for name in counted:
        assert f"`{name}`" in page or f"*{name}*" in page, name


def test_every_test_that_is_named_is_there() -> None:
    page, file = (DOCS / "limits.md").read_text(), ""
    named = re.findall(r"`(tests/[a-z_/]+\.py)?(?:::(test_[a-z_0-9]+))?`", page)
    assert len(named) > 40
    for path, name in named:
        file = path or file
        if name:
            assert f"def {name}(" in (DOCS.parent / file).read_text(), f"{file}::{name}"


def test_the_pages_begin_with_the_command_of_the_readme() -> None:
    assert blocks(DOCS / "index.md", "console")[0] == f"$ {blocks(ROOT / 'README.md', 'sh')[0]}"


def test_every_exit_code_is_listed() -> None:
    table = (DOCS / "operations.md").read_text()
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)] == sorted(Exit)


def test_every_event_that_is_logged_is_listed() -> None:
    logged = set(re.findall(r'\.(?:debug|info|warning|error|exception)\(\s*"([a-z]+\.[a-z_]+)"', SOURCES))
    listed = set(re.findall(r"`([a-z]+\.[a-z_]+)`", (DOCS / "operations.md").read_text()))
    assert logged
    assert logged <= listed


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def environment(tmp_path: Path, server: Server) -> dict[str, str]:
    """A user with a home of their own, who trusts the test's certificate authority."""
    own = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "SSL_CERT_FILE": str(server.ca)}
    return {**os.environ, **own}


def run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def make_identity(folder: Path, environment: dict[str, str]) -> None:
    made = run([sys.executable, "-m", "ric0_trio", "keygen", "identity.pem"], folder, environment)
    assert made.returncode == 0, made.stderr


@pytest.mark.parametrize("page", [ROOT / "README.md", DOCS / "client.md"], ids=lambda page: page.name)
def test_the_client_shown_runs(page: Path, tmp_path: Path, server: Server, environment: dict[str, str]) -> None:
    program = blocks(page, "python")[0].replace("wss://chat.example", server.url)
    make_identity(tmp_path, environment)
    ran = run([sys.executable, "-c", program], tmp_path, environment)
    assert ran.returncode == 0, ran.stderr
    assert "ric0-trio" in ran.stdout


def test_the_client_that_comes_back_says_when_it_may_not(
    tmp_path: Path, server: Server, environment: dict[str, str]
) -> None:
    make_identity(tmp_path, environment)
    (tmp_path / "ric0-trio").mkdir()
    before = PrivateKey.generate().public
    host = server.url.split("/")[2]
    (tmp_path / "ric0-trio" / "known_servers").write_text(f"{host} {before.format} {before.key}\n")
    example = str(DOCS / "examples" / "stay_connected.py")
    ran = run([sys.executable, example, server.url, "identity.pem"], tmp_path, environment)
    assert ran.returncode == 0, ran.stderr
    assert "not coming back" in ran.stdout
    assert "now shows" in ran.stdout


def test_the_commands_to_run_a_server_for_real(tmp_path: Path, server: Server, environment: dict[str, str]) -> None:
    """README's, as they are written, but for the port, and with the test's certificate."""
    shutil.copy(server.ca.with_name("cert.pem"), tmp_path / "fullchain.pem")
    shutil.copy(server.ca.with_name("cert-key.pem"), tmp_path / "privkey.pem")
    readme = re.findall(
        r"^\$ (ric0-trio (?:keygen|serve) (?!--dev|--config).*)$", (ROOT / "README.md").read_text(), re.M
    )
    keygen, serve = (shlex.split(command)[1:] for command in readme)
    assert run([sys.executable, "-m", "ric0_trio", *keygen], tmp_path, environment).returncode == 0
    serve[serve.index("--port") + 1] = "0"
    ready = tmp_path / "ready.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "ric0_trio", *serve, "--ready-file", str(ready)],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        assert "server.listening" in process.stderr.readline()
        process.terminate()
        assert process.wait(30) == 0
