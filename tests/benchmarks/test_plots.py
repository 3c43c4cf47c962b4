"""Results as pictures."""

from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="pictures are drawn with matplotlib, of the extra bench")

from benchmarks.comparison.plots import PICTURES, draw_all
from tests.benchmarks.made import results_of, whole_run


def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        assert draw_all(whole_run(), folder) == list(PICTURES)
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(f"{name}.{suffix}" for name in PICTURES for suffix in ("svg", "png"))
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_what_was_not_measured_is_not_drawn(tmp_path: Path) -> None:
    results = results_of({("session", "plain", "ours"): {"cpu_us": [2000.0], "p50_ms": [None]}})
    assert draw_all(results, tmp_path) == ["session"]
    assert draw_all(results_of({}), tmp_path) == []
