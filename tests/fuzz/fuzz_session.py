"""A server's session, given any sequence of inputs, does what the table of docs/protocol.md says, and nothing else.

An input is a program, a line a step. The first line chooses the encoding: `bson` or `json`. Then there are:

| line | step |
|---|---|
| a letter of `messages.py` | send that message |
| `.change` | change the next message (`messages.py`) |
| `%n…` | bring the next message to the size limit, and n bytes beyond, with what follows for filler |
| `@place,byte` | damage the next message |
| `J…`, `B…` | send text or bytes, as they come |
| `A`, `N…`, `?` | answer the open question well; badly (with a digit that chooses a refusal); or with something else |
| `+n`, `T`, `~`, `H` | n eighths of a second pass; or all until the deadline; or all but one; look at the deadline |
| `K…`, `S`, `L`, `-` | kick; shut down; lose the connection; let time step back |
"""

import json
import re
import struct

from ric0_trio.protocol import (
    REFUSALS,
    Admit,
    Admitted,
    CloseCode,
    Codec,
    JsonCodec,
    Kick,
    Refused,
    Sign,
    Verdict,
    Verify,
)
from ric0_trio.testing import Plain
from tests.fuzz import messages
from tests.fuzz.fuzz_codec import bson_codec
from tests.fuzz.session_watch import TICK_S, Watch
from tests.independent import bson

MOST_STEPS = 40
REFUSED_WITH = sorted(REFUSALS)
KICKS = (CloseCode.BANNED, CloseCode.KICKED, CloseCode.REPLACED)
STEPS = "json bson c k r d o m e A N ? T ~ H + - K S L %0 %1 %0\u00fc %1\u00fc @4,0 J{} B +1 +8 +80"
WORDS = (
    *("c\nA\n", "k\nA\nA\n"),
    *(f"{step}\n" for step in STEPS.split()),
    *(f".{change}\n" for change in messages.CHANGES),
    *messages.WORDS,
)
_DIGITS = re.compile(r"[0-9]{1,4}")


def target(data: bytes) -> None:
    first, *lines = data.split(b"\n")
    program = Program(bson_codec() if first[:1] == b"b" else JsonCodec())
    for line in filter(None, lines[:MOST_STEPS]):
        program.step(line)
    program.finish()


class Program:
    """Carries out the steps."""

    def __init__(self, codec: Codec) -> None:
        self.watch = Watch(codec)
        self.changes: list[str] = []
        self.damage: list[tuple[int, int]] = []
        self.beyond: int | None = None
        self.filler = "x"

    def step(self, line: bytes) -> None:
        what, rest = line[:1].decode("latin-1"), line[1:]
        text = rest.decode("utf-8", "replace")
        watch, now = self.watch, self.watch.now
        match what:
            case ".":
                self.changes.append(text)
            case "%":
                self.beyond, self.filler = _number(text), _DIGITS.sub("", text, count=1)[:1] or "x"
            case "@":
                place, _, byte = text.partition(",")
                self.damage.append((_number(place), _number(byte) % 256))
            case "J":
                watch.receive(rest.decode("utf-8", "surrogateescape"))
            case "B":
                watch.receive(rest)
            case "A" | "N" | "?":
                watch.answer(self.result(what, text))
            case "+":
                watch.now += _number(text) * TICK_S
            case "T" | "~":
                watch.now = max(now, (watch.deadline or now) - (TICK_S if what == "~" else 0))
                watch.look_at_the_deadline()
            case "H":
                watch.look_at_the_deadline()
            case "K":
                watch.end(Kick(KICKS[len(rest) % 3], text))
            case "S" | "L":
                watch.end("shutdown" if what == "S" else "lost")
            case "-":
                watch.misuse_time()
            case _:
                self.send(what)

    def result(self, how: str, text: str) -> bytes | bool | Verdict:
        match self.watch.question, how:
            case Sign(), "A" | "N":
                return text.encode()
            case Verify(), "A" | "N":
                return how == "A"
            case Admit(), "A":
                return Admitted()
            case Admit(), "N":
                return Refused(REFUSED_WITH[_number(text) % len(REFUSED_WITH)], text or None)
            case Sign(), _:
                return True
        return b"?"

    def send(self, letter: str) -> None:
        plain = messages.good(letter)
        for line in self.changes:
            messages.change(plain, line)
        try:
            payload = self.pack(plain)
        except (ValueError, RecursionError, struct.error):
            return  # not to be had in this encoding
        finally:
            self.changes, self.damage, self.beyond = [], [], None
        self.watch.receive(payload)

    def pack(self, plain: Plain) -> str | bytes:
        raw = self.encode(plain)
        if self.beyond is not None:
            missing = self.watch.max_message_bytes + self.beyond - len(self.encode(plain | {"pad": ""}))
            fillers, rest = divmod(max(missing, 0), len(self.filler.encode()))
            raw = self.encode(plain | {"pad": self.filler * fillers + "x" * rest})
        for place, byte in self.damage:
            raw[place % len(raw)] = byte
        return bytes(raw) if self.watch.codec.payload_type is bytes else raw.decode("utf-8", "surrogateescape")

    def encode(self, plain: Plain) -> bytearray:
        if isinstance(self.watch.codec, JsonCodec):
            text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
            return bytearray(text.encode("utf-8", "surrogatepass"))
        return bytearray(bson.encode(plain))

    def finish(self) -> None:
        """The connection is lost, the open question gets its answer, and nothing is left to give back."""
        self.watch.end("lost")
        if self.watch.question is not None:
            self.watch.answer(self.result("A", ""))
        assert self.watch.places == 0
        self.watch.receive("{}")
        self.watch.look_at_the_deadline()
        self.watch.end("shutdown")


def _number(text: str) -> int:
    digits = _DIGITS.search(text)
    return int(digits[0]) if digits else 0
