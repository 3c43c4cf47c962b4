"""Every input that a fuzzer has kept, and some that hypothesis makes, through each target; without a fuzzer."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import CORPUS, NAMES, load, words_of

INPUTS = {name: sorted((CORPUS / name).iterdir()) for name in NAMES}
EXAMPLES = 100


@pytest.mark.parametrize("name", NAMES)
def test_the_corpus(name: str) -> None:
    target = load(name)
    for file in INPUTS[name]:
        try:
            target(file.read_bytes())
        except Exception as error:
            error.add_note(f"with the input {file}")
            raise


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_inputs_made_of_the_corpus(name: str, data: st.DataObject) -> None:
    """Pieces of what was kept, words, and anything, one after the other."""
    words = [word.encode("latin-1") for word in words_of(name)]
    known = st.sampled_from(INPUTS[name]).map(Path.read_bytes)
    pieces = st.binary(max_size=30) | st.sampled_from(words) | st.tuples(known, st.integers(0, 400)).map(_cut)
    load(name)(data.draw(st.builds(bytes.join, st.sampled_from([b"", b"\n"]), st.lists(pieces, max_size=8))))


def _cut(known: tuple[bytes, int]) -> bytes:
    whole, size = known
    return whole[:size]
