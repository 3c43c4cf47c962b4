"""The envelope as docs/protocol.md has it, written once more without the code under test, to be compared with it.

Nothing here is fast or complete in what it says of an error: it tells what an object is. RSA keys alone are left to
the package, as DER is not written twice here.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain
from typing import Any, Final
from unicodedata import category, normalize

from ric0_trio.protocol import KEY_FORMATS, InvalidKeyError

Outcome = tuple[object, ...]
"""What a payload is: (undecodable), (bad, name, conversation) or (valid, kind, name, conversation, status, data)."""

UNDECODABLE: Final[Outcome] = ("undecodable",)
MAX_DEPTH: Final = 32


class Exotic:
    """Stands for a value of a type that JSON does not have."""


class WrongError(Exception):
    """A value is not what the page asks for."""


Rule = Callable[[Any], Any]
"""Gives what a value means, without unknown keys and nulls. Raises `WrongError`."""


def outcome_of(plain: object) -> Outcome:
    """Tell what an object is as a message."""
    if not isinstance(plain, dict):
        return UNDECODABLE
    is_exotic = holds_exotic({**plain, "time": None})
    if depth_of(plain) > MAX_DEPTH:
        return UNDECODABLE
    try:
        if is_exotic:
            raise WrongError
        time_of(plain.get("time"))
        return ("valid", *_envelope(plain))
    except WrongError:
        pass
    conversation = plain.get("conversation")
    if plain.get("type") == "request" and type(conversation) is int and 0 <= conversation < 2**32:
        name = plain.get("name")
        return "bad", name if isinstance(name, str) and 1 <= len(name) <= 64 else "", conversation
    return UNDECODABLE


def _envelope(plain: Mapping[str, Any]) -> Outcome:
    kind, name = plain.get("type"), _label(plain.get("name"))
    if not isinstance(plain.get("data"), dict):
        raise WrongError
    if kind == "message":
        return kind, name, None, None, None
    conversation = integer(2**32 - 1)(plain.get("conversation"))
    if kind == "request" and conversation % 2 == 0:
        return kind, name, conversation, None, REQUESTS.get(name, record())(plain["data"])
    if kind == "reply":
        status = _label(plain.get("status"))
        rule = REPLIES.get(name, record()) if status == "success" else REFUSAL
        return kind, name, conversation, status, rule(plain["data"])
    raise WrongError


def levels_of(plain: object) -> Iterator[list[Any]]:
    """All that is in the value, and in what is in it, and so on. It may be nested deeper than Python can call."""
    level = [plain]
    while level:
        yield level
        level = [inner for item in level if isinstance(item, dict | list) for inner in _inside(item)]


def _inside(item: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return item.values() if isinstance(item, dict) else item


def everything_in(plain: object) -> Iterator[Any]:
    return chain.from_iterable(levels_of(plain))


def depth_of(plain: object) -> int:
    """How deep lists and objects are in each other."""
    return sum(any(isinstance(item, dict | list) for item in level) for level in levels_of(plain))


def holds_exotic(plain: object) -> bool:
    """Whether there is a type that JSON does not have, datetimes among them."""
    return any(isinstance(item, Exotic | datetime) for item in everything_in(plain))


# Time

_TIME: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{1,32}))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)


def time_of(value: object) -> datetime:
    """The time that a text means, or a BSON datetime. What is less than a microsecond is cut off."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not (match := _TIME.fullmatch(value)):
        raise WrongError
    year, month, day, hour, minute, second = (int(digits) for digits in match.groups()[:6])
    fraction, sign, hours, minutes = match.groups()[6:]
    if second == 60 and minute == 59:
        second = 59
    if hours and (int(hours) > 23 or int(minutes) > 59):
        raise WrongError
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, timezone(offset))
    except ValueError:
        raise WrongError from None


def in_utc(time: datetime) -> datetime | None:
    """The time in UTC; None for the first and the last day of all, where there may be none."""
    try:
        return time.astimezone(UTC)
    except OverflowError:
        return None


# What values are


def text(least: int, most: int) -> Rule:
    def rule(value: Any) -> str:
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise WrongError
        return value

    return rule


def integer(most: int) -> Rule:
    def rule(value: Any) -> int:
        if type(value) is not int or not 0 <= value <= most:
            raise WrongError
        return value

    return rule


def one_of(*words: str) -> Rule:
    def rule(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise WrongError
        return value

    return rule


def listed(most: int, item: Rule) -> Rule:
    def rule(value: Any) -> list[Any]:
        if not isinstance(value, list) or len(value) > most:
            raise WrongError
        return [item(each) for each in value]

    return rule


def mapped(most: int, key: Rule, item: Rule) -> Rule:
    def rule(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > most:
            raise WrongError
        return {key(name): item(each) for name, each in value.items()}

    return rule


def record(needed: Mapping[str, Rule] | None = None, optional: Mapping[str, Rule] | None = None) -> Rule:
    def rule(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise WrongError
        found = {name: each(value.get(name)) for name, each in (needed or {}).items()}
        for name, each in (optional or {}).items():
            if value.get(name) is not None:
                found[name] = each(value[name])
        return found

    return rule


_label = text(1, 64)
_sentence = text(0, 512)
_count = integer(2**31 - 1)


def _public_key(value: Any) -> Any:
    key: dict[str, str] = record({"key": text(1, 1024), "format": _label})(value)
    try:
        raw = base64.b64decode(key["key"].encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise WrongError from None
    if base64.b64encode(raw).decode() != key["key"]:
        raise WrongError
    if key["format"] == "ed25519-sha512":
        if len(raw) != 44 or raw[:12].hex() != "302a300506032b6570032100":
            raise WrongError
    elif key["format"] in KEY_FORMATS:
        try:
            KEY_FORMATS[key["format"]].check(raw)
        except InvalidKeyError:
            raise WrongError from None
    return key


def _user_name(value: Any) -> Any:
    name: str = text(1, 64)(value)
    kinds = [category(char) for char in name]
    marks = "".join("M" if kind[0] == "M" else " " for kind in kinds)
    if (
        normalize("NFC", name) != name
        or any(kind[0] == "C" or kind in ("Zl", "Zp") for kind in kinds)
        or any(char in "\u115f\u1160\u2800\u3164\uffa0" for char in name)
        or "Zs" in (kinds[0], kinds[-1])
        or not any(kind[0] in "LN" for kind in kinds)
        or "MMM" in marks
    ):
        raise WrongError
    return name


def _version(value: Any) -> Any:
    return {"patch": 0, **_NUMBERS(value)}


_NUMBERS = record(
    {"type": one_of("alpha", "beta", "dev", "release"), "major": _count, "minor": _count},
    {"patch": _count, "vcs_id": text(0, 128), "display": text(0, 128)},
)
_APP = record(
    {
        "name": _label,
        "version": _version,
        "capabilities": listed(64, _label),
        "extensions": mapped(64, _label, listed(16, _count)),
    },
    {"description": _sentence},
)
_USER = record(
    {"name": _user_name, "type": one_of("bot", "log_relay", "user"), "pubkey": _public_key, "home_server": _public_key},
    {"home_server_url": text(1, 2048)},
)
_SERVER = record({"pubkey": _public_key, "url": text(1, 2048), "name": _label}, {"description": _sentence})

REQUESTS: Final[dict[str, Rule]] = {
    "challenge": record({"challenge": text(0, 16_384)}),
    "connect": record({"client_app": _APP, "user": _USER, "challenge": text(0, 1024)}, {"join_token": text(0, 256)}),
    "disconnect": record({}, {"reason": _sentence}),
}
REPLIES: Final[dict[str, Rule]] = {
    "challenge": record({"pubkey": _public_key, "challenge_response": text(0, 1024)}),
    "connect": record({"server_app": _APP, "server_identity": _SERVER}),
}
REFUSAL: Final = record({}, {"disallowed_client_reason": _sentence, "disallowed_user_reason": _sentence})
