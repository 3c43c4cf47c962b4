"""One server's session, in any state."""

import pytest

from ric0_trio.protocol import (
    Admit,
    Codec,
    Refused,
    Release,
    SessionLimits,
    State,
    Status,
    available_codecs,
)
from ric0_trio.testing import CONNECT, DISCONNECT, START, give, pack, server_in, server_profile, settle, the_reply

every_codec = pytest.mark.parametrize("codec", available_codecs())


@every_codec
@pytest.mark.parametrize("state", State)
def test_every_state_can_be_had(codec: Codec, state: State) -> None:
    session = server_in(state, codec)
    assert session.state is state
    assert session.question is None


@every_codec
def test_limits_can_be_in_the_way(codec: Codec) -> None:
    with pytest.raises(ValueError, match="no way to CONNECTED with these limits: it is CLOSED"):
        server_in(State.CONNECTED, codec, limits=SessionLimits(messages_before_auth=1))


@every_codec
def test_a_server_of_another_kind(codec: Codec) -> None:
    profile = server_profile(accepted_key_formats=frozenset({"rsa-sha256-oaepsha256-pkcs1"}))
    session = server_in(State.CHALLENGED, codec, profile)
    assert the_reply(codec, give(session, codec, CONNECT))["status"] == "disallowed_user"


@every_codec
def test_questions_are_answered_and_left_out(codec: Codec) -> None:
    session = server_in(State.CHALLENGED, codec)
    refused = Refused(Status.DISALLOWED_USER, "no")
    told = settle(session, session.receive(pack(codec, CONNECT), START), START, refused)
    assert not [effect for effect in told if isinstance(effect, Admit)]
    assert the_reply(codec, told)["data"] == {"disallowed_user_reason": "no"}
    assert the_reply(codec, give(session, codec, CONNECT, START + 1))["status"] == "success"
    assert Release() in give(session, codec, DISCONNECT, START + 1)


@every_codec
def test_one_reply_or_an_error(codec: Codec) -> None:
    for effects in ((), give(server_in(State.CHALLENGED, codec), codec, CONNECT) * 2):
        with pytest.raises(ValueError, match="values to unpack"):
            the_reply(codec, effects)
