"""The core has no network, clock, randomness, logging or event loop; and imports point one way."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ric0_trio

PACKAGE = Path(ric0_trio.__file__).parent
CORE = sorted((PACKAGE / "protocol").rglob("*.py"))

NOT_LOADED = {"trio", "trio_websocket", "asyncio", "websockets", "sqlite3", "structlog"}
NOT_IMPORTED = {
    "socket",
    "ssl",
    "os",
    "time",
    "random",
    "secrets",
    "logging",
    "threading",
    "asyncio",
    "trio",
}

# What each room may import of the others. `protocol` and `transport` are the ground floor.
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "protocol": set(),
    "transport": {"protocol"},
    "printable": set(),
    "keyfile": {"protocol"},
    "data_dir": set(),
    "access": {"protocol", "printable"},
    "client": {"protocol", "transport", "printable", "keyfile"},
    "transcript": {"__init__", "protocol"},
    "server": {"protocol", "transport", "printable", "keyfile", "access", "transcript"},
    "admin": {"transport", "server"},
    "config_errors": set(),
    "config_sources": {"config_errors"},
    "config": {"config_errors", "config_sources", "protocol", "transport", "printable", "keyfile", "access", "server"},
    "load": {"protocol", "transport", "client"},
    "testing": {"protocol", "access"},
    "conform": {"protocol", "client", "printable"},
    "cli": {
        "protocol",
        "transport",
        "printable",
        "keyfile",
        "access",
        "server",
        "admin",
        "config",
        "config_errors",
        "client",
        "load",
        "transcript",
        "conform",
        "data_dir",
    },
    "__main__": {"cli"},
}


def run_fresh(program: str) -> str:
    """Run a program in an interpreter that has loaded nothing yet, and give what it prints."""
    finished = subprocess.run([sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def imports_of(path: Path) -> Iterator[str]:
    """Each module that a file imports, by its full name; those under `if TYPE_CHECKING` as well."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rooms_imported(path: Path) -> set[str]:
    names = [name.split(".") for name in imports_of(path)]
    return {parts[1] for parts in names if parts[0] == "ric0_trio" and len(parts) > 1 and is_room(parts[1])}


def is_room(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def test_the_core_loads_no_event_loop_and_no_driver() -> None:
    loaded = run_fresh("import sys, ric0_trio.protocol; print(*sys.modules)").split()
    assert "ric0_trio.protocol.session" in loaded
    assert not NOT_LOADED & {name.split(".")[0] for name in loaded}


def test_the_package_itself_loads_nothing() -> None:
    program = "import sys; before = set(sys.modules); import ric0_trio; print(*(set(sys.modules) - before))"
    assert run_fresh(program) == "ric0_trio"


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.stem))
def test_the_core_imports_nothing_that_acts(path: Path) -> None:
    assert not NOT_IMPORTED & {name.split(".")[0] for name in imports_of(path)}


def test_imports_point_one_way() -> None:
    for path in PACKAGE.rglob("*.py"):
        room = room_of(path)
        assert rooms_imported(path) <= MAY_IMPORT[room] | {room}, path.relative_to(PACKAGE)


def test_the_rooms_are_on_floors() -> None:
    """The table above has no circle: from its ground floor up, each room stands on those before it."""
    built: set[str] = set()
    while rest := MAY_IMPORT.keys() - built:
        floor = {room for room in rest if MAY_IMPORT[room] <= built}
        assert floor
        built |= floor


def test_without_pymongo() -> None:
    program = """
import sys
sys.modules["bson"] = None
from ric0_trio.protocol import BsonCodec, available_codecs
print(*(codec.subprotocol for codec in available_codecs()))
try:
    BsonCodec()
except ImportError as error:
    print(error)
"""
    assert run_fresh(program).splitlines() == ["json", "BSON needs pymongo: install ric0-trio[bson]"]
