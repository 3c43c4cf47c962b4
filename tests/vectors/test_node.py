"""The vectors in another language: `node/run.mjs` passes them all, and sees what is wrong with a set or a program."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.vectors.make_vectors import FOLDER, INDEX

NODE = FOLDER / "node"
PATIENCE_S = 120.0

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")


def run(folder: Path = FOLDER, program: Path = NODE) -> tuple[int, list[str], str]:
    """Give the exit status, the lines that were printed, and what was told of failures."""
    command = ["node", str(program / "run.mjs"), str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return ran.returncode, ran.stdout.splitlines(), ran.stderr


def load(file: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / file).read_bytes())
    return content


def test_all_vectors_pass() -> None:
    status, lines, failures = run()
    files = load(INDEX)["files"]
    assert failures == ""
    assert lines == [
        *(f"{entry['file']}: {entry['vectors']} of {entry['vectors']} passed" for entry in files),
        f"{sum(entry['vectors'] for entry in files)} passed, 0 failed",
    ]
    assert status == 0


def test_it_needs_nothing_but_node() -> None:
    for module in NODE.glob("*.mjs"):
        imported = re.findall(r"^(?:import|export) .*from '(.+)';$", module.read_text(), re.MULTILINE)
        assert all(name.startswith(("node:", "./")) for name in imported), module.name
    assert not [path for path in NODE.iterdir() if path.suffix != ".mjs"]


# A set that is not as it should be


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for path in FOLDER.glob("*.json"):
        shutil.copy(path, tmp_path)
    return tmp_path


def _flip(content: dict[str, Any]) -> None:
    content["vectors"][0]["valid"] ^= True


def _leave_out(content: dict[str, Any]) -> None:
    content["vectors"].pop()


def _drop_file(content: dict[str, Any]) -> None:
    content["files"].pop()


@pytest.mark.parametrize(
    ("file", "spoil", "told"),
    [
        ("keys.json", _flip, "keys.json an-ed25519-key-a: "),
        ("keys.json", _leave_out, "keys.json: not the file that the index describes"),
        (INDEX, _drop_file, "sessions.json: not in the index"),
    ],
    ids=["a wrong answer", "a vector left out", "a file left out"],
)
def test_it_fails_and_says_why(copied: Path, file: str, spoil: Callable[[dict[str, Any]], None], told: str) -> None:
    content = json.loads((copied / file).read_bytes())
    spoil(content)
    (copied / file).write_text(json.dumps(content))
    status, lines, failures = run(copied)
    assert status == 1
    assert told in failures
    assert not lines[-1].endswith(" 0 failed")


# A program that is not as it should be

ASKED_BY_A_STRANGER = "if (!this.#answers(request.name))"
MISTAKES: dict[str, tuple[str, str, str, str]] = {
    "takes keys of small order": ("keys.mjs", "return SMALL_ORDER.has(", "return false && (", "signatures.json"),
    "is lax with base64": ("keys.mjs", "raw.toString('base64') === text", "true", "keys.json"),
    "takes a modulus with a needless zero": ("keys.mjs", "isShortest &&", "", "keys.json"),
    "signs keys of others": ("keys.mjs", "equals(PREFIX) ? null", "equals(raw) ? null", "challenges.json"),
    "counts UTF-16 units": ("names.mjs", "[...text].length", "text.length", "names.json"),
    "does not normalise": ("names.mjs", "name.normalize('NFC') === name", "true", "names.json"),
    "takes 2.0 for 2 in BSON": ("bson.mjs", "? number :", "? BigInt(Math.trunc(number)) :", "envelopes.json"),
    "takes what is not finite": ("bson.mjs", "Number.isFinite(number) ?", "true ?", "envelopes.json"),
    "takes any type under an unknown key": ("envelope.mjs", "!hasExotic(value) ||", "true ||", "envelopes.json"),
    "takes 33 digits of a second": ("envelope.mjs", r"\d{1,32}", r"\d+", "envelopes.json"),
    "takes 31 digits of a second": ("envelope.mjs", r"\d{1,32}", r"\d{1,31}", "envelopes.json"),
    "takes second 60 of any minute": ("envelope.mjs", "minute === 59 && second", "second", "envelopes.json"),
    "takes any key for a home server's": (
        "envelope.mjs",
        "home_server: publicKey",
        "home_server: anything",
        "envelopes.json",
    ),
    "takes JavaScript for text": ("bson.mjs", "0x0d: () => exotic(string)", "0x0d: string", "envelopes.json"),
    "takes half a pair of surrogates": ("json.mjs", r"/\p{Cs}/u.test(string)", "false", "envelopes.json"),
    "goes as deep as it likes": ("envelope.mjs", "depth <= 32", "depth <= 64", "envelopes.json"),
    "takes an odd id": ("envelope.mjs", "% 2n === 0n", "% 2n >= 0n", "envelopes.json"),
    "takes every day of a month": ("envelope.mjs", "day <= daysOf(year, month)", "day <= 31", "envelopes.json"),
    "sorts by UTF-16 unit": ("negotiate.mjs", ".sort(byCodePoint)", ".sort()", "negotiation.json"),
    "takes the lowest version": ("negotiate.mjs", "one > other", "one < other", "negotiation.json"),
    "signs what is not hashed": ("keys.mjs", "sha512(message), key)", "message, key)", "conversations.json"),
    "takes the user's key for the server's": ("client.mjs", "|| isSame(key, publicOf(", "|| (0, (", "clients.json"),
    "takes any reply for its own": ("client.mjs", "!== conversation) ", "!== conversation && 0) ", "clients.json"),
    "minds not who lets it in": ("client.mjs", "!isSame(key, this.#serverKey)", "false", "clients.json"),
    "moves the deadline": ("session.mjs", "this.#challengesLeft -= 1;", "this.#deadline += 1;", "sessions.json"),
    "lets a stranger ask anything": ("session.mjs", "if (!this.#answers(request.name))", "if (false)", "sessions.json"),
    "counts characters for bytes": ("session.mjs", "Buffer.byteLength(payload) >", "payload.length >", "sessions.json"),
    "checks the proof before the key": ("session.mjs", "user.key === pubkey.key", "false", "sessions.json"),
    "closes on a stranger with another code": (
        "session.mjs",
        f"{ASKED_BY_A_STRANGER} return this.#close(1008)",
        f"{ASKED_BY_A_STRANGER} return this.#close(1007)",
        "sessions.json",
    ),
    "ignores what it has to answer": (
        "session.mjs",
        "|| this.state === 'CONNECTED') return true",
        ") return true",
        "sessions.json",
    ),
    "looks at the kind before the size": (
        "session.mjs",
        "Buffer.byteLength(payload) > most",
        "typeof payload === 'string' === (this.#encoding === 'json') && Buffer.byteLength(payload) > most",
        "sessions.json",
    ),
    "gives time for a refused user": (
        "session.mjs",
        "if (status !== 'success') {",
        "if (status !== 'success') { this.#deadline = Math.max(this.#deadline ?? 0, 12);",
        "sessions.json",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_program_is_found_out_that(mistake: str, tmp_path: Path) -> None:
    module, right, wrong, file = MISTAKES[mistake]
    status, _, failures = run(program=copy_with(tmp_path, module, {right: wrong}))
    assert status == 1
    assert f"{file} " in failures


def copy_with(folder: Path, module: str, changes: dict[str, str]) -> Path:
    """Give a copy of the program, in which a module is another."""
    source = (NODE / module).read_text()
    for right, wrong in changes.items():
        assert right in source
        source = source.replace(right, wrong)
    shutil.copytree(NODE, folder / "node")
    (folder / "node" / module).write_text(source)
    return folder / "node"


# A program that is as it should be, in another way

CHOICES: dict[str, tuple[str, dict[str, str]]] = {
    "ignores strangers and stays open": (
        "session.mjs",
        {
            "if (!this.#answers(name)) return this.#close(1008)": "if (!this.#answers(name)) return this.#ignore()",
            f"{ASKED_BY_A_STRANGER} return this.#close(1008)": f"{ASKED_BY_A_STRANGER} return this.#ignore()",
            "return this.state === 'CONNECTED' ? this.#ignore() : this.#close(1008)": "return this.#ignore()",
        },
    ),
    "minds not how long a reply's reasons are": (
        "envelope.mjs",
        {"_reason: optional(sentence)": "_reason: optional(text(0, 9999))"},
    ),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_a_program_passes_that(choice: str, tmp_path: Path) -> None:
    module, changes = CHOICES[choice]
    status, _, failures = run(program=copy_with(tmp_path, module, changes))
    assert (status, failures) == (0, "")
