"""Write the vectors: `python -m tests.vectors.make_vectors`. What it writes is the same every time, byte for byte.

Nothing here is made with the code under test, nor by the library that it has for the same thing: Ed25519 is
`cryptography`'s, RSA is integers, JSON is the standard library's, and BSON is written by hand. The PEM of private keys
alone is written by what reads it there. The schemas of the messages are made before, by `python docs/make_schemas.py`:
they come from the types, and the index lists them.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.vectors import (
    challenge_cases,
    client_cases,
    conversation_cases,
    envelope_cases,
    key_cases,
    name_cases,
    negotiation_cases,
    session_cases,
    signature_cases,
)
from tests.vectors.cases import identify

FOLDER = Path(__file__).parent
FILES = {
    "keys.json": key_cases,
    "signatures.json": signature_cases,
    "challenges.json": challenge_cases,
    "names.json": name_cases,
    "envelopes.json": envelope_cases,
    "negotiation.json": negotiation_cases,
    "conversations.json": conversation_cases,
    "clients.json": client_cases,
    "sessions.json": session_cases,
}
INDEX = "index.json"
VERSION = "1.0"
"""Of the set: docs/vectors.md says when it changes."""


def render(file: str) -> bytes:
    """The text of one file of vectors."""
    module = FILES[file]
    setting: dict[str, Any] = getattr(module, "SETTING", {})
    vectors = [{"id": identify(vector)} | vector for vector in module.vectors()]
    return _write({"about": module.ABOUT, **setting, "vectors": vectors})


def render_index() -> bytes:
    """The text of the index, by what is in the folder."""
    messages = sorted((FOLDER / "schemas" / "messages").glob("*.json"))
    return _write(
        {
            "about": "Test vectors of the RIC chat-connection protocol: docs/vectors.md says how to use them.",
            "version": VERSION,
            "files": [_describe(file) for file in FILES],
            "messages": [
                {"file": path.relative_to(FOLDER).as_posix(), "about": _load(path)["title"], "sha256": _digest(path)}
                for path in messages
            ],
        }
    )


def _describe(file: str) -> dict[str, Any]:
    content, schema = _load(FOLDER / file), f"schemas/files/{file.replace('.json', '.schema.json')}"
    return {
        "file": file,
        "about": content["about"],
        "vectors": len(content["vectors"]),
        "schema": schema,
        "sha256": _digest(FOLDER / file),
    }


def _load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"


def main() -> None:
    for file in FILES:
        (FOLDER / file).write_bytes(render(file))
    (FOLDER / INDEX).write_bytes(render_index())


if __name__ == "__main__":
    main()
