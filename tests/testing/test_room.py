"""What the room needs: no test runner, no event loop, and BSON only where it is asked for."""

from tests.protocol.test_purity import NOT_LOADED, run_fresh


def test_it_loads_no_event_loop_and_no_test_runner() -> None:
    loaded = run_fresh("import sys, ric0_trio.testing; print(*(name.split('.')[0] for name in sys.modules))").split()
    assert not (NOT_LOADED | {"pytest", "hypothesis"}) & set(loaded)


def test_the_store_needs_trio_alone() -> None:
    program = "import sys, ric0_trio.testing.store; print(*(name.split('.')[0] for name in sys.modules))"
    loaded = run_fresh(program).split()
    assert "trio" in loaded
    assert not {"pytest", "sqlite3", "structlog", "trio_websocket"} & set(loaded)


def test_without_pymongo() -> None:
    program = """
import sys
sys.modules["bson"] = None
from ric0_trio.protocol import Connected
from ric0_trio.testing import Pair
pair = Pair()
pair.challenge()
print(isinstance(pair.connect(), Connected))
"""
    assert run_fresh(program) == "True"
