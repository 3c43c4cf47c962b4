"""The set as it is published: the index names what is there, and every file is as its schema says."""

import hashlib
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.vectors.make_vectors import FILES, FOLDER, INDEX, render_index

CONTENT: dict[str, Any] = json.loads((FOLDER / INDEX).read_bytes())
SCHEMAS = {path.name: json.loads(path.read_bytes()) for path in sorted((FOLDER / "schemas" / "files").glob("*.json"))}


def load(file: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / file).read_bytes())
    return content


def test_the_index_is_what_its_script_makes() -> None:
    assert (FOLDER / INDEX).read_bytes() == render_index()


def test_the_index_names_every_file() -> None:
    named = {entry["file"] for entry in CONTENT["files"] + CONTENT["messages"]}
    named |= {entry["schema"] for entry in CONTENT["files"]} | {INDEX, "schemas/files/index.schema.json"}
    assert named == {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.json")}
    assert [entry["file"] for entry in CONTENT["files"]] == list(FILES)


@pytest.mark.parametrize("entry", CONTENT["files"] + CONTENT["messages"], ids=lambda entry: entry["file"])
def test_the_digests_are_right(entry: dict[str, Any]) -> None:
    assert hashlib.sha256((FOLDER / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]


@pytest.mark.parametrize("entry", CONTENT["files"], ids=lambda entry: entry["file"])
def test_the_counts_are_right_and_no_id_is_there_twice(entry: dict[str, Any]) -> None:
    ids = [vector["id"] for vector in load(entry["file"])["vectors"]]
    assert len(set(ids)) == len(ids) == entry["vectors"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_one_and_its_file_fits(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    stem = name.removesuffix(".schema.json")
    assert SCHEMAS[name]["$id"] == f"urn:ric0:vectors:{stem}"
    Draft202012Validator(SCHEMAS[name]).validate(load(f"{stem}.json"))


@pytest.mark.parametrize("entry", CONTENT["files"], ids=lambda entry: entry["file"])
def test_each_field_of_a_vector_is_explained(entry: dict[str, Any]) -> None:
    schema = json.loads((FOLDER / entry["schema"]).read_bytes())
    for name, field in schema["properties"]["vectors"]["items"]["properties"].items():
        assert "description" in field, name
