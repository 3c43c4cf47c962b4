"""The transcripts that are kept here: they replay, and the scenarios still make them, byte for byte."""

import io
from functools import cache
from pathlib import Path

import pytest

from ric0_trio.protocol import REFUSALS, CloseCode, State, Status
from ric0_trio.transcript import replay
from ric0_trio.transcript.format import INPUTS, OUTPUTS
from tests.transcripts.make import FOLDER, INDEX, render_index, transcripts

KEPT = sorted(FOLDER.glob("*/*.jsonl"))


@cache
def made() -> dict[Path, bytes]:
    return {path: content for _, path, content in transcripts()}


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_it_replays(path: Path) -> None:
    with path.open("rb") as file:
        replayed = replay(file)
    assert replayed.difference is None
    assert replayed.end == "over"


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_it_is_made_again(path: Path) -> None:
    assert made()[path] == path.read_bytes(), "a change of behaviour; if it is meant: python -m tests.transcripts.make"


def test_each_has_its_file_and_its_row() -> None:
    assert sorted(made()) == KEPT
    assert INDEX.read_text() == render_index()


def test_they_show_everything() -> None:
    """Each kind of line, each status, and each code with which a session closes."""
    everything = b"".join(made().values()).decode()
    for line in (*INPUTS, *OUTPUTS):
        config = line.__struct_config__
        assert f'"{config.tag_field}":"{config.tag}"' in everything, line
    for status in {*Status, *REFUSALS}:
        assert f'"status":"{status}"' in everything
    for code in (CloseCode.GOING_AWAY, CloseCode.WRONG_KIND, CloseCode.NOT_DECODABLE, CloseCode.POLICY):
        assert f'"code":{code:d}' in everything
    for code in (CloseCode.TOO_BIG, CloseCode.INTERNAL_ERROR, CloseCode.KICKED):
        assert f'"code":{code:d}' in everything
    for limit in ("auth_timeout_s", "answer_timeout_s", "messages_before_auth", "challenges", "messages_per_s"):
        assert f'"limit":"{limit}"' in everything
    assert {path.name.split("-")[0] for path in KEPT} >= {state.value.lower() for state in State} - {"closed"}


def test_a_changed_effect_is_found_at_its_line() -> None:
    """Whichever effect of a transcript were another, it is the one that is told."""
    lines = made()[FOLDER / "json" / "a-whole-session.jsonl"].splitlines(keepends=True)
    outputs = [number for number, line in enumerate(lines) if line.startswith(b'{"out":"send')]
    assert len(outputs) > 4
    for number in outputs:
        changed = lines[number].replace(b'"conversation":', b'"conversation":1', 1)
        told = replay(io.BytesIO(b"".join([*lines[:number], changed, *lines[number + 1 :]]))).difference
        assert told is not None
        assert told.line == number + 1
        assert (told.expected or "").encode() + b"\n" == changed
        assert (told.got or "").encode() + b"\n" == lines[number]
