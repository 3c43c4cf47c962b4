"""Payloads of clients -> what they are, by the rules of the envelope."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from tests.conform.reference import shapes
from tests.conform.reference.encodings import Encoding, MalformedError, has_foreign_value
from tests.conform.reference.shapes import Rule


@dataclass(frozen=True)
class Request:
    name: str
    conversation: int
    data: dict[str, Any]


@dataclass(frozen=True)
class BadRequest:
    name: str
    conversation: int


@dataclass(frozen=True)
class Other:
    """A `message` or a `reply`."""

    plain: dict[str, Any]


class Envelopes:
    heads: ClassVar[Mapping[str, Rule]] = MappingProxyType(
        {"message": shapes.MESSAGE, "request": shapes.REQUEST, "reply": shapes.REPLY}
    )
    data: ClassVar[Mapping[str, Rule]] = MappingProxyType(
        {"challenge": shapes.CHALLENGE, "connect": shapes.CONNECT, "disconnect": shapes.DISCONNECT}
    )
    """That of each request."""
    successes: ClassVar[Mapping[str, Rule]] = MappingProxyType(
        {"challenge": shapes.CHALLENGE_SUCCESS, "connect": shapes.CONNECT_SUCCESS}
    )
    """That of each reply with `success`: a client sends none, but a bad one is no valid envelope."""

    def read(self, encoding: Encoding, payload: str | bytes) -> Request | BadRequest | Other:
        """Raises `MalformedError` for what is neither a valid envelope nor a request that can be answered."""
        plain = encoding.decode(payload)
        if not isinstance(plain, dict):
            raise MalformedError("no object")
        if not self.is_valid(plain):
            return self.salvage(plain)
        if plain["type"] != "request":
            return Other(plain)
        return Request(plain["name"], plain["conversation"], plain["data"])

    def is_valid(self, plain: dict[str, Any]) -> bool:
        kind = plain.get("type")
        head = self.heads.get(kind) if isinstance(kind, str) else None
        if head is None or self.has_foreign(plain) or not head(plain):
            return False
        return self.rule_of(plain)(plain["data"]) and (kind != "request" or self.is_clients(plain["conversation"]))

    def rule_of(self, plain: dict[str, Any]) -> Rule:
        """What the data has to be."""
        if plain["type"] == "request":
            return self.data.get(plain["name"], shapes.ANYTHING)
        if plain["type"] == "message":
            return shapes.ANYTHING
        is_success = plain.get("status") == "success"
        return self.successes.get(plain["name"], shapes.ANYTHING) if is_success else shapes.REFUSAL

    def has_foreign(self, plain: dict[str, Any]) -> bool:
        return any(has_foreign_value(value, is_time=key == "time") for key, value in plain.items())

    def is_clients(self, conversation: int) -> bool:
        return conversation % 2 == 0

    def salvage(self, plain: dict[str, Any]) -> BadRequest:
        if plain.get("type") != "request" or not shapes.CONVERSATION(plain.get("conversation")):
            raise MalformedError("no valid envelope")
        name = plain.get("name")
        return BadRequest(str(name) if shapes.LABEL(name) else "", plain["conversation"])
