"""A message without its secrets: known keys keep what they hold, secret ones a stand-in, unknown ones nothing.

What a client chose to say in public (its names, its URLs, its reason to leave) stays, as this is what a transcript is
for. A proof or a token is found there, too, if it was met where it belongs, or has the looks of a proof.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import inspect

from ric0_trio.protocol import KEY_FORMATS, InvalidKeyError, PublicKey, Status
from ric0_trio.protocol.codec import MAX_DEPTH
from ric0_trio.protocol.messages import REPLY_DATA, REQUEST_DATA, RefusalReply
from ric0_trio.transcript.plain import NotPlainError
from ric0_trio.transcript.stand_ins import StandIns

SECRET_KEYS: Final = frozenset({"challenge", "challenge_response", "join_token"})
"""What these keys hold is replaced wherever they stand. A `challenge` can be a proof that went to the wrong request."""

MAX_VALUES: Final = 1500
"""How many values a message may have: a stand-in takes microseconds, and others wait. A valid one has 1,200 at most."""

_SHORTEST_LIKE_A_PROOF: Final = 80  # characters, of 60 bytes; the shortest signatures have 64 bytes
_RUN: Final = "[A-Za-z0-9+/_-]"
# The look behind keeps it from trying each place in a run that is too short.
_LIKE_A_PROOF: Final = re.compile(rf"(?<!{_RUN}){_RUN}{{{_SHORTEST_LIKE_A_PROOF},}}={{0,2}}")
_SHORTEST_KNOWN: Final = 6
_LONGEST_KNOWN: Final = 1024  # characters: no proof or token is longer, and whoever sends a text must not fill memory
_MAX_KNOWN: Final = 16

_TEXT: Final = inspect.StrType()
_ENVELOPE: Final[dict[str, inspect.Type]] = {
    **dict.fromkeys(("time", "type", "name", "status"), _TEXT),
    "conversation": inspect.IntType(),
}
"""The keys of an envelope, but for its data."""

_KEY_FIELDS: Final = PublicKey.__struct_fields__

Plain = dict[str, Any]


class Concealer:
    """Conceals what one connection's messages hold; it remembers the secrets that it has met there."""

    def __init__(self, stand_ins: StandIns) -> None:
        self._stand_ins = stand_ins
        self._known: dict[str, None] = {}

    def conceal_message(self, plain: Any) -> Any:
        """Copy what a message decodes to, without what is secret. It says the same to the core, as a rule: try it.

        Raises `NotPlainError` for a type that JSON has not, and for what is too deep, or has too many values.
        """
        self._meet_secrets(plain)
        if not isinstance(plain, dict):
            return self._conceal(plain)
        return {
            self._key(key, is_known=key in _ENVELOPE or key == "data"): self._envelope_value(key, value, plain)
            for key, value in plain.items()
        }

    def show(self, text: str) -> str:
        """Give public text, without secrets that are known, or look like it."""
        for secret in self._known:
            if secret in text:
                text = text.replace(secret, self._stand_ins.for_text(secret))
        if len(text) < _SHORTEST_LIKE_A_PROOF:
            return text
        return _LIKE_A_PROOF.sub(lambda match: self._stand_ins.for_text(match[0]), text)

    def _meet_secrets(self, plain: Any) -> None:
        """Remember secrets before anything is shown: they may stand in public, too, in this very message.

        Level by level, as nothing is known yet of how deep it is. Raises `NotPlainError`.
        """
        level: list[tuple[Any, bool]] = [(plain, False)]
        values = 0
        for _ in range(MAX_DEPTH + 1):
            level = [
                (item, is_in_secret or key in SECRET_KEYS) for one, is_in_secret in level for key, item in _items(one)
            ]
            values += len(level)
            if values > MAX_VALUES:
                raise NotPlainError(f"more than {MAX_VALUES} values")
            for item, is_secret in level:
                if is_secret and isinstance(item, str) and _SHORTEST_KNOWN <= len(item) <= _LONGEST_KNOWN:
                    self._remember(item)
            if not level:
                return
        raise NotPlainError(f"nested more than {MAX_DEPTH} deep")

    def _remember(self, secret: str) -> None:
        self._known[secret] = None
        if len(self._known) > _MAX_KNOWN:
            del self._known[next(iter(self._known))]

    def _envelope_value(self, key: str, value: Any, envelope: Plain) -> Any:
        if key == "data":
            return self._structure(value, _data_of(envelope))
        if key == "time" and isinstance(value, datetime):  # BSON has them
            return value
        return self._show(value, _ENVELOPE[key]) if key in _ENVELOPE else self._conceal(value)

    def _structure(self, value: Any, kind: type[msgspec.Struct] | None) -> Any:
        """Copy what should be a structure of a `kind`; nothing is public in one of no kind."""
        if not isinstance(value, dict):
            return self._conceal(value)
        if kind is PublicKey:
            return self._public_key(value)
        fields = {} if kind is None else _fields_of(kind)
        public = fields.keys() - SECRET_KEYS
        return {
            self._key(key, is_known=key in fields or key in SECRET_KEYS): (
                self._show(item, fields[key]) if key in public else self._conceal(item)
            )
            for key, item in value.items()
        }

    def _public_key(self, value: Plain) -> Plain:
        """A key that is one hides nothing, though it may look like a proof; of any other, the form alone is kept."""
        shown = {"format": self._show(value.get("format"), _TEXT), "key": self._conceal(value.get("key"))}
        if _is_key(value):
            shown = value
        return {
            self._key(name, is_known=name in _KEY_FIELDS): shown[name] if name in _KEY_FIELDS else self._conceal(item)
            for name, item in value.items()
        }

    def _show(self, value: Any, kind: inspect.Type) -> Any:
        """Copy what a key holds, as far as it is what belongs there."""
        match kind:
            case inspect.UnionType(types=types):
                return self._show(value, next(one for one in types if not isinstance(one, inspect.NoneType)))
            case inspect.StructType(cls=struct):
                return self._structure(value, struct)
            case inspect.StrType() | inspect.LiteralType() if type(value) is str:
                return self.show(value)
            case inspect.IntType() if isinstance(value, int | float):
                return value
            case inspect.ListType(item_type=item_kind) if isinstance(value, list):
                return [self._show(item, item_kind) for item in value]
            case inspect.DictType(value_type=item_kind) if isinstance(value, dict):
                return {self.show(key): self._show(item, item_kind) for key, item in value.items()}
        return self._conceal(value)

    def _key(self, key: str, *, is_known: bool) -> str:
        """A known key stays; another is replaced by one that cannot be taken for a known one."""
        return key if is_known else self._stand_ins.for_text(key).upper()

    def _conceal(self, value: Any) -> Any:
        """Keep the form, and nothing else."""
        if type(value) is str:
            return self._stand_ins.for_text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return type(value)(0)
        if isinstance(value, list):
            return [self._conceal(item) for item in value]
        if type(value) is dict:
            return {self._key(key, is_known=key in SECRET_KEYS): self._conceal(item) for key, item in value.items()}
        raise NotPlainError(f"a value of the type {type(value).__name__}, which JSON has not")


def _items(value: Any) -> Iterable[tuple[str | None, Any]]:
    """What is in an object or a list, if it is one."""
    if isinstance(value, dict):
        return value.items()
    return ((None, item) for item in value) if isinstance(value, list) else ()


def _is_key(value: Plain) -> bool:
    """Whether it is a public key of a format that is known, whatever else is there."""
    key, key_format = value.get("key"), value.get("format")
    if not isinstance(key, str) or not isinstance(key_format, str) or key_format not in KEY_FORMATS:
        return False
    try:
        PublicKey(key, key_format)
    except InvalidKeyError:
        return False
    return True


def _data_of(envelope: Plain) -> type[msgspec.Struct] | None:
    """The structure that the data of an envelope has, if it has one."""
    name, kind = envelope.get("name"), envelope.get("type")
    if not isinstance(name, str):
        return None
    if kind == "request":
        return REQUEST_DATA.get(name)
    if kind == "reply":
        return REPLY_DATA.get(name) if envelope.get("status") == Status.SUCCESS else RefusalReply
    return None


@cache
def _fields_of(kind: type[msgspec.Struct]) -> dict[str, inspect.Type]:
    """What belongs to each key of a structure."""
    info = inspect.type_info(kind)
    return {field.encode_name: field.type for field in info.fields} if isinstance(info, inspect.StructType) else {}
