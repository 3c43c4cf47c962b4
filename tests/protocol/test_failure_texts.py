"""What is said of a server's failure, whole: the client's user reads it, and decides by it whether to trust a host."""

import pytest

from ric0_trio.protocol import (
    ClientSession,
    ClientState,
    Codec,
    ServerFailed,
)
from ric0_trio.testing import (
    NONCE,
    START,
    USER_KEY,
    Plain,
    pack,
    server_profile,
)
from tests.protocol.client_at import GOOD_SIGNED, OTHER_KEY, SIGNED, WELCOME, client_in, reply
from tests.protocol.pair import Pair

FAILURES: dict[str, tuple[ClientState, Plain, str]] = {
    "no envelope": (
        ClientState.OPEN,
        {},
        "a message that is no valid envelope: `type` is none of message, request and reply",
    ),
    "not asked": (ClientState.OPEN, GOOD_SIGNED, "a reply to nothing that was asked"),
    "no signature": (
        ClientState.CHALLENGING,
        reply("challenge", "unknown_error", {}, 0),
        "it answered the challenge with unknown_error",
    ),
    "no base64": (
        ClientState.CHALLENGING,
        reply("challenge", "success", {**SIGNED, "challenge_response": "?"}, 0),
        "its signature is not strict base64",
    ),
    "another key": (
        ClientState.CONNECTING,
        reply("connect", "success", {**WELCOME, "server_identity": server_profile(OTHER_KEY.public).info}, 2),
        "it names another key than the one it proved",
    ),
    "no goodbye": (
        ClientState.DISCONNECTING,
        reply("disconnect", "unknown_error", {}, 4),
        "it answered the disconnect with unknown_error",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_what_a_servers_failure_is_called(codec: Codec, case: str) -> None:
    state, plain, problem = FAILURES[case]
    failed, close = client_in(state, codec).receive(pack(codec, plain), START)
    assert isinstance(failed, ServerFailed)
    assert (failed.problem, close.reason) == (problem, "the server could not prove itself or broke the protocol")  # type: ignore[union-attr]


def test_what_other_failures_of_a_server_are_called(codec: Codec) -> None:
    wrong_kind = b"" if codec.payload_type is str else ""
    signed = pack(codec, GOOD_SIGNED)
    expecting = ClientSession(codec, NONCE, OTHER_KEY.public)
    expecting.challenge(START)
    doubting = client_in(ClientState.CHALLENGING, codec)
    doubting.receive(signed, START)
    robbed = Pair(codec, server_key=USER_KEY)
    robbed.challenge()
    told = [
        client_in(ClientState.OPEN, codec).receive(wrong_kind, START),
        expecting.receive(signed, START),
        doubting.answer(False, START),
        robbed.client.connect(robbed.profile, START),
    ]
    assert [effects[0].problem for effects in told if isinstance(effects[0], ServerFailed)] == [
        "a message of the wrong kind (text or binary)",
        "it has another key than the expected one",
        "its signature does not verify",
        "it shows the user's own key",
    ]
