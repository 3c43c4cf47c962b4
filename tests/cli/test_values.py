"""What people write: spans, moments, versions, software, words and users; and what each mistake is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ric0_trio.access import moments
from ric0_trio.cli.values import parse_moment, parse_past, parse_program, parse_span
from tests.cli.conftest import Run
from tests.cli.rules_users import ADA, ADAS_LIKE, BOB, NOBODY, Read, Tell, is_plain
from tests.independent.keys import FORMATS, fingerprint, make_key

pytest_plugins = ["tests.cli.rules_site"]

SPANS = {
    "1s": timedelta(seconds=1),
    "90m": timedelta(minutes=90),
    "12h": timedelta(hours=12),
    "3d": timedelta(days=3),
    "2w": timedelta(weeks=2),
    "007d": timedelta(days=7),
    "36500d": timedelta(days=36_500),
}


@pytest.mark.parametrize(("text", "expected"), SPANS.items())
def test_a_span(text: str, expected: timedelta) -> None:
    assert parse_span(text) == expected


MOMENTS = {
    "2026-12-31T00:00:00Z": datetime(2026, 12, 31, tzinfo=UTC),
    "2026-12-31": datetime(2026, 12, 31, tzinfo=UTC),
    "2026-12-31 00:00:00Z": datetime(2026, 12, 31, tzinfo=UTC),
    "2026-12-31T01:30:00.25+01:30": datetime(2026, 12, 31, microsecond=250_000, tzinfo=UTC),
    "9999-12-31T23:59:59Z": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    "0001-01-01T00:00:00Z": datetime(1, 1, 1, tzinfo=UTC),
}


@pytest.mark.parametrize(("text", "expected"), MOMENTS.items())
def test_a_moment(text: str, expected: datetime) -> None:
    assert parse_moment(text) == parse_past(text) == expected


def test_a_time_that_is_counted_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    monkeypatch.setattr(moments, "now", lambda: now)
    assert parse_past("1d") == datetime(2026, 2, 28, tzinfo=UTC)


PROGRAMS = {
    "RicChat@1.2": ("RicChat", "1.2.0"),
    "a@b@0.1.2-beta": ("a@b", "0.1.2-beta"),
    "你好 @1.0-dev": ("你好 ", "1.0.0-dev"),
}


@pytest.mark.parametrize(("text", "expected"), PROGRAMS.items())
def test_a_program(text: str, expected: tuple[str, str]) -> None:
    app = parse_program(text)
    assert (app.name, str(app.version)) == expected


# Mistakes, told with their place; nothing is made

A_SPAN = "expected a number and s, m, h, d or w, such as 12h or 3d"
SPAN_BOUNDS = "expected a time between one second and a hundred years"
A_MOMENT = "expected a date, or a date and time with an offset, such as 2026-12-31T00:00:00Z"
A_VERSION = "expected a version such as 1.2, 1.2.3 or 1.2.3-beta"
A_PROGRAM = "expected a name and a version, such as RicChat@1.2.3"
A_NAME = "expected 1 to 64 characters in UTF-8"
A_SENTENCE = "expected 0 to 512 characters, and no control characters among them"
WRONG: dict[tuple[tuple[str, ...], str], list[str]] = {
    (("token", "create", "--for"), A_SPAN): ["", "5", "h", "1h30m", "-1h", "1.5h", "5y", "5H", "\u0663d", "3d\n"],
    (("token", "create", "--for"), SPAN_BOUNDS): ["0s", "36501d", "99999w", "999999999w"],
    (("user", "ban", ADA, "--until"), A_MOMENT): [
        "", "tomorrow", "3d", "2026-12-32", "2026-12-31T00:00:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+01:00",
    ],
    (("audit", "--since"), A_MOMENT): ["", "yesterday", "-3d", "2026-12"],
    (("audit", "--since"), A_SPAN): ["5x", "9999999999d"],
    (("audit", "--since"), SPAN_BOUNDS): ["36501d", "999999999w"],
    (("client", "deny", "X", "--below"), A_VERSION): ["", "1", "v1.2", "1.2.3.4", "1.2-rc1", "\u0661.2", "1.2\n"],
    (("client", "allow", "X", "--from"), A_VERSION): ["9999999999.0"],
    (("client", "deny"), A_NAME): ["", "x" * 65, "b\udcff"],
    (("explain", "--user", ADA, "--client"), A_PROGRAM): ["", "RicChat", "RicChat 1.2"],
    (("explain", "--user", ADA, "--client"), A_VERSION): ["RicChat@", "RicChat@new"],
    (("explain", "--user", ADA, "--client"), A_NAME): ["@1.2", f"{'x' * 65}@1.2", "b\udcff@1.2"],
    (("explain", "--user", ADA, "--client", "X@1.0", "--token"), "expected 0 to 256 characters"): ["x" * 257, "a\n"],
    (("user", "ban", ADA, "--reason"), A_SENTENCE): ["x" * 513, "a\nb", "\x07"],
    (("token", "create", "--note"), A_SENTENCE): ["\x1b[2J"],
    (("kick", ADA, "--reason"), A_SENTENCE): ["\r"],
    (("token", "create", "--uses"), "is not in the range 1<=x<="): ["0", "-1", "1000001"],
    (("token", "create", "--count"), "is not in the range 1<=x<="): ["0", "10001"],
    (("token", "revoke"), "is not in the range 1<=x<="): ["0", str(2**63)],
    (("client", "deny", "--default"), "is not one of 'allow', 'deny'"): ["", "perhaps"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "told"), [((*words, wrong), told) for (words, told), texts in WRONG.items() for wrong in texts]
)
def test_a_mistake_is_told_with_its_place(words: tuple[str, ...], told: str, run: Run, tmp_path: Path) -> None:
    ended = run(*words)
    assert (ended.code, ended.out) == (64, "")
    assert told in ended.err
    place = words[-2] if words[-2].startswith("--") else ("NUMBER" if words[-2] == "revoke" else "NAME")
    assert place in ended.err
    assert list(tmp_path.iterdir()) == []


TOGETHER = {
    ("user", "ban", ADA, "--until", "2020-01-01T00:00:00Z"): "--until: that moment has passed already",
    ("user", "ban", ADA, "--until", "2099-01-01T00:00:00Z", "--for", "3d"): "--until and --for: give one of them",
    ("client", "deny", "X", "--from", "2.0", "--below", "2.0-beta"): "--from and --below: no version is in that range",
    ("client", "deny", "X", "--from", "2.0", "--below", "2.0.0"): "--from and --below: no version is in that range",
    ("client", "deny", "App@1.0"): "NAME 'App@1.0': give the version with --from and --below",
    ("client", "deny"): "NAME is missing: which software?",
    ("client", "allow", "--default", "allow", "--below", "1.0"): "NAME is missing: which software?",
    ("explain", "--client", "X@1.0"): "Missing option '--user'",
    ("explain", "--user", ADA): "Missing option '--client'",
    ("user", "ban"): "Missing argument 'USER'",
    ("backup", ""): "expected the path of a file, got an empty one",
    ("check", "--data-dir", ""): "expected the path of a folder, got an empty one",
}


@pytest.mark.parametrize(("words", "told"), TOGETHER.items())
def test_options_that_do_not_go_together(words: tuple[str, ...], told: str, run: Run, tmp_path: Path) -> None:
    ended = run(*words)
    assert (ended.code, ended.out) == (64, "")
    assert told in ended.err
    assert list(tmp_path.iterdir()) == []


# Whom they mean


@pytest.mark.parametrize("key_format", FORMATS)
def test_a_public_key_is_a_user(key_format: str, read: Read) -> None:
    public = make_key(key_format).public
    assert read("user", "add", public["key"])["user"] == fingerprint(public)


KNOWN = {
    ADA: ADA,
    NOBODY: NOBODY,  # a whole fingerprint need not be known
    "ed25519:adadadadadad": ADA,
    "rsa:adadadadadad": ADAS_LIKE,
    "rsa:b0b0b0b0b0b0": BOB,
    "b0b0b0b0b0b0": BOB,
    BOB.partition(":")[2]: BOB,
    "ED25519:ADADADADADAD": ADA,
    f" {BOB.upper()}\n": BOB,
}


@pytest.fixture
def known(tell: Tell) -> None:
    """A member, another with the same digits, and one who is banned."""
    tell("user", "add", ADA)
    tell("user", "add", ADAS_LIKE)
    tell("user", "ban", BOB)


@pytest.mark.parametrize(("text", "user"), KNOWN.items())
@pytest.mark.usefixtures("known")
def test_enough_of_a_fingerprint_is_a_user(text: str, user: str, read: Read) -> None:
    assert read("user", "show", text)["user"] == user


A_USER = "expected a public key, a fingerprint, or at least 12 digits of one"
UNKNOWN = "nobody is known here whose fingerprint begins so"
STRANGERS: dict[str, tuple[int, str]] = {
    "adadadadadad": (1, f"several fingerprints begin so; give more digits:\n  {ADA}\n  {ADAS_LIKE}\n"),
    "eeeeeeeeeeee": (1, UNKNOWN),
    "rsa:eeeeeeeeeeee": (1, UNKNOWN),
    "ed25519:b0b0b0b0b0b0": (1, UNKNOWN),
    "adadadadada": (64, A_USER),
    "ed25519:adadadadada": (64, A_USER),
    "dsa:adadadadadad": (64, A_USER),
    f"{ADA}ad": (64, A_USER),
    "": (64, A_USER),
    "Ada": (64, A_USER),
    "adadadadadad%": (64, A_USER),
    "\x1b[2J": (64, A_USER),
    f"{make_key(FORMATS[0]).public['key'][:-4]}": (64, A_USER),
    "x" * 5000: (64, A_USER),
}


@pytest.mark.parametrize(("text", "ending"), STRANGERS.items(), ids=range(len(STRANGERS)))
@pytest.mark.usefixtures("known")
def test_whoever_is_not_meant_clearly(text: str, ending: tuple[int, str], run: Run) -> None:
    for words in (["user", "show", text], ["user", "add", text], ["audit", "--user", text], ["kick", text]):
        ended = run(*words)
        assert (ended.code, ended.out) == (ending[0], "")
        assert ending[1] in ended.err
        assert is_plain(ended.err)
        assert len(ended.err) < 400


def test_what_may_be_a_private_key_is_not_repeated(run: Run) -> None:
    secret = "MC4CAQAwBQYDK2VwBCIEIGQw" + "x" * 40
    ended = run("user", "add", secret)
    assert ended.code == 64
    assert secret[:20] not in ended.err


def test_five_of_those_who_are_meant_are_named(run: Run, tell: Tell) -> None:
    users = [f"ed25519:{'cc' * 6}{digit:02x}{'0' * 50}" for digit in range(7)]
    for user in users:
        tell("user", "add", user)
    assert run("user", "show", "cc" * 6).err.splitlines()[1:] == [f"  {user}" for user in users[:5]]


WITH_A_USER = [("user", "add"), ("user", "ban"), ("user", "remove"), ("user", "unban"), ("user", "show"), ("kick",)]


@pytest.mark.parametrize("words", WITH_A_USER, ids=" ".join)
@pytest.mark.parametrize("wrong", ["nobody", "eeeeeeeeeeee"])
def test_a_wrong_user_makes_no_database(words: tuple[str, ...], wrong: str, run: Run, tmp_path: Path) -> None:
    assert run(*words, wrong).code in (1, 64, 78)
    assert list(tmp_path.iterdir()) == []
