"""What was sent and received is shown in bounds, and safely."""

from typing import Any

from trio.testing import MockClock

from ric0_trio.conform.evidence import Evidence, show_plain
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
    assert show_plain({"a": b"\xff", "b": float("nan")}) == '{"a": "b\'\\\\xff\'", "b": NaN}'


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
