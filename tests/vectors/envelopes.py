"""Making envelopes and their expected outcomes, in both encodings."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.independent import bson
from tests.vectors.cases import Vector, b64

TIME = "2026-01-02T03:04:05.678901Z"
UNDECODABLE: Vector = {"outcome": "undecodable"}


@dataclass(frozen=True)
class Case:
    shows: str
    envelope: dict[str, Any]
    expected: Vector
    also_right_in_json: Vector | None = None
    also_right: Vector | None = None
    """In both encodings."""

    def encoded(self) -> list[Vector]:
        text = json_vector(self.shows, json.dumps(self.envelope), self.expected)
        binary = bson_vector(self.shows, bson.encode(self.envelope), self.expected)
        if self.also_right is not None:
            return [also(text, self.also_right), also(binary, self.also_right)]
        return [text if self.also_right_in_json is None else also(text, self.also_right_in_json), binary]


@dataclass(frozen=True)
class _Missing:
    """Stands for a key that is not there."""


MISSING = _Missing()


@dataclass(frozen=True)
class Template:
    """An envelope that is right, from which each case differs in one thing."""

    fields: dict[str, Any] = field(default_factory=dict)

    def but(self, **changes: Any) -> dict[str, Any]:
        return {key: value for key, value in (self.fields | changes).items() if value is not MISSING}


REQUEST = Template({"time": TIME, "type": "request", "name": "disconnect", "data": {}, "conversation": 2})
REPLY = Template(
    {"time": TIME, "type": "reply", "name": "disconnect", "data": {}, "conversation": 2, "status": "success"}
)
MESSAGE = Template({"time": TIME, "type": "message", "name": "note", "data": {}})


def valid(envelope: dict[str, Any], **decoded: Any) -> Vector:
    """What an envelope means, with nulls and unknown keys gone; a value that is MISSING is left open."""
    keys = {"message": (), "request": ("conversation",), "reply": ("conversation", "status")}[envelope["type"]]
    fields = {key: envelope[key] for key in ("time", "type", "name", "data", *keys)} | decoded
    return {"outcome": "valid", "message": {key: value for key, value in fields.items() if value is not MISSING}}


def bad_request(name: str | None = "disconnect", conversation: int = 2) -> Vector:
    """What is left of a bad request: its name, or None when it has none that could be repeated."""
    return {"outcome": "bad_request", "name": name, "conversation": conversation}


def also(vector: Vector, outcome: Vector) -> Vector:
    """The same case, of which docs/protocol.md allows another outcome as well."""
    return vector | {"also_right": [outcome]}


def json_vector(shows: str, payload: str, expected: Vector) -> Vector:
    return {"shows": shows, "encoding": "json", "payload": payload, "expected": expected}


def bson_vector(shows: str, payload: bytes, expected: Vector) -> Vector:
    return {"shows": shows, "encoding": "bson", "payload": b64(payload), "expected": expected}
