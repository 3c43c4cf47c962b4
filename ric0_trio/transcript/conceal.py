"""A message without its secrets: known keys keep what they hold, secret ones a stand-in, unknown ones nothing.

What a client chose to say in public (its names, its URLs, its reason to leave) stays, as this is what a transcript is
for. A proof or a token is found there, too, if it was met where it belongs, or has the looks of a proof.
"""

import re
from functools import cache
from typing import Any, Final

import msgspec

from ric0_trio.protocol import KEY_FORMATS, InvalidKeyError, PublicKey, Status
from ric0_trio.protocol.codec import MAX_DEPTH
from ric0_trio.protocol.messages import REPLY_DATA, REQUEST_DATA, RefusalReply
from ric0_trio.transcript.plain import NotPlainError
from ric0_trio.transcript.stand_ins import StandIns

SECRET_KEYS: Final = frozenset({"challenge", "challenge_response", "join_token"})
"""What these keys hold is replaced wherever they stand. A `challenge` can be a proof that went to the wrong request."""

_SHORTEST_LIKE_A_PROOF: Final = 80  # characters, of 60 bytes; the shortest signatures have 64 bytes
_LIKE_A_PROOF: Final = re.compile(rf"[A-Za-z0-9+/_-]{{{_SHORTEST_LIKE_A_PROOF},}}={{0,2}}")
_SHORTEST_KNOWN: Final = 6
_MAX_KNOWN: Final = 64

_ENVELOPE_KEYS: Final = frozenset({"time", "type", "name", "conversation", "status", "data"})
_NUMBERS: Final = (int, float)

Plain = dict[str, Any]


class Concealer:
    """Conceals what one connection's messages hold; it remembers the secrets that it has met there."""

    def __init__(self, stand_ins: StandIns) -> None:
        self._stand_ins = stand_ins
        self._known: dict[str, None] = {}

    def conceal_message(self, plain: Any) -> Any:
        """Copy what a message decodes to, without what is secret. Raises `NotPlainError` for what JSON has no type for.

        The result says the same to the core, but for the secrets; that is to be tried, as a client can break any rule.
        """
        if not isinstance(plain, dict):
            return self._conceal(plain)
        self._meet_secrets(plain)
        return {
            self._key(key, known=key in _ENVELOPE_KEYS): self._envelope_value(key, value, plain)
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

    def signature(self, secret: bytes) -> bytes:
        """Give what stands for a proof, as bytes."""
        return self._stand_ins.for_bytes(secret)

    def _meet_secrets(self, value: Any, *, is_secret: bool = False, depth: int = 0) -> None:
        """Remember secrets before anything is shown: they may stand in public, too, in this very message."""
        if depth > MAX_DEPTH:
            raise NotPlainError(f"nested more than {MAX_DEPTH} deep")
        match value:
            case str() if is_secret and len(value) >= _SHORTEST_KNOWN:
                self._known[value] = None
                if len(self._known) > _MAX_KNOWN:
                    del self._known[next(iter(self._known))]
            case dict():
                for key, item in value.items():
                    self._meet_secrets(item, is_secret=is_secret or key in SECRET_KEYS, depth=depth + 1)
            case list():
                for item in value:
                    self._meet_secrets(item, is_secret=is_secret, depth=depth + 1)

    def _envelope_value(self, key: str, value: Any, envelope: Plain) -> Any:
        if key == "data":
            return self._structure(value, _data_of(envelope))
        if key == "time" and type(value).__name__ == "datetime":  # BSON's
            return value
        return self._leaf(value) if key in _ENVELOPE_KEYS else self._conceal(value)

    def _structure(self, value: Any, kind: type[msgspec.Struct] | None) -> Any:
        """Copy what should be a structure of a `kind`; nothing is public in one of no kind."""
        if not isinstance(value, dict):
            return self._conceal(value)
        if kind is PublicKey:
            return self._public_key(value)
        fields = {} if kind is None else _fields_of(kind)
        return {
            self._key(key, known=key in fields or key in SECRET_KEYS): self._field(key, item, fields)
            for key, item in value.items()
        }

    def _field(self, key: str, value: Any, fields: dict[str, type[msgspec.Struct] | None]) -> Any:
        if key in SECRET_KEYS or key not in fields:
            return self._conceal(value)
        inner = fields[key]
        if inner is not None:
            return self._structure(value, inner)
        if isinstance(value, dict) and key == "extensions":
            return {self.show(name): self._leaf(versions) for name, versions in value.items()}
        return self._leaf(value)

    def _public_key(self, value: Plain) -> Plain:
        """A key that is one hides nothing; of any other, the form alone is kept."""
        key, key_format = value.get("key"), value.get("format")
        try:
            is_one = isinstance(key, str) and key_format in KEY_FORMATS and bool(PublicKey(key, key_format))
        except (InvalidKeyError, TypeError):
            is_one = False
        known = {"key": value["key"] if is_one else self._conceal(key)} if "key" in value else {}
        return {
            self._key(name, known=name in ("key", "format")): known[name]
            if name == "key"
            else self._leaf(item)
            if name == "format"
            else self._conceal(item)
            for name, item in value.items()
        }

    def _leaf(self, value: Any) -> Any:
        """Copy what should be a string, a number, or a list of such."""
        if isinstance(value, list):
            return [self._conceal(item) if isinstance(item, dict | list) else self._leaf(item) for item in value]
        if type(value) is str:
            return self.show(value)
        return value if value is None or isinstance(value, bool | int | float) else self._conceal(value)

    def _key(self, key: str, *, known: bool) -> str:
        """A known key stays; another is replaced by one that cannot be taken for a known one."""
        return key if known else self._stand_ins.for_text(key).upper()

    def _conceal(self, value: Any) -> Any:
        """Keep the form, and nothing else."""
        if type(value) is str:
            return self._stand_ins.for_text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, _NUMBERS):
            return type(value)(0)
        if isinstance(value, list):
            return [self._conceal(item) for item in value]
        if type(value) is dict:
            return {self._key(key, known=key in SECRET_KEYS): self._conceal(item) for key, item in value.items()}
        raise NotPlainError(f"a value of the type {type(value).__name__}, which JSON has not")


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
def _fields_of(kind: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct] | None]:
    """Each key of a structure, with the structure that belongs there, if it is one."""
    fields = msgspec.structs.fields(kind)
    return {field.encode_name: field.type if isinstance(field.type, type(msgspec.Struct)) else None for field in fields}
