"""Make a JSON Schema (2020-12) of every message from its types, into tests/vectors/schemas/messages/.

    python docs/make_schemas.py            write them
    python docs/make_schemas.py --check    change nothing; exit 1 when they are out of date

Each file stands alone: what a message is made of is under its `$defs`. The schemas say what a receiver has to take:
unknown keys are allowed, and so is a null for a key that is optional. docs/vectors.md says what they cannot say.
"""

import ast
import json
import sys
import textwrap
from collections.abc import Iterable, Sequence
from inspect import getsource
from pathlib import Path
from typing import Any, Final

import msgspec

from ric0_trio.protocol import KEY_FORMATS, OUTCOMES, TRANSITIONS, PublicKey, RefusalReply, Status, UserIdentity
from ric0_trio.protocol.envelope import RFC3339
from ric0_trio.protocol.messages import REPLY_DATA, REQUEST_DATA, ConversationId, Empty, Label
from ric0_trio.protocol.states import REQUESTS

FOLDER: Final = Path(__file__).parents[1] / "tests" / "vectors" / "schemas" / "messages"

Schema = dict[str, Any]

BASE64: Final = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$"
"""Strict base64: padded, and the last digit's unused bits zero."""


# Structures


def make_structures(structs: Iterable[type]) -> dict[str, Schema]:
    """Give the schema of each structure, and of those that it is made of, by its name."""
    _, found = msgspec.json.schema_components(structs, ref_template="#/$defs/{name}")
    known = {struct.__name__: struct for struct in (*_structs_of(structs), *structs)}
    return {name: _for_receivers(schema, known[name]) for name, schema in found.items()}


def _structs_of(structs: Iterable[type]) -> Iterable[type]:
    for struct in structs:
        inner = [field.type for field in msgspec.structs.fields(struct) if isinstance(field.type, type(msgspec.Struct))]
        yield from inner
        yield from _structs_of(inner)


def _for_receivers(schema: Schema, struct: type) -> Schema:
    """Say it as the wire has it: the types refuse unknown keys, but what decodes takes those away before."""
    made = {key: value for key, value in schema.items() if key != "additionalProperties" and value != []}
    if "description" in made:
        made["description"] = _in_one_line(made["description"])
    notes = _notes(struct)
    for name, kind in made.get("properties", {}).items():
        note = {"description": notes[name]} if name in notes else {}
        made["properties"][name] = note | kind | _BESIDE_THE_TYPES.get((struct, name), {})
    return made | ({"allOf": _plain_keys()} if struct is PublicKey else {})


def _notes(struct: type) -> dict[str, str]:
    """Give the docstring under each field of a structure, as its source has it."""
    (definition,) = ast.parse(textwrap.dedent(getsource(struct))).body
    assert isinstance(definition, ast.ClassDef)
    notes = {}
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(note))):
                notes[name] = _in_one_line(note)
    return notes


def _in_one_line(docstring: str) -> str:
    """Give the first paragraph: what comes after is for readers of the source."""
    return " ".join(docstring.split("\n\n")[0].split())


def _plain_keys() -> list[Schema]:
    """Say what a pattern can say of the formats: the keys that all look alike."""
    return [
        {
            "if": {"properties": {"format": {"const": rules.name}}},
            "then": {"properties": {"key": {"pattern": f"^{rules.plain.pattern}$"}}},
        }
        for rules in KEY_FORMATS.values()
        if "plain" in vars(type(rules))
    ]


_IN_BASE64: Final = {"contentEncoding": "base64"}
# What the types check in code, or do not check, as a wrong one has an answer of its own.
_BESIDE_THE_TYPES: Final[dict[tuple[type, str], Schema]] = {
    (PublicKey, "key"): _IN_BASE64 | {"pattern": BASE64},
    (UserIdentity, "name"): {
        "description": 'The rules are in docs/protocol.md, "User names". The length is all that a schema says of them.'
    },
    (REQUEST_DATA["challenge"], "challenge"): _IN_BASE64,
    (REQUEST_DATA["connect"], "challenge"): _IN_BASE64,
    (REPLY_DATA["challenge"], "challenge_response"): _IN_BASE64,
}


# Envelopes

_TIME: Final[Schema] = {
    "description": "When it was sent. In BSON it may also be a UTC datetime.",
    "type": "string",
    "pattern": f"^{RFC3339.pattern}$".replace(r"\d", "[0-9]"),
    "format": "date-time",
}
_SUCCESS: Final[Schema] = {"const": Status.SUCCESS.value}
_REFUSES_ANY: Final = (Status.INVALID_MESSAGE, Status.UNKNOWN_ERROR)
"""The statuses with which any request can be refused."""


def _simple(kind: object) -> Schema:
    schema = msgspec.json.schema(kind)
    return {key: schema[key] for key in sorted(schema, reverse=True)}


def _envelope(kind: str, name: Schema, data: Schema, **more: Schema) -> Schema:
    keys = {"time": _TIME, "type": {"const": kind}, "name": name, "data": data, **more}
    return {"type": "object", "properties": keys, "required": list(keys)}


def _data(struct: type) -> Schema:
    return {"type": "object"} if struct is Empty else {"$ref": f"#/$defs/{struct.__name__}"}


def _asked(*, by_client: bool) -> Schema:
    if not by_client:
        return _simple(ConversationId) | {"description": "Even when the client made the request, odd when the server."}
    return _simple(ConversationId) | {"multipleOf": 2, "description": "Even: only clients make this request."}


def _answered() -> Schema:
    return _simple(ConversationId) | {"description": "The request's."}


def _other_name() -> Schema:
    return _simple(Label) | {"not": {"enum": list(REQUEST_DATA)}}


def _own_statuses(request: str) -> list[Status]:
    """Give the statuses of a request's refusals, besides those of any request, as the tables of states have them."""
    actions = TRANSITIONS[REQUESTS[request]].values()
    replies = {result.reply for action in actions for result in OUTCOMES[action].values()}
    return [status for status in Status if status in replies - {Status.SUCCESS, *_REFUSES_ANY}]


def _refusal(name: Schema, own_statuses: Sequence[Status] = ()) -> Schema:
    status = _simple(Label) | {
        "description": "A client treats one that it does not know as a refusal.",
        "not": _SUCCESS,
        "examples": [status.value for status in (*own_statuses, *_REFUSES_ANY)],
    }
    return _envelope("reply", name, _data(RefusalReply), conversation=_answered(), status=status)


def make_messages() -> dict[str, Schema]:
    """Give the schema of each message, by the stem of its file. Every valid envelope fits exactly one."""
    made: dict[str, Schema] = {}
    for name, request in REQUEST_DATA.items():
        fixed, reply = {"const": name}, REPLY_DATA.get(name, Empty)
        made[f"{name}-request"] = {"title": f"The request `{name}`"} | _envelope(
            "request", fixed, _data(request), conversation=_asked(by_client=True)
        )
        made[f"{name}-reply"] = {"title": f"The reply to `{name}`: success"} | _envelope(
            "reply", fixed, _data(reply), conversation=_answered(), status=_SUCCESS
        )
        made[f"{name}-refusal"] = {"title": f"The reply to `{name}`: any other status"} | _refusal(
            fixed, _own_statuses(name)
        )
    made["other-request"] = {"title": "A request that the protocol does not define"} | _envelope(
        "request", _other_name(), {"type": "object"}, conversation=_asked(by_client=False)
    )
    made["other-reply"] = {"title": "The reply to such a request: success"} | _envelope(
        "reply", _other_name(), {"type": "object"}, conversation=_answered(), status=_SUCCESS
    )
    made["other-refusal"] = {"title": "The reply to such a request: any other status"} | _refusal(_other_name())
    made["message"] = {"title": "A message: it has no reply"} | _envelope("message", _simple(Label), {"type": "object"})
    return made


# Files


def make_schemas() -> dict[str, Schema]:
    """Give the content of each file, by its name. `envelope` is all the messages together."""
    messages = make_messages()
    structures = make_structures([*REQUEST_DATA.values(), *REPLY_DATA.values(), RefusalReply])
    whole = {"title": "Any valid envelope", "oneOf": [{"$ref": f"#/$defs/{stem}"} for stem in messages]}
    everything = {**messages, **structures}
    return {
        f"{stem}.schema.json": _document(stem, schema, everything)
        for stem, schema in [("envelope", whole), *messages.items()]
    }


def _document(stem: str, schema: Schema, everything: dict[str, Schema]) -> Schema:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:ric0:message:{stem}"}
    parts = {name: everything[name] for name in sorted(_parts_of(schema, everything))}
    return {**head, **schema, **({"$defs": parts} if parts else {})}


def _parts_of(schema: Schema, everything: dict[str, Schema]) -> set[str]:
    """Name all that a schema refers to, directly or not."""
    named = set(_references(schema))
    return named.union(*(_parts_of(everything[name], everything) for name in named))


def _references(schema: object) -> Iterable[str]:
    match schema:
        case {"$ref": str(target)}:
            yield target.removeprefix("#/$defs/")
        case dict():
            for part in schema.values():
                yield from _references(part)
        case list():
            for part in schema:
                yield from _references(part)


def render(schema: Schema) -> str:
    """Give a file's text."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the files, or check them; give the exit status."""
    if list(arguments) not in ([], ["--check"]):
        print("usage: python docs/make_schemas.py [--check]", file=sys.stderr)
        return 2
    wanted = {name: render(schema) for name, schema in make_schemas().items()}
    if arguments:
        found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
        if found == wanted:
            return 0
        print(f"{FOLDER.name}/ is out of date: run python docs/make_schemas.py", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
