"""docs/protocol.md says what the code does: its made parts are fresh, its example works, its lists are the code's."""

import importlib.util
import json
import re
from functools import cache
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import msgspec
import pytest
from msgspec.structs import asdict
from nacl.signing import SigningKey

from docs.making.state_diagram import make_state_diagram
from docs.making.state_words import moves
from ric0_trio.protocol import (
    KEY_FORMATS,
    NEVER_RETURN,
    PATH,
    REFUSALS,
    TRANSITIONS,
    Action,
    AppInfo,
    BsonCodec,
    ChallengeReply,
    ChallengeRequest,
    CloseCode,
    ConnectReply,
    ConnectRequest,
    Input,
    JsonCodec,
    PublicKey,
    Reply,
    Request,
    SessionLimits,
    State,
    Status,
    negotiate,
)
from ric0_trio.protocol.keys import decode_base64
from ric0_trio.protocol.messages import MAX_CONVERSATION, MAX_LABEL_CHARS
from tests.protocol.state_table import TABLE

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENT = DOCS / "protocol.md"
PICTURE = DOCS / "states.svg"

CITED_TITLES = {
    "Envelope",
    "Encodings",
    "Messages",
    "Keys",
    "PublicKey",
    "User names",
    "Negotiation",
    "Budgets and deadlines",
    "Close codes",
}


def load_make_tables() -> ModuleType:
    pytest.importorskip("bson", reason="the worked example has a message in BSON")
    spec = importlib.util.spec_from_file_location("make_tables", DOCS / "make_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def section(title: str) -> str:
    """Give the text under a title, with what stands under smaller titles."""
    match = re.search(rf"^(#+) {re.escape(title)}\n", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert match is not None, f"no section {title!r}"
    rest = match.string[match.end() :]
    return re.split(rf"^#{{1,{len(match[1])}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(title: str, number: int = 0) -> list[list[str]]:
    """Give the cells of a section's table, without its head and without backquotes."""
    tables = re.findall(r"(?:^\|.*\n)+", section(title), re.MULTILINE)
    return [[cell.strip(" `") for cell in line.strip("|").split(" | ")] for line in tables[number].splitlines()[2:]]


def example_value(name: str) -> str:
    return {what.replace("`", ""): value for what, value in rows("A worked example")}[name]


def example_key(owner: str) -> PublicKey:
    return PublicKey(example_value(f"{owner}'s key"), "ed25519-sha512")


def example_texts() -> list[str]:
    return re.findall(r"```json\n(.*)\n```", section("A worked example"))


class TestMadeParts:
    def test_are_up_to_date(self) -> None:
        assert load_make_tables().main(["--check"]) == 0

    def test_are_rewritten_when_out_of_date(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        make_tables, copy = load_make_tables(), tmp_path / "protocol.md"
        right = DOCUMENT.read_text(encoding="utf-8")
        wrong = right.replace("| ignore |", "| answer |")
        assert wrong != right
        copy.write_text(wrong, encoding="utf-8")
        monkeypatch.setattr(make_tables, "DOCUMENT", copy)

        assert make_tables.main(["--check"]) == 1
        assert make_tables.main([]) == 0
        assert copy.read_text(encoding="utf-8") == right

    @pytest.mark.parametrize("there", ["", "<svg/>", None])
    def test_the_picture_is_drawn_anew_when_out_of_date(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str | None
    ) -> None:
        make_tables, copy = load_make_tables(), tmp_path / "states.svg"
        if there is not None:
            copy.write_text(there, encoding="utf-8")
        monkeypatch.setattr(make_tables, "PICTURE", copy)

        assert make_tables.main(["--check"]) == 1
        assert make_tables.main([]) == 0
        assert copy.read_bytes() == PICTURE.read_bytes()

    def test_are_missed_when_a_marker_is_gone(self) -> None:
        make_tables = load_make_tables()
        text = DOCUMENT.read_text(encoding="utf-8").replace("<!-- made: state-table -->\n", "")

        with pytest.raises(SystemExit, match="state-table"):
            make_tables.remake(text)


class TestStates:
    def test_table_says_what_the_tests_hold_the_session_to(self) -> None:
        written = [re.split(r" *\| *", line.strip("| ")) for line in section("States").splitlines() if "| S" in line]

        assert {row[0]: (row[1], row[2], tuple(row[3:])) for row in written} == TABLE
        assert [row[0] for row in written] == [f"S{number}" for number in range(1, len(TABLE) + 1)]

    def test_page_shows_the_picture(self) -> None:
        assert f"]({PICTURE.name})" in section("States")

    def test_picture_has_every_state_every_status_and_every_code(self) -> None:
        words = " ".join(ElementTree.parse(PICTURE).getroot().itertext())  # noqa: S314 - our own file
        cells = " ".join(cell for row in TABLE.values() for cell in row[2])

        assert all(state.value in words for state in State)
        assert set(re.findall(r"[a-z]+_[a-z_]+|\b\d{4}\b", cells)) <= set(re.findall(r"\w+", words))

    def test_picture_is_of_the_tables(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = moves()
        monkeypatch.setitem(TRANSITIONS[Input.CONNECT], State.OPEN, Action.CHECK)

        assert moves() == before | {(State.OPEN, State.CONNECTED): ["connect", "success"]}
        assert make_state_diagram() != PICTURE.read_text(encoding="utf-8")


class TestTitles:
    def test_those_that_the_code_cites_exist(self) -> None:
        titles = re.findall(r"^#+ (.+)$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)

        assert set(titles) >= CITED_TITLES
        assert len(titles) == len(set(titles))

    def test_every_link_within_the_page_has_a_target(self) -> None:
        text = DOCUMENT.read_text(encoding="utf-8")
        titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}

        assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


class TestLists:
    def test_statuses_are_those_of_the_code(self) -> None:
        assert [row[0] for row in rows("Statuses")] == [status.value for status in Status]

    def test_checks_of_connect_end_in_statuses_of_the_code(self) -> None:
        checks = rows("`connect`", number=1)
        named = {status for row in checks for status in re.findall(r"[a-z]+_[a-z_]+", row[2])}

        assert [int(row[0]) for row in checks] == list(range(1, 12))
        assert REFUSALS - {Status.UNKNOWN_ERROR} <= named <= set(Status)

    def test_close_codes_are_those_of_the_code(self) -> None:
        assert [int(row[0]) for row in rows("Close codes")] == list(CloseCode)

    def test_no_client_returns_by_itself_after_those_of_the_code(self) -> None:
        assert {int(row[0]) for row in rows("Close codes") if row[2] == "no"} == NEVER_RETURN

    def test_limits_are_the_defaults_of_the_code(self) -> None:
        assert {row[0]: float(row[1]) for row in rows("Budgets and deadlines")} == asdict(SessionLimits())

    def test_key_formats_are_those_of_the_code(self) -> None:
        formats = re.findall(r"^### `(.+)`$", section("Keys"), re.MULTILINE)

        assert formats == list(KEY_FORMATS)

    def test_bounds_of_the_envelope_are_those_of_the_code(self) -> None:
        bounds = {row[0]: row[1] for row in rows("Envelope")}

        assert bounds["conversation"] == f"integer, 0 to {MAX_CONVERSATION}"
        assert bounds["name"] == bounds["status"] == f"string, 1 to {MAX_LABEL_CHARS} characters"

    def test_path_is_that_of_the_code(self) -> None:
        assert f"`{PATH}`" in section("Transport")


class TestWorkedExample:
    @pytest.mark.parametrize("owner", ["server", "user"])
    def test_keys_come_from_their_seeds(self, owner: str) -> None:
        public = SigningKey(bytes.fromhex(example_value(f"{owner}'s seed"))).verify_key
        prefix = re.search(r"prefix\s+`([0-9a-f]+)`", section("`ed25519-sha512`"))

        assert prefix is not None
        assert bytes(example_key(owner)) == bytes.fromhex(prefix[1]) + bytes(public)
        assert bytes(example_key(owner)).hex() == example_value(f"bytes({owner} key)")
        assert example_key(owner).fingerprint == example_value(f"{owner}'s fingerprint")

    def test_fingerprint_in_the_text_is_the_servers(self) -> None:
        assert example_key("server").fingerprint in section("Rules for both")

    def test_messages_come_in_pairs(self) -> None:
        envelopes = [JsonCodec().decode(text) for text in example_texts()]
        requests, replies = envelopes[::2], envelopes[1::2]

        assert [request.name for request in requests if isinstance(request, Request)] == [
            "challenge",
            "connect",
            "disconnect",
        ]
        for request, reply in zip(requests, replies, strict=True):
            assert isinstance(request, Request)
            assert isinstance(reply, Reply)
            assert (reply.name, reply.conversation, reply.status) == (request.name, request.conversation, "success")

    def test_server_proves_itself(self) -> None:
        request, reply = (JsonCodec().decode(text) for text in example_texts()[:2])
        assert isinstance(request, Request)
        assert isinstance(request.data, ChallengeRequest)
        assert isinstance(reply, Reply)
        assert isinstance(reply.data, ChallengeReply)
        nonce, signature = decode_base64(request.data.challenge), decode_base64(reply.data.challenge_response)

        assert nonce is not None
        assert signature is not None
        assert nonce.hex() == example_value("nonce")
        assert signature.hex() == example_value("server's signature over the nonce")
        assert reply.data.pubkey == example_key("server")
        assert reply.data.pubkey.verify(nonce, signature)

    def test_user_proves_who_they_are(self) -> None:
        request = JsonCodec().decode(example_texts()[2])
        assert isinstance(request, Request)
        assert isinstance(request.data, ConnectRequest)
        proof = decode_base64(request.data.challenge)

        assert proof is not None
        assert proof.hex() == example_value("user's signature over bytes(server key)")
        assert request.data.user.pubkey == example_key("user")
        assert request.data.user.pubkey.verify(bytes(example_key("server")), proof)

    def test_reply_to_connect_is_what_both_can_do(self) -> None:
        request, reply = (JsonCodec().decode(text) for text in example_texts()[2:4])
        assert isinstance(request, Request)
        assert isinstance(request.data, ConnectRequest)
        assert isinstance(reply, Reply)
        assert isinstance(reply.data, ConnectReply)
        capabilities, extensions, _, _, shared, shared_extensions = (
            json.loads(shown) for shown in re.findall(r"`([\[{].*?[\]}])`", section("Negotiation").replace("\n", " "))
        )
        server = msgspec.structs.replace(reply.data.server_app, capabilities=capabilities, extensions=extensions)
        agreed: AppInfo = negotiate(server, request.data.client_app)

        assert agreed == reply.data.server_app
        assert (agreed.capabilities, agreed.extensions) == (shared, shared_extensions)

    def test_bson_has_the_same_request(self) -> None:
        pytest.importorskip("bson")
        dump = re.search(r"```text\n(.*?)```", section("A worked example"), re.DOTALL)
        assert dump is not None
        lines = [line[6:53] for line in dump[1].splitlines()]

        assert BsonCodec().decode(bytes.fromhex("".join(lines))) == JsonCodec().decode(example_texts()[0])
