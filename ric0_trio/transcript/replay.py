"""A transcript played again: does the core still tell, byte for byte, what it told then?"""

from collections import deque
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, Literal, TypeVar, Union

import msgspec

from ric0_trio.protocol import LocalProtocolError
from ric0_trio.transcript.format import (
    ENDS,
    FORMAT_VERSION,
    INPUTS,
    MAX_LINE_BYTES,
    OUTPUTS,
    Cut,
    End,
    Header,
    Input,
    Output,
    SendBson,
    describe,
    write_line,
)
from ric0_trio.transcript.playback import Playback

_T = TypeVar("_T")


class TranscriptError(Exception):
    """A file is no transcript that can be replayed. `line` says where, from 1 on, and the text what was wrong."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


class Difference(msgspec.Struct, frozen=True):
    """The first thing that the core tells differently."""

    line: int
    """Where in the file: what was expected there is not what came."""
    input_line: int
    """Of the input that it came after."""
    input: str
    expected: str | None
    """The effect, as a line; None when nothing was to come."""
    got: str | None
    """None when nothing came."""


class Replayed(msgspec.Struct, frozen=True):
    """What came of a replay."""

    inputs: int
    effects: int
    """How many were compared, and are the same."""
    end: Literal["over", "cut", "missing"]
    """`missing`: the transcript just ends, as of a server that was killed."""
    cut_why: str | None = None
    difference: Difference | None = None


class _Kind(msgspec.Struct, frozen=True):
    """Which kind of line it is."""

    is_input: Any = msgspec.field(name="in", default=None)
    is_output: Any = msgspec.field(name="out", default=None)
    is_end: Any = msgspec.field(name="end", default=None)


class _Version(msgspec.Struct, frozen=True):
    transcript: int


# A union that is made of a table is beyond what a type checker follows.
_KIND: Final = msgspec.json.Decoder(_Kind)
_VERSION: Final = msgspec.json.Decoder(_Version)
_HEADER: Final = msgspec.json.Decoder(Header)
_INPUT: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(Union[INPUTS])  # noqa: UP007
_OUTPUT: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(Union[OUTPUTS])  # noqa: UP007
_END: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(Union[ENDS])  # noqa: UP007


def replay(file: BinaryIO) -> Replayed:
    """Replay a transcript as far as the first difference, holding one line of it in memory.

    Raises `TranscriptError` for what is no transcript of this format, `ImportError` for BSON where it is not installed,
    and `OSError` when the file cannot be read.
    """
    return _Replay(file).run()


class _Replay:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._line = 0
        """The number of the line that was read last."""
        self._inputs = self._effects = 0
        self._given: Input | None = None
        self._given_line = 0
        self._due: deque[Output] = deque()
        """What the core has told, and has not been compared yet."""

    def run(self) -> Replayed:
        playback = Playback(self._read_header())
        for line in self._rest():
            if isinstance(line, End):
                return self._end("over", self._find_untold())
            if isinstance(line, Cut):
                return self._end("cut", self._find_untold(), line.why)
            if isinstance(line, Output):
                difference = self._compare(line)
            else:
                difference = self._find_untold() or self._play(playback, line)
            if difference is not None:
                return self._end("missing", difference)
        return self._end("missing", None)  # effects of the last input may be missing with the rest

    def _play(self, playback: Playback, given: Input) -> Difference | None:
        self._given, self._given_line = given, self._line
        self._inputs += 1
        try:
            self._due.extend(map(describe, playback.play(given)))
        except LocalProtocolError as error:
            return self._differ(None, f"the core refuses the input: {error}")
        except UnicodeDecodeError:
            raise TranscriptError(self._line, "`message` is not UTF-8") from None
        return None

    def _compare(self, expected: Output) -> Difference | None:
        if self._given is None:
            raise TranscriptError(self._line, "an effect before the first input")
        got = self._due.popleft() if self._due else None
        if got is None or _without_readings(got) != _without_readings(expected):
            return self._differ(_to_text(expected), None if got is None else _to_text(got))
        self._effects += 1
        return None

    def _find_untold(self) -> Difference | None:
        """What the core has told, and the transcript does not."""
        return self._differ(None, _to_text(self._due[0])) if self._due else None

    def _differ(self, expected: str | None, got: str | None) -> Difference:
        given = "" if self._given is None else _to_text(self._given)
        return Difference(self._line, self._given_line, given, expected, got)

    def _end(
        self, end: Literal["over", "cut", "missing"], difference: Difference | None, why: str | None = None
    ) -> Replayed:
        return Replayed(self._inputs, self._effects, end, why, difference)

    # Reading

    def _read_header(self) -> Header:
        line = self._read_line()
        if not line:
            raise TranscriptError(1, "the file is empty")
        version = _decode(_VERSION, line, self._line).transcript
        if version > FORMAT_VERSION:
            problem = f"a transcript of format {version}, and this ric0-trio reads {FORMAT_VERSION}: take a newer one"
            raise TranscriptError(self._line, problem)
        return _decode(_HEADER, line, self._line)

    def _rest(self) -> Iterator[Input | Output | End | Cut]:
        while line := self._read_line():
            try:
                yield self._parse(line)
            except TranscriptError:
                if line.endswith(b"\n"):
                    raise
                return  # it was cut while this line was written

    def _parse(self, line: bytes) -> Input | Output | End | Cut:
        kind = _decode(_KIND, line, self._line)
        given = [kind.is_input is not None, kind.is_output is not None, kind.is_end is not None]
        if sum(given) != 1:
            raise TranscriptError(self._line, "expected an object with one of `in`, `out` and `end`")
        decoder = (_INPUT, _OUTPUT, _END)[given.index(True)]
        parsed: Input | Output | End | Cut = _decode(decoder, line, self._line)
        return parsed

    def _read_line(self) -> bytes:
        self._line += 1
        line = self._file.readline(MAX_LINE_BYTES + 1)
        if len(line) > MAX_LINE_BYTES:
            raise TranscriptError(self._line, f"longer than {MAX_LINE_BYTES} bytes")
        return line


def _decode(decoder: "msgspec.json.Decoder[_T]", line: bytes, number: int) -> _T:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise TranscriptError(number, str(error)[:200]) from None


def _without_readings(effect: Output) -> bytes:
    if isinstance(effect, SendBson):
        effect = msgspec.structs.replace(effect, reads=None)
    return write_line(effect)


def _to_text(line: Input | Output) -> str:
    return write_line(line).decode("utf-8", "replace").rstrip("\n")
