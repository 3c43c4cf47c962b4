"""`replay`: the same, the first difference, and what is no transcript; for people and for machines."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.transcripts.make import FOLDER

WHOLE = FOLDER / "json" / "a-whole-session.jsonl"
EVIL = "\x1b[2J\nsame"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A transcript of a server that answers in another way."""
    lines = WHOLE.read_text().splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if line.startswith('{"out":"send_json","name":"connect"'))
    lines[place] = lines[place].replace('"type":"reply","name":"connect"', '"type":"reply","name":"connEct"')
    path = tmp_path / "other.jsonl"
    path.write_text("".join(lines))
    return path


def objects(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_the_same(run: Run) -> None:
    ended = run("replay", WHOLE, FOLDER / "bson" / "a-whole-session.jsonl")
    assert (ended.code, ended.err) == (0, "")
    assert [line.partition("jsonl: ")[2].split(":")[0] for line in ended.out.splitlines()] == ["same", "same"]


def test_every_transcript_that_is_kept(run: Run) -> None:
    ended = run("replay", "--json", *sorted(FOLDER.glob("*/*.jsonl")))
    assert ended.code == 0
    assert all(told["same"] and told["end"] == "over" for told in objects(ended.out))


def test_a_difference_is_shown_where_it_is(other: Path, run: Run) -> None:
    ended = run("replay", other, WHOLE)
    assert (ended.code, ended.err) == (1, "")
    title, given, expected, got, mark, same = ended.out.splitlines()
    assert "different: line 11, after the input of line 10" in title
    assert given.startswith('  input     {"in":"admitted"')
    assert "connEct" in expected
    assert "connEct" not in got
    place = mark.index("^")
    assert (expected[place], got[place]) == ("E", "e")
    assert expected[:place].split()[1:] == got[:place].split()[1:]
    assert "same: " in same


def test_a_difference_as_json(other: Path, run: Run) -> None:
    ended = run("replay", "--json", other)
    assert ended.code == 1
    (told,) = objects(ended.out)
    assert told["same"] is False
    assert told["difference"]["line"] == 11
    assert told["difference"]["expected"].replace("connEct", "connect") == told["difference"]["got"]


def test_what_is_not_there_is_shown_as_nothing(tmp_path: Path, run: Run) -> None:
    lines = WHOLE.read_text().splitlines(keepends=True)
    for kept, title in ([*lines[:2], *lines[3:]], "expected"), ([*lines[:3], lines[2], *lines[3:]], "got     "):
        (tmp_path / "changed.jsonl").write_text("".join(kept))
        ended = run("replay", "changed.jsonl")
        assert ended.code == 1
        assert f"  {title}  nothing\n" in ended.out


@pytest.mark.parametrize("lines", range(1, 9))
def test_one_that_just_ends(lines: int, tmp_path: Path, run: Run) -> None:
    (tmp_path / "killed.jsonl").write_text("".join(WHOLE.read_text().splitlines(keepends=True)[:lines]))
    ended = run("replay", "killed.jsonl")
    assert ended.code == 0
    assert "it has no end, as of a server that was killed" in ended.out


def test_one_that_was_cut_says_why_and_moves_no_cursor(tmp_path: Path, run: Run) -> None:
    head = WHOLE.read_text().splitlines(keepends=True)[0]
    (tmp_path / "cut.jsonl").write_text(head + json.dumps({"end": "cut", "why": EVIL}) + "\n")
    ended = run("replay", "cut.jsonl")
    assert ended.code == 0
    assert ended.out == "cut.jsonl: same: 0 inputs, 0 effects; it was cut there: \\x1b[2J\\nsame\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory"),
        (b"", "line 1: the file is empty"),
        (b"\x00" * 100, "line 1: JSON is malformed"),
        (b'{"transcript":7}\n', "line 1: a transcript of format 7, and this ric0-trio reads 1: take a newer one"),
        (WHOLE.read_bytes().splitlines(keepends=True)[0] + b'{"in":"\x1b"}\n', "line 2: "),
    ],
)
def test_what_is_no_transcript(content: bytes | None, said: str, tmp_path: Path, run: Run) -> None:
    if content is not None:
        (tmp_path / "bad.jsonl").write_bytes(content)
    ended = run("replay", "bad.jsonl", WHOLE)
    assert ended.code == 65
    assert ended.err.startswith(f"Error: bad.jsonl: {said}")
    assert ended.err.count("\n") == 1
    assert "same: " in ended.out
    told = objects(run("replay", "--json", "bad.jsonl").out)[0]
    assert told["same"] is None
    assert told["error"].startswith(said)
    assert told["line"] == (None if content is None else int(said[5]))


def test_a_folder_is_no_transcript(tmp_path: Path, run: Run) -> None:
    ended = run("replay", tmp_path)
    assert ended.code == 65
    assert "Is a directory" in ended.err


def test_bson_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setattr("ric0_trio.protocol.codec.bson", None)
    ended = run("replay", FOLDER / "bson" / "a-whole-session.jsonl")
    assert ended.code == 78
    assert "install ric0-trio[bson]" in ended.err


def test_no_file_is_wrong_usage(run: Run) -> None:
    assert run("replay").code == 64


def test_flags_of_a_record_that_goes_nowhere(run: Run) -> None:
    for flags in (("--record-address", "192.0.2.7"), ("--record-one-in", "2")):
        ended = run("serve", "--dev", *flags)
        assert ended.code == 64
        assert "--record DIR says where" in ended.err


def test_an_address_that_is_none(run: Run) -> None:
    ended = run("serve", "--dev", "--record", "said", "--record-address", "nowhere")
    assert ended.code == 78
    assert "[record] addresses: expected an address" in ended.err
