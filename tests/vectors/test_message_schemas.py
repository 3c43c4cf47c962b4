"""The schemas of the messages, by another library: what they allow is what the codecs take, as far as they can say."""

import json
import re
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from docs import make_schemas
from ric0_trio.protocol import BadRequest, DecodeError, InvalidKeyError, JsonCodec, Message, PublicKey, Reply, Request
from ric0_trio.protocol.codec import MAX_DEPTH
from ric0_trio.protocol.envelope import RFC3339
from ric0_trio.protocol.keys import decode_base64
from ric0_trio.protocol.names import name_problem
from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    NONCE,
    SERVER_KEY,
    Plain,
    base64_of,
    pack,
    request,
)
from tests.docs.test_protocol_doc import rows
from tests.protocol.given import envelopes, mutations
from tests.protocol.pair import RSA_FORMAT
from tests.vectors.make_vectors import FOLDER

JSON = JsonCodec()
SCHEMAS = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_bytes())
    for path in sorted((FOLDER / "schemas" / "messages").glob("*.json"))
}
BASE64: str = SCHEMAS["connect-request"]["$defs"]["PublicKey"]["properties"]["key"]["pattern"]
MESSAGES = [stem for stem in SCHEMAS if stem != "envelope"]
VECTORS: list[dict[str, Any]] = [
    vector for vector in json.loads((FOLDER / "envelopes.json").read_bytes())["vectors"] if vector["encoding"] == "json"
]
VALID = [vector for vector in VECTORS if vector["expected"]["outcome"] == "valid"]
PLAINS: list[Plain] = [json.loads(vector["payload"]) for vector in VALID]


def _find_as_ecmascript_does(_: object, pattern: str, text: object, __: object) -> Iterator[Any]:
    """JSON Schema's `$` is the end of the text; Python's is also before a line feed there."""
    if isinstance(text, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), text):
        yield ValidationError(f"{text!r} does not match {pattern!r}")


_Validator = extend(Draft202012Validator, {"pattern": _find_as_ecmascript_does})  # type: ignore[no-untyped-call]
VALIDATORS = {stem: _Validator(schema) for stem, schema in SCHEMAS.items()}


def fits(stem: str, plain: object) -> bool:
    return bool(VALIDATORS[stem].is_valid(plain))


def stem_of(plain: Plain) -> str:
    """Which schema is a message's, told from the message."""
    if plain["type"] == "message":
        return "message"
    name = plain["name"] if plain["name"] in ("challenge", "connect", "disconnect") else "other"
    kind = plain["type"] if plain["type"] == "request" or plain["status"] == "success" else "refusal"
    return f"{name}-{kind}"


def decodes(text: str) -> bool:
    try:
        return not isinstance(JSON.decode(text), BadRequest)
    except DecodeError:
        return False


# The schemas themselves


def test_they_are_what_their_script_makes() -> None:
    assert make_schemas.main(["--check"]) == 0


def test_they_are_missed_and_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_schemas, "FOLDER", tmp_path / "made")
    assert make_schemas.main(["--check"]) == 1
    assert make_schemas.main([]) == 0
    (tmp_path / "made" / "stale.json").write_text("{}")
    assert make_schemas.main(["--check"]) == 1
    assert make_schemas.main([]) == 0
    assert make_schemas.main(["--check"]) == 0


def test_a_wrong_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert make_schemas.main(["--chekc"]) == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("stem", SCHEMAS)
def test_each_is_a_schema(stem: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[stem])
    assert SCHEMAS[stem]["$id"] == f"urn:ric0:message:{stem}"


@pytest.mark.parametrize("stem", SCHEMAS)
def test_none_refuses_unknown_keys(stem: str) -> None:
    assert '"additionalProperties": false' not in json.dumps(SCHEMAS[stem])


@pytest.mark.parametrize("stem", [stem for stem in SCHEMAS if stem.endswith("-refusal")])
def test_the_statuses_are_those_of_the_document(stem: str) -> None:
    name = stem.removesuffix("-refusal")
    told = {row[0] for row in rows("Statuses") if row[1] == "all" or f"`{name}`" in f"`{row[1]}`"} - {"success"}
    assert set(SCHEMAS[stem]["properties"]["status"]["examples"]) == told


# What they allow


@pytest.mark.parametrize("vector", VALID, ids=itemgetter("shows"))
def test_each_valid_vector_fits_its_message_and_no_other(vector: dict[str, Any]) -> None:
    plain = json.loads(vector["payload"])
    assert fits("envelope", plain)
    assert [stem for stem in MESSAGES if fits(stem, plain)] == [stem_of(plain)]


@given(envelopes())
def test_what_is_encoded_fits_its_message_and_no_other(envelope: Message | Request | Reply) -> None:
    plain = json.loads(JSON.encode(envelope))
    assert fits("envelope", plain)
    assert [stem for stem in MESSAGES if fits(stem, plain)] == [stem_of(plain)]


@given(st.data())
@settings(max_examples=300)
def test_a_schema_and_the_codec_agree(data: st.DataObject) -> None:
    text = str(pack(JSON, data.draw(mutations(data.draw(st.sampled_from(PLAINS))))))
    plain = json.loads(text)
    assume(not any(is_beyond(plain) for is_beyond in BEYOND.values()))
    assert fits("envelope", plain) == decodes(text)


@pytest.mark.parametrize("vector", [one for one in VECTORS if one not in VALID], ids=itemgetter("shows"))
def test_no_other_vector_fits_unless_that_is_beyond_a_schema(vector: dict[str, Any]) -> None:
    try:
        plain = json.loads(vector["payload"], parse_constant=_refuse)
        json.dumps(plain, ensure_ascii=False).encode()  # fails for half a pair of surrogates, which is not JSON
    except (ValueError, RecursionError):
        return
    if fits("envelope", plain):
        assert any(is_beyond(plain) for is_beyond in BEYOND.values())


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


@given(st.text(st.sampled_from("AQgw+/=BZ\n"), max_size=9) | st.binary(max_size=9).map(base64_of))
def test_a_pattern_says_all_of_base64(text: str) -> None:
    assert _Validator({"pattern": BASE64}).is_valid(text) == (decode_base64(text) is not None)


# What no schema can say: docs/vectors.md lists the same


def values_in(plain: object) -> Iterator[tuple[object, int]]:
    """Give every value at every level, with how deep it is."""
    waiting = [(plain, 1)]
    while waiting:
        value, depth = waiting.pop()
        yield value, depth
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting += [(item, depth + 1) for item in inner]


def has_whole_float(plain: Plain) -> bool:
    return any(isinstance(value, float) and value.is_integer() for value, _ in values_in(plain))


def is_too_deep(plain: Plain) -> bool:
    return any(isinstance(value, dict | list) and depth > MAX_DEPTH for value, depth in values_in(plain))


def has_no_such_time(plain: Plain) -> bool:
    time = plain.get("time") if isinstance(plain, dict) else None
    return isinstance(time, str) and bool(RFC3339.fullmatch(time)) and not decodes(text_of(CHALLENGE, time=time))


def has_ill_formed_name(plain: Plain) -> bool:
    name = _at(plain, "data", "user", "name")
    return isinstance(name, str) and name_problem(name) is not None


def has_wrong_key(plain: Plain) -> bool:
    return any(isinstance(value, dict) and _is_wrong_key(value) for value, _ in values_in(plain))


def _is_wrong_key(value: Plain) -> bool:
    if value.get("format") != RSA_FORMAT or not isinstance(value.get("key"), str):
        return False
    try:
        PublicKey(value["key"], RSA_FORMAT)
    except InvalidKeyError:
        return True
    return False


def is_servers_own(plain: Plain) -> bool:
    conversation = _at(plain, "conversation")
    return _at(plain, "type") == "request" and isinstance(conversation, int) and conversation % 2 == 1


def _at(plain: object, *path: str) -> object:
    for key in path:
        plain = plain.get(key) if isinstance(plain, dict) else None
    return plain


def text_of(plain: Plain, **changes: object) -> str:
    return str(pack(JSON, {**plain, **changes}))


BEYOND: dict[str, Callable[[Plain], bool]] = {
    "an integer with a fraction of zero": has_whole_float,
    "the depth": is_too_deep,
    "a time that no calendar has": has_no_such_time,
    "the rules of names": has_ill_formed_name,
    "the DER of an RSA key": has_wrong_key,
    "whose a request is that the protocol does not define": is_servers_own,
}


def _connect_with(**of_user: object) -> Plain:
    return {**CONNECT, "data": {**CONNECT["data"], "user": {**_USER, **of_user}}}


_USER: Plain = json.loads(text_of(CONNECT))["data"]["user"]
_DEEP: Plain = request("note", {"a": json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)})
EXAMPLES: dict[str, str] = {
    "an integer with a fraction of zero": text_of(CHALLENGE).replace('"conversation":0', '"conversation":0.0'),
    "the depth": text_of(_DEEP),
    "a time that no calendar has": text_of(CHALLENGE, time="2026-02-30T03:04:05Z"),
    "the rules of names": text_of(_connect_with(name=" Ada")),
    "the DER of an RSA key": text_of(_connect_with(pubkey={"key": base64_of(NONCE), "format": RSA_FORMAT})),
    "whose a request is that the protocol does not define": text_of(request("note", {}, 1)),
}


@pytest.mark.parametrize("what", BEYOND)
def test_a_schema_cannot_say(what: str) -> None:
    plain = json.loads(EXAMPLES[what])
    assert fits("envelope", plain)
    assert not decodes(EXAMPLES[what])
    assert BEYOND[what](plain)


def test_a_schema_does_not_see_duplicate_keys() -> None:
    spoilt = text_of(CHALLENGE)[:-1] + ',"data":{},"data":{"challenge":""}}'
    assert fits("envelope", json.loads(spoilt))
    assert fits("envelope", json.loads(text_of(CHALLENGE, data={"challenge": SERVER_KEY.public.key})))
