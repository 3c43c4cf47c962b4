"""docs/vectors.md says what there is: the files, their fields, and what no schema can say."""

import json
import re
from pathlib import Path

import pytest

from tests.vectors.make_vectors import FILES, FOLDER, INDEX, VERSION
from tests.vectors.test_message_schemas import BEYOND, SCHEMAS

PAGE = (Path(__file__).parents[2] / "docs" / "vectors.md").read_text(encoding="utf-8")
CHANGELOG = (Path(__file__).parents[2] / "docs" / "changelog.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return re.split(r"^## ", PAGE.split(f"\n## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def test_the_files_are_those_of_the_set_in_order() -> None:
    assert re.findall(r"^\| \[`(.+\.json)`\]", section("What is there"), re.MULTILINE) == list(FILES)


@pytest.mark.parametrize("file", FILES)
def test_the_fields_named_are_there(file: str) -> None:
    (row,) = re.findall(rf"^\| \[`{file}`\].*\| (.*) \| .* \|$", PAGE, re.MULTILINE)
    vectors = json.loads((FOLDER / file).read_bytes())["vectors"]
    fields = {field for vector in vectors for field in vector}
    assert set(re.findall(r"`(\w+)`", row)) <= fields


def test_the_id_shown_is_one() -> None:
    file, number = re.findall(r"`(\w+\.json) ([a-z]+/[a-z-]+)`", PAGE)[0]
    assert number in {vector["id"] for vector in json.loads((FOLDER / file).read_bytes())["vectors"]}


@pytest.mark.parametrize("what", BEYOND)
def test_all_that_is_beyond_a_schema_is_listed(what: str) -> None:
    assert f"\n- {what}" in section("Schemas of the messages")


def test_the_schemas_named_are_there() -> None:
    named = set(re.findall(r"`([a-z]+-[a-z]+|message|envelope)`", section("Schemas of the messages")))
    assert named
    assert named <= set(SCHEMAS)
    assert "urn:ric0:message:connect-request" in {schema["$id"] for schema in SCHEMAS.values()}


def test_the_version_is_told() -> None:
    assert json.loads((FOLDER / INDEX).read_bytes())["version"] == VERSION
    assert f"version {VERSION} of the set" in CHANGELOG


def test_the_implementation_is_as_long_as_it_says() -> None:
    modules = [path for path in (FOLDER / "node").glob("*.mjs") if path.name != "run.mjs"]
    (told,) = re.findall(r"some (\d+) lines", PAGE)
    assert sum(len(path.read_text().splitlines()) for path in modules) == pytest.approx(int(told), rel=0.1)
