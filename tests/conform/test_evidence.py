"""What was sent and received is shown in bounds, and safely."""

from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from trio.testing import MockClock

from ric0_trio.conform.evidence import Evidence, show_plain, show_value
from ric0_trio.conform.messages import OMIT
from ric0_trio.conform.people import ED25519, RSA, User, key_problem, proof_problem, to_base64
from ric0_trio.protocol import PrivateKey


async def test_times_are_from_the_beginning(mock_clock: MockClock) -> None:
    evidence = Evidence()
    mock_clock.jump(1.5)
    evidence.note(2, "->", "hello")
    assert evidence.lines == ["   1.500 s  #2  -> hello"]
    assert evidence.seconds == 1.5


async def test_nothing_moves_the_cursor() -> None:
    evidence = Evidence()
    evidence.note(1, "<-", "evil\x1b[2J\n  forged line")
    (line,) = evidence.lines
    assert line.endswith(r"<- evil\x1b[2J\n  forged line")


async def test_secrets_are_cut_short() -> None:
    evidence = Evidence()
    evidence.keep_secret("a proof that nobody else may see")
    evidence.keep_secret("")
    evidence.note(1, "->", show_plain({"challenge": "a proof that nobody else may see", "other": "seen"}))
    assert evidence.lines[0].endswith('-> {"challenge": "a proo…", "other": "seen"}')


async def test_it_is_bounded() -> None:
    evidence = Evidence()
    for number in range(1000):
        evidence.note(number, "<-", "x" * 10_000)
    assert len(evidence.lines) == 61
    assert evidence.lines[30].strip() == "… 940 lines left out …"
    assert "#999 " in evidence.lines[-1]
    assert max(map(len, evidence.lines)) < 700


def test_whatever_is_in_an_object_can_be_shown() -> None:
    assert show_plain({"a": b"\xff", "b": float("nan")}) == '{"a": "ff (bytes)", "b": NaN}'


VALUES: tuple[tuple[object, str], ...] = (
    (True, "true"),
    (None, "null"),
    ({"a": [1, "b"]}, '{"a": [1, "b"]}'),
    (OMIT, '"(left out)"'),
    (datetime(2026, 1, 2, tzinfo=UTC), '"2026-01-02T00:00:00+00:00 (a BSON datetime)"'),
    (bson.ObjectId("0" * 24), f'"{"0" * 24} (a BSON ObjectId)"'),
    ("n" * 65, "65 x n"),
    ("\U0001f600" * 64, "64 x U+1F600"),
    ("\x85" * 2, r'"\x85\x85"'),
    ("ab" * 200, f'"{"ab" * 99}a… (402 characters)'),
)


@pytest.mark.parametrize(("value", "shown"), VALUES)
def test_values_are_shown_as_json(value: object, shown: str) -> None:
    assert show_value(value) == shown


def test_keys_and_proofs_are_judged() -> None:
    nonce = b"0123456789abcdef"
    for key_format in (ED25519, RSA):
        user = User(PrivateKey.generate(key_format))
        good = {"pubkey": user.pubkey, "challenge_response": to_base64(user.key.sign(nonce))}
        assert proof_problem(good, nonce) is None
        assert str(proof_problem(good, nonce + b"!")).startswith("a signature that does not verify")
        for response in ("?", None, to_base64(bytes(63))):
            assert proof_problem({**good, "challenge_response": response}, nonce) is not None
        assert proof_problem({}, nonce) is not None
        other = {ED25519: RSA, RSA: ED25519}[key_format]
        bad: tuple[Any, ...] = (
            None,
            [],
            {"key": "AAAA"},
            {"key": "?", "format": key_format},
            {**user.pubkey, "format": other},
        )
        for key in bad:
            assert key_problem(key) is not None
    assert key_problem({"key": "AAAA", "format": "other"}) == "the format 'other' is not defined"
