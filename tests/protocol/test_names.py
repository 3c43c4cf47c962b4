"""The rules of user names."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ric0_trio.protocol import BadRequest, Codec, Request
from ric0_trio.protocol.names import name_problem
from ric0_trio.testing import connect_data, pack, request, user

GOOD = [
    "a",
    "7",
    "x" * 64,
    "漢" * 64,
    "Zoë",
    "Xenë",
    "Zoë 1234 ---",  # marks alone are counted
    "Ada Lovelace",
    "Ada\u00a0Lovelace",
    "山田太郎",
    "Ольга",
    "नमस्ते",
    "안녕",
    "O'Neil-Smith (2)",
    "Ada 😀",
    "Ⅷ",
    "½",
    "x\u0323\u0300",  # two marks, which have no composed form
]
BAD = {
    "a name has 1 to 64 characters": ["", "x" * 65, "\u0301" * 100],
    "a name has no control, format, private or unassigned characters and no line breaks": [
        "a\0",
        "a\nb",
        "a\tb",
        "\x7fa",
        "a\x85",
        "a\u200db",  # zero-width joiner
        "Ada 👩\u200d💻",
        "a\u202eb",  # right-to-left override
        "\ufeffa",
        "a\u00adb",
        "a\ue000",
        "a\U000e0041",
        "a\uffff",
        "a\u0378",
        "a\ud800",
        "a\u2028b",
        "a\u2029b",
    ],
    "a name is in Unicode normal form C": ["Zoe\u0308", "\u212b1", "a\u0340", "\u1100\u1161"],
    "a name has no blank filler characters": [f"a{filler}" for filler in "\u115f\u1160\u2800\u3164\uffa0"] + ["\u3164"],
    "a name neither begins nor ends with a space": [" a", "a ", "\u00a0a", "a\u3000", " "],
    "a name has at least one letter or number": ["😀", "...", "-_-", "!", "+\u0323"],
    "a name has at most 2 combining marks in a row": [
        "x\u0323\u0300\u0301",
        "x" + "\u0334" * 3,
        "a b\u0334\u0335\u0336 c",
    ],
}


@pytest.mark.parametrize("name", GOOD, ids=ascii)
def test_a_good_name(codec: Codec, name: str) -> None:
    assert name_problem(name) is None
    assert isinstance(codec.decode(pack(codec, request("connect", connect_data(user=user(name=name))))), Request)


@pytest.mark.parametrize(("rule", "name"), [(rule, name) for rule in BAD for name in BAD[rule]], ids=ascii)
def test_a_bad_name(rule: str, name: str) -> None:
    assert name_problem(name) == rule
    with pytest.raises(ValueError, match=rule):
        user(name=name)


@pytest.mark.parametrize("name", ["", "x" * 65, " a", "a\0", "Zoe\u0308"], ids=ascii)
def test_a_bad_name_is_an_invalid_message(codec: Codec, name: str) -> None:
    identity = {"type": "user", "pubkey": user().pubkey, "home_server": user().home_server}
    for good, kind in (("Zoë", Request), (name, BadRequest)):
        plain = request("connect", connect_data(user={**identity, "name": good}))
        assert type(codec.decode(pack(codec, plain))) is kind


@given(st.text(st.sampled_from("aZ09 -.~!\x7f\n\0"), max_size=66))
def test_plain_names_by_the_rules_that_are_left_of_all(name: str) -> None:
    """Most names are ASCII, and the code has a shorter way for them."""
    fits = 1 <= len(name) <= 64 and name.isprintable() and name == name.strip(" ")
    assert (name_problem(name) is None) == (fits and any(char.isalnum() for char in name))


@given(st.text(max_size=70))
def test_a_name_is_shown_as_it_is(name: str) -> None:
    problem = name_problem(name)
    if problem is None:
        assert name == unicodedata.normalize("NFC", name.strip())
        assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for char in name)
    else:
        assert problem.isascii()
        assert problem.isprintable()
