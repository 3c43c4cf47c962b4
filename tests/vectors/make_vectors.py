"""Write the vectors: `python -m tests.vectors.make_vectors`. What it writes is the same every time, byte for byte.

Nothing here is made with the code under test or its libraries: Ed25519 is `cryptography`'s, RSA is integers,
JSON is the standard library's, and BSON is written by hand.
"""

import json
from pathlib import Path

from tests.vectors import challenge_cases, envelope_cases, key_cases, name_cases, signature_cases

FOLDER = Path(__file__).parent
FILES = {
    "keys.json": key_cases,
    "signatures.json": signature_cases,
    "challenges.json": challenge_cases,
    "envelopes.json": envelope_cases,
    "names.json": name_cases,
}


def render(file: str) -> bytes:
    module = FILES[file]
    content = {"about": module.ABOUT, "vectors": module.vectors()}
    return json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"


def main() -> None:
    for file in FILES:
        (FOLDER / file).write_bytes(render(file))


if __name__ == "__main__":
    main()
