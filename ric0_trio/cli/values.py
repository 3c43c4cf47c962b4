"""What people write on the command line: moments, spans of time, versions, programs and users."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import click

from ric0_trio.access import moments
from ric0_trio.access.rulebook import Rulebook
from ric0_trio.cli.exits import CommandError, Exit
from ric0_trio.protocol import KEY_FORMATS, AppInfo, Fingerprint, InvalidKeyError, PublicKey, SoftwareVersion
from ric0_trio.protocol.keys import parse_fingerprint
from ric0_trio.protocol.messages import MAX_LABEL_CHARS, MAX_SENTENCE_CHARS, MAX_TOKEN_CHARS

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST: Final = timedelta(days=36_500)
_BEGINNING: Final = re.compile(r"(?:([a-z0-9]+):)?[0-9a-f]{12,64}")


class Value(click.types.StringParamType):
    """A type of option: `parse` makes something of the text, or raises `ValueError` with what would be right."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def parse_span(text: str) -> timedelta:
    """Read a time such as 12h or 3d."""
    match = re.fullmatch(r"([0-9]{1,9})([smhdw])", text)
    if match is None:
        raise ValueError("expected a number and s, m, h, d or w, such as 12h or 3d")
    number, unit = int(match[1]), timedelta(**{_UNITS[match[2]]: 1})
    if not 0 < number <= _LONGEST // unit:
        raise ValueError("expected a time between one second and a hundred years")
    return number * unit


def parse_moment(text: str) -> datetime:
    """Read a moment in RFC 3339, or a date: its beginning in UTC."""
    wanted = "expected a date, or a date and time with an offset, such as 2026-12-31T00:00:00Z"
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            text += "T00:00:00Z"
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(wanted)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(wanted) from None


def parse_past(text: str) -> datetime:
    """Read a moment, or a time that is counted back from now."""
    if re.fullmatch(r"[0-9]+[a-z]", text):
        return moments.now() - parse_span(text)
    try:
        return parse_moment(text)
    except ValueError as error:
        raise ValueError(f"{error}, or a time such as 12h or 3d ago") from None


def parse_program(text: str) -> AppInfo:
    """Read a program's name and version."""
    name, at, version = text.rpartition("@")
    if not at:
        raise ValueError("expected a name and a version, such as RicChat@1.2.3")
    return AppInfo(
        name=_check_name(name),
        version=SoftwareVersion.parse(version),
        capabilities=[],
        extensions={},
    )


def _check_name(text: str) -> str:
    if not 1 <= len(text) <= MAX_LABEL_CHARS or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError(f"expected 1 to {MAX_LABEL_CHARS} characters in UTF-8")  # whatever a program may call itself
    return text


def _check_words(text: str, least: int, most: int) -> str:
    if not least <= len(text) <= most or not text.isprintable():
        raise ValueError(f"expected {least} to {most} characters, and no control characters among them")
    return text


SPAN: Final = Value("time", parse_span)
MOMENT: Final = Value("moment", parse_moment)
PAST: Final = Value("moment or time", parse_past)
VERSION: Final = Value("version", SoftwareVersion.parse)
PROGRAM: Final = Value("name@version", parse_program)
PROGRAM_NAME: Final = Value("name", _check_name)
SENTENCE: Final = Value("text", partial(_check_words, least=0, most=MAX_SENTENCE_CHARS))
SECRET: Final = Value("text", partial(_check_words, least=0, most=MAX_TOKEN_CHARS))


def find_end(until: datetime | None, span: timedelta | None, *, flags: str) -> datetime | None:
    """Work out when something ends, from two options of which one may be given. Raises `click.UsageError`."""
    if until is not None and span is not None:
        raise click.UsageError(f"{flags}: give one of them")
    now = moments.now()
    if until is not None and until <= now:
        raise click.UsageError("--until: that moment has passed already")
    return now + span if span is not None else until


def is_whole(text: str) -> bool:
    """Tell whether `text` is a public key or a whole fingerprint, and not the beginning of one.

    Raises `click.UsageError` when it is none of these.
    """
    if _read_whole(text) is not None:
        return True
    _read_beginning(text)
    return False


def find_user(text: str, rules: Rulebook) -> Fingerprint:
    """Find whom `text` means: a public key, a whole fingerprint, or the beginning of one that is known here.

    Raises `CommandError`, and `click.UsageError` as `is_whole` does.
    """
    whole = _read_whole(text)
    if whole is not None:
        return whole
    begins = _read_beginning(text)
    found = rules.find_users(begins)
    if not found:
        what = "nobody is known here whose fingerprint begins so"
        remedy = "for someone new, give the whole fingerprint or the public key"
        raise CommandError(f"USER {begins}: {what}; {remedy}", Exit.FAILED)
    if len(found) > 1:
        listed = "".join(f"\n  {user}" for user in found)
        raise CommandError(f"USER {begins}: several fingerprints begin so; give more digits:{listed}", Exit.FAILED)
    return found[0]


def _read_beginning(text: str) -> str:
    begins = text.strip().lower()
    found = _BEGINNING.fullmatch(begins)
    if found is None or found[1] not in (None, *(rules.label for rules in KEY_FORMATS.values())):
        # What was pasted may be a private key: it is not repeated.
        what = "expected a public key, a fingerprint, or at least 12 digits of one, such as ed25519:9f3c0a1b2c3d"
        raise click.UsageError(f"USER: {what}")
    return begins


def _read_whole(text: str) -> Fingerprint | None:
    text = text.strip()
    try:
        return parse_fingerprint(text.lower())
    except ValueError:
        pass
    for name in KEY_FORMATS:
        try:
            return PublicKey(text, name).fingerprint
        except InvalidKeyError:
            continue
    return None
