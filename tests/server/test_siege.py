"""A short siege; `python -m tests.server.siege` is the long one."""

from pathlib import Path

from tests.server.siege import besiege


def test_the_command_stands_a_siege(tmp_path: Path) -> None:
    siege = besiege(seconds=4, seed=1, folder=tmp_path, visits=3)
    assert siege.visits >= 3
    assert siege.attacks.total() > 20
