"""Write the transcripts of all scenarios: `python -m tests.transcripts.make`. They are the same every time.

The index is `README.md`, beside them. What changes here is a change of behaviour, for a person to read.
"""

from collections.abc import Iterator
from pathlib import Path

from ric0_trio import __version__
from tests.protocol.pair import CODECS
from tests.transcripts.scenario import Scenario
from tests.transcripts.scenarios import SCENARIOS
from tests.transcripts.stage import Stage

FOLDER = Path(__file__).parent
INDEX = FOLDER / "README.md"

_ABOUT = """# Transcripts of every scenario

Made by `python -m tests.transcripts.make`, which plays what `scenarios.py` lists to the real recorder.
`ric0-trio replay` gives their inputs to the core, and tests replay all of them;
[docs/transcripts.md](../../docs/transcripts.md) explains the lines.

| scenario | transcripts | inputs |
|---|---|---|
"""


def play(scenario: Scenario, encoding: str) -> bytes:
    """Give the transcript of a scenario."""
    stage = Stage(CODECS[encoding], scenario.profile, scenario.key, **scenario.limits)
    scenario.play(stage)
    assert stage.sink.ended == [None]
    # Whatever version made it, it shall be the same.
    return stage.sink.written.replace(f'"ric0_trio":"{__version__}"'.encode(), b'"ric0_trio":"any"', 1)


def file_of(name: str, encoding: str) -> Path:
    words = "".join(char if char.isalnum() or char == "_" else " " for char in name.replace("'", ""))
    return FOLDER / encoding / f"{'-'.join(words.split())}.jsonl"


def transcripts() -> Iterator[tuple[str, Path, bytes]]:
    """Each scenario's name, and each of its transcripts with its place."""
    for name, scenario in SCENARIOS.items():
        for encoding in scenario.encodings:
            yield name, file_of(name, encoding), play(scenario, encoding)


def render_index() -> str:
    rows: dict[str, list[str]] = {}
    inputs: dict[str, int] = {}
    for name, path, content in transcripts():
        rows.setdefault(name, []).append(f"[{path.parent.name}]({path.parent.name}/{path.name})")
        inputs[name] = content.count(b'{"in":')
    return _ABOUT + "".join(f"| {name} | {', '.join(links)} | {inputs[name]} |\n" for name, links in rows.items())


def main() -> None:
    for old in FOLDER.glob("*/*.jsonl"):
        old.unlink()
    for _, path, content in transcripts():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    INDEX.write_text(render_index())


if __name__ == "__main__":
    main()
