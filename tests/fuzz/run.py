"""`python -m tests.fuzz.run TARGET|all`: look for an input that makes a target fail. Needs atheris.

    --seconds 600          look for so long, and keep in the corpus what reaches new code
    --runs 10000 --seed 1  look in (very nearly) the same way each time, and keep nothing: what CI does
    --minimise             drop what the rest of the corpus reaches as well
    --replay FILE          run one input, without atheris

Ends with 1 when there is a finding: the input is then in a file that is named, under build/fuzz.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.targets import CORPUS, NAMES, load, words_of

FINDINGS = Path("build/fuzz")
MAX_INPUT_BYTES = {"codec": 4096, "session": 1024, "head": 2048, "frames": 768}
INPUT_TIMEOUT_S = 10
MEMORY_MIB = 2048
_THE_SAME = ("-reload=0", "-verbosity=0", "-print_final_stats=1")  # reloading goes by the clock
_MADE_BY_FUZZER = re.compile("[0-9a-f]{40}")


def main() -> int:
    options = _parse()
    names = NAMES if options.target == "all" else (options.target,)
    if options.replay is not None:
        load(names[0])(options.replay.read_bytes())
        return 0
    if find_spec("atheris") is None:
        print("fuzzing needs atheris: pip install 'ric0-trio[fuzz]'", file=sys.stderr)
        return 2
    results = [_minimise(name, options.corpus) if options.minimise else _fuzz(name, options) for name in names]
    return max(results)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description="Look for inputs that fail.")
    parser.add_argument("target", choices=[*NAMES, "all"])
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--seconds", type=int, help="look for so long, and keep what reaches new code")
    how.add_argument("--runs", type=int, help="try so many inputs, and keep none")
    how.add_argument("--minimise", action="store_true", help="drop what the rest of the corpus reaches as well")
    how.add_argument("--replay", type=Path, help="run one input, without atheris", metavar="FILE")
    parser.add_argument("--seed", type=int, default=1, help="for --runs: which inputs")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="the folder with a folder for each target")
    options = parser.parse_args()
    if options.replay is not None and options.target == "all":
        parser.error("--replay wants one target")
    return options


def _fuzz(name: str, options: argparse.Namespace) -> int:
    corpus, findings = options.corpus / name, FINDINGS / name
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    known = set(findings.iterdir())
    with tempfile.TemporaryDirectory() as scratch:
        words = Path(scratch, "words")
        words.write_text("".join(f"{_quote(word)}\n" for word in words_of(name)))
        arguments = [
            f"-dict={words}",
            f"-artifact_prefix={findings}/",
            f"-max_len={MAX_INPUT_BYTES[name]}",
            f"-timeout={INPUT_TIMEOUT_S}",
            f"-rss_limit_mb={MEMORY_MIB}",
        ]
        if options.seconds is not None:
            arguments += [f"-max_total_time={options.seconds}", str(corpus)]
        else:
            new = Path(scratch, "new")
            new.mkdir()
            arguments += [f"-runs={options.runs}", f"-seed={options.seed}", *_THE_SAME, str(new), str(corpus)]
        ended = _run_engine(name, arguments)
    if ended == 0:
        return 0
    found = sorted(set(findings.iterdir()) - known)
    for file in found:
        print(f"fuzz: {name} fails: python -m tests.fuzz.run {name} --replay {file}", file=sys.stderr)
    if not found:
        print(f"fuzz: {name} ended with {ended}, and left no input", file=sys.stderr)
    return 1


def _minimise(name: str, corpora: Path) -> int:
    """Of what a fuzzer has kept, drop what the rest reaches as well. What people have named stays."""
    corpus = corpora / name
    with tempfile.TemporaryDirectory() as scratch:
        for file in corpus.iterdir():
            if not _MADE_BY_FUZZER.fullmatch(file.name):
                shutil.copy(file, scratch)
        ended = _run_engine(name, ["-merge=1", f"-max_len={MAX_INPUT_BYTES[name]}", scratch, str(corpus)])
        if ended == 0:
            kept = {file.read_bytes() for file in Path(scratch).iterdir()}
            for file in corpus.iterdir():
                if file.read_bytes() not in kept:
                    file.unlink()
    return ended


def _run_engine(name: str, arguments: list[str]) -> int:
    # A set's order must not differ from run to run.
    command = [sys.executable, "-m", "tests.fuzz.engine", name, *arguments]
    return subprocess.run(command, check=False, env=os.environ | {"PYTHONHASHSEED": "0"}).returncode


def _quote(word: str) -> str:
    """A word as a libFuzzer dictionary has it."""
    inside = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\x{byte:02X}" for byte in word.encode("latin-1")
    )
    return f'"{inside}"'


if __name__ == "__main__":
    sys.exit(main())
