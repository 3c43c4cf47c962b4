"""What the core takes and gives is plain data: nobody can change it afterwards, and a log may show it."""

import inspect
from datetime import UTC, datetime

import msgspec
import pytest

from ric0_trio import protocol
from ric0_trio.protocol import (
    NEVER_RETURN,
    OUTCOMES,
    REFUSALS,
    Action,
    Admit,
    AppInfo,
    BadRequest,
    ChallengeRequest,
    ClientProfile,
    ClientState,
    CloseCode,
    Codec,
    ConnectRequest,
    DisconnectRequest,
    Empty,
    Envelope,
    Input,
    Message,
    PublicKey,
    RefusalReply,
    Reply,
    Request,
    Send,
    ServerInfo,
    SoftwareVersion,
    State,
    Status,
    Verify,
)
from ric0_trio.protocol.keys import KeyFormat
from ric0_trio.protocol.states import classify
from ric0_trio.testing import CLIENT_APP, user

USER = user()
BARE_APP = AppInfo(name="bare", version=SoftwareVersion("dev", 0, 1), capabilities=[], extensions={})
STRUCTURES = [kind for kind in vars(protocol).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
MADE_BY_NAMES = [
    protocol.AppInfo,
    protocol.ClientProfile,
    protocol.ConnectRequest,
    protocol.ServerInfo,
    protocol.ServerProfile,
    protocol.SessionLimits,
    protocol.UserIdentity,
]
"""Structures of so many fields, or of fields so alike, that one could be taken for another by its place."""


@pytest.mark.parametrize("kind", STRUCTURES)
def test_nobody_can_change_it(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_config__.frozen


@pytest.mark.parametrize("kind", STRUCTURES)
def test_a_structure_of_much_is_made_by_names(kind: type[msgspec.Struct]) -> None:
    places = [field.name for field in inspect.signature(kind).parameters.values() if field.kind != field.KEYWORD_ONLY]
    assert (places == []) == (kind in MADE_BY_NAMES or not kind.__struct_fields__)


@pytest.mark.parametrize(
    ("kind", "missing"),
    [(Codec, {"decode", "encode"}), (KeyFormat, {"adopt", "check", "generate", "resembles", "verify"})],
)
def test_an_interface_names_what_it_lacks(kind: type, missing: set[str]) -> None:
    with pytest.raises(TypeError) as raised:
        kind()
    assert all(name in str(raised.value) for name in missing)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (BARE_APP.version, {"type", "major", "minor"}),
        (BARE_APP, {"name", "version", "capabilities", "extensions"}),
        (USER, {"name", "type", "pubkey", "home_server"}),
        (ServerInfo(pubkey=USER.pubkey, url="u", name="n"), {"pubkey", "url", "name"}),
        (ConnectRequest(client_app=BARE_APP, user=USER, challenge=""), {"client_app", "user", "challenge"}),
        (DisconnectRequest(), set()),
        (RefusalReply(), set()),
    ],
)
def test_what_is_absent_is_not_sent(value: msgspec.Struct, sent: set[str]) -> None:
    assert msgspec.to_builtins(value).keys() == sent


# Numbers and words of the wire


def test_the_codes_of_a_close() -> None:
    assert {code.name: code.value for code in CloseCode} == {
        "NORMAL": 1000,
        "GOING_AWAY": 1001,
        "PROTOCOL_ERROR": 1002,
        "WRONG_KIND": 1003,
        "NOT_DECODABLE": 1007,
        "POLICY": 1008,
        "TOO_BIG": 1009,
        "INTERNAL_ERROR": 1011,
        "TRY_AGAIN_LATER": 1013,
        "BANNED": 4001,
        "KICKED": 4002,
        "REPLACED": 4003,
    }
    assert {code.name for code in NEVER_RETURN} == {"BANNED", "KICKED", "REPLACED"}


def test_the_statuses_of_a_reply() -> None:
    accepted = {"success"}
    of_access_rules = {
        "disallowed_client",
        "disallowed_user",
        "unrecognised_user",
        "join_token_required",
        "invalid_join_token",
        "already_connected",
        "unknown_error",
    }
    of_the_session = {"invalid_message", "invalid_challenge", "not_connected"}
    assert {status.value for status in REFUSALS} == of_access_rules
    assert {status.value for status in Status} == accepted | of_access_rules | of_the_session


@pytest.mark.parametrize("states", [State, ClientState])
def test_a_state_is_called_by_its_name(states: type[State | ClientState]) -> None:
    assert all(state.value == state.name for state in states)


OTHER_DEEDS = {
    "SIGN": "sign",
    "SIGN_AGAIN": "sign",
    "CHECK": "check",
    "LEAVE": "let",
    "IGNORE": "ignore",
    "END": "end,",
}


@pytest.mark.parametrize("action", Action)
def test_the_words_of_an_action_begin_with_what_it_does(action: Action) -> None:
    results = OUTCOMES[action].values()
    if all(result.close for result in results):
        deed = "close:"
    elif all(result.reply not in (None, Status.SUCCESS) for result in results):
        deed = "refuse:"
    else:
        deed = OTHER_DEEDS[action.name]
    assert action.value.split()[0] == deed


def test_who_is_put_out_is_told_what_the_kick_says_alone() -> None:
    assert [result.close and result.close.reason for result in OUTCOMES[Action.PUT_OUT].values()] == [""] * 4


WHEN = datetime(2023, 11, 14, tzinfo=UTC)
INPUTS: list[tuple[Envelope, Input]] = [
    (Request(WHEN, "challenge", 0, ChallengeRequest("")), Input.CHALLENGE),
    (Request(WHEN, "connect", 0, ConnectRequest(client_app=BARE_APP, user=USER, challenge="")), Input.CONNECT),
    (Request(WHEN, "disconnect", 0, DisconnectRequest()), Input.DISCONNECT),
    (Request(WHEN, "poll", 0, Empty()), Input.OTHER_REQUEST),
    (BadRequest("challenge", 0, ""), Input.BAD_CHALLENGE),
    (BadRequest("connect", 0, ""), Input.BAD_CONNECT),
    (BadRequest("disconnect", 0, ""), Input.BAD_DISCONNECT),
    (BadRequest("", 0, ""), Input.BAD_OTHER_REQUEST),
    (Message(WHEN, "connect"), Input.MESSAGE),
    (Reply(WHEN, "connect", 0, "success", Empty()), Input.REPLY),
]


@pytest.mark.parametrize(("envelope", "given"), INPUTS, ids=[given.name for _, given in INPUTS])
def test_each_envelope_is_an_input(envelope: Envelope, given: Input) -> None:
    assert classify(envelope) is given


# What a log may show

SECRET = "secret of a stranger"  # noqa: S105 - nobody's


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Send(SECRET, "connect"), "Send(name='connect', status=None, detail=None, …)"),
        (Send(SECRET, "poll", "success", "d"), "Send(name='poll', status='success', detail='d', …)"),
        (
            Verify(PublicKey("AAAA", "x"), b"", SECRET.encode()),
            "Verify(key=PublicKey(key='AAAA', format='x'), …)",
        ),
        (Admit(USER, CLIENT_APP, SECRET), f"Admit(user={USER!r}, client_app={CLIENT_APP!r}, …)"),
        (
            ClientProfile(user=USER, app=CLIENT_APP, join_token=SECRET),
            f"ClientProfile(user={USER!r}, app={CLIENT_APP!r}, …)",
        ),
        (
            ConnectRequest(client_app=CLIENT_APP, user=USER, challenge=SECRET, join_token=SECRET),
            f"ConnectRequest(client_app={CLIENT_APP!r}, user={USER!r}, …)",
        ),
    ],
)
def test_what_holds_a_secret_is_shown_without_it(value: object, shown: str) -> None:
    assert repr(value) == shown
