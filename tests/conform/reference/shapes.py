"""What each part of a message has to be: the tables of docs/protocol.md, as functions that say yes or no."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tests.conform.reference.keys import is_well_formed_key
from tests.conform.reference.names import is_well_formed_name

Rule = Callable[[object], bool]

MAX_CONVERSATION = 2**32 - 1
RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.\d{1,32})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)


def text(least: int, most: int) -> Rule:
    return lambda value: isinstance(value, str) and least <= len(value) <= most


def whole(most: int) -> Rule:
    return lambda value: type(value) is int and 0 <= value <= most


def one_of(*texts: str) -> Rule:
    return lambda value: isinstance(value, str) and value in texts


def several(rule: Rule, most: int) -> Rule:
    return lambda value: isinstance(value, list) and len(value) <= most and all(map(rule, value))


def table(key: Rule, value: Rule, most: int) -> Rule:
    return lambda given: (
        isinstance(given, dict)
        and len(given) <= most
        and all(map(key, given))
        and all(value(item) for item in given.values())
    )


def both(first: Rule, second: Rule) -> Rule:
    return lambda value: first(value) and second(value)


@dataclass(frozen=True)
class Shape:
    """An object: keys that are needed, and keys that may be absent or null. It is a `Rule` itself."""

    needed: Mapping[str, Rule]
    optional: Mapping[str, Rule] = field(default_factory=dict)

    def __call__(self, value: object) -> bool:
        return (
            isinstance(value, dict)
            and all(key in value and rule(value[key]) for key, rule in self.needed.items())
            and all(value.get(key) is None or rule(value[key]) for key, rule in self.optional.items())
        )

    def but(self, **rules: Rule) -> "Shape":
        """The same with other rules for some keys."""
        return Shape(
            {key: rules.get(key, rule) for key, rule in self.needed.items()},
            {key: rules.get(key, rule) for key, rule in self.optional.items()},
        )


def is_time(value: object) -> bool:
    """An RFC 3339 date-time; a leap second is taken as the second before."""
    if isinstance(value, datetime):
        return True
    match = RFC3339.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return False
    date, time = match.groups()
    try:
        datetime.fromisoformat(f"{date}T{time.replace(':59:60', ':59:59')}")
    except ValueError:
        return False
    return True


LABEL = text(1, 64)
SENTENCE = text(0, 512)
COUNT = whole(2**31 - 1)
PUBLIC_KEY = both(Shape({"key": text(1, 1024), "format": LABEL}), is_well_formed_key)
SOFTWARE_VERSION = Shape(
    {"type": one_of("alpha", "beta", "dev", "release"), "major": COUNT, "minor": COUNT},
    {"patch": COUNT, "vcs_id": text(0, 128), "display": text(0, 128)},
)
APP_INFO = Shape(
    {
        "name": LABEL,
        "version": SOFTWARE_VERSION,
        "capabilities": several(LABEL, 64),
        "extensions": table(LABEL, several(COUNT, 16), 64),
    },
    {"description": SENTENCE},
)
USER_IDENTITY = Shape(
    {
        "name": both(LABEL, is_well_formed_name),
        "type": one_of("bot", "log_relay", "user"),
        "pubkey": PUBLIC_KEY,
        "home_server": PUBLIC_KEY,
    },
    {"home_server_url": text(1, 2048)},
)
CHALLENGE = Shape({"challenge": text(0, 16384)})
CONNECT = Shape(
    {"client_app": APP_INFO, "user": USER_IDENTITY, "challenge": text(0, 1024)}, {"join_token": text(0, 256)}
)
DISCONNECT = Shape({}, {"reason": SENTENCE})
ANYTHING = Shape({})
REFUSAL = Shape({}, {"disallowed_client_reason": SENTENCE, "disallowed_user_reason": SENTENCE})
SERVER_INFO = Shape({"pubkey": PUBLIC_KEY, "url": text(1, 2048), "name": LABEL}, {"description": SENTENCE})
CHALLENGE_SUCCESS = Shape({"pubkey": PUBLIC_KEY, "challenge_response": text(0, 1024)})
CONNECT_SUCCESS = Shape({"server_app": APP_INFO, "server_identity": SERVER_INFO})

CONVERSATION = whole(MAX_CONVERSATION)
MESSAGE = Shape({"time": is_time, "type": one_of("message"), "name": LABEL, "data": ANYTHING})
REPLY = Shape(
    {
        "time": is_time,
        "type": one_of("reply"),
        "name": LABEL,
        "data": ANYTHING,
        "conversation": CONVERSATION,
        "status": LABEL,
    }
)
REQUEST = Shape(
    {"time": is_time, "type": one_of("request"), "name": LABEL, "data": ANYTHING, "conversation": CONVERSATION}
)
