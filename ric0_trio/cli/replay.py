"""`ric0-trio replay`: give the core what a transcript says, and see whether it does the same."""

import sys
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Final

import click
import msgspec

from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.cli.paths import FILE
from ric0_trio.cli.show import count, show_json
from ric0_trio.printable import make_printable
from ric0_trio.transcript import Difference, Replayed, TranscriptError
from ric0_trio.transcript import replay as replay_transcript

_BEFORE: Final = 40
_WINDOW: Final = 100
"""Characters of a long line that are shown around the first that differs, and how many of them before it."""

_ENDS: Final = {
    "over": "",
    "cut": "; it was cut there: {why}",
    "missing": "; it has no end, as of a server that was killed or could not write",
}


@click.command(short_help="See whether this version does what a transcript says.")
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each file.")
def replay(files: Sequence[Path], as_json: bool) -> None:
    """Give the core of this version the inputs of transcripts, and compare what it tells with what was told then.

    Transcripts are what `ric0-trio serve --record DIR` writes. They hold no proof and no token, and it takes no key to
    replay one. The first difference in each is shown: the input, what was expected, and what came instead, byte for
    byte. A transcript that was cut is replayed as far as it goes.

    \b
    Exit codes:
      0   the same, all of them
      1   something is different
      65  a file cannot be read, or is no transcript (of a version that this one knows)
      78  one is of BSON, and pymongo is not installed

    \b
    Examples:
      ric0-trio replay transcripts/20260102T030405.000000Z-8f14e45fceea167a.jsonl
      ric0-trio replay --json transcripts/*.jsonl
    """
    code = Exit.OK
    for file in files:
        try:
            with file.open("rb") as stream:
                replayed = replay_transcript(stream)
        except (TranscriptError, OSError) as error:
            code = Exit.DATA
            _tell_failure(file, error, as_json=as_json)
        except ImportError as error:
            raise CommandError(str(error), Exit.CONFIG) from None
        else:
            if replayed.difference is not None:
                code = code or Exit.FAILED
            _tell(file, replayed, as_json=as_json)
    sys.exit(code)


def _tell(file: Path, replayed: Replayed, *, as_json: bool) -> None:
    if as_json:
        show_json({"file": str(file), "same": replayed.difference is None, **msgspec.structs.asdict(replayed)})
        return
    name, difference = make_printable(str(file)), replayed.difference
    counted = f"{count(replayed.inputs, 'input')}, {count(replayed.effects, 'effect')}"
    if difference is None:
        end = _ENDS[replayed.end].format(why=make_printable(replayed.cut_why or ""))
        click.echo(f"{name}: {click.style('same', fg='green')}: {counted}{end}")
        return
    where = f"line {difference.line}, after the input of line {difference.input_line}"
    click.echo(f"{name}: {click.style('different', fg='red')}: {where}; until then {counted}")
    _show_difference(difference)


def _show_difference(difference: Difference) -> None:
    expected, got = difference.expected, difference.got
    place = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(expected or "", got or "", strict=False)))
    click.echo(f"  input     {_clip(difference.input, 0)}")
    for title, text, colour in (("expected", expected, "green"), ("got", got, "red")):
        shown = "nothing" if text is None else _clip(text, place)
        click.echo(f"  {title:<8}  {click.style(shown, fg=colour)}")
    if expected is not None and got is not None:
        begin = max(0, place - _BEFORE)
        before = make_printable(expected[begin:place])
        click.echo(f"  {'':<8}  {' ' * (len(before) + bool(begin))}^ character {place + 1}")


def _clip(text: str, place: int) -> str:
    """Cut a long line to what is around the first character that differs."""
    begin = max(0, place - _BEFORE)
    end = begin + _WINDOW
    return f"{'…' if begin else ''}{make_printable(text[begin:end])}{'…' if end < len(text) else ''}"


def _tell_failure(file: Path, error: TranscriptError | OSError, *, as_json: bool) -> None:
    said = str(error) if isinstance(error, TranscriptError) else error.strerror or str(error)
    if as_json:
        line = error.line if isinstance(error, TranscriptError) else None
        show_json({"file": str(file), "same": None, "error": said, "line": line})
    else:
        click.echo(f"Error: {make_printable(f'{file}: {said}')}", err=True)
