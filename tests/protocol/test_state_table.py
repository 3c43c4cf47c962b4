"""Every cell of the table of states, done to a session. What is expected is written in `state_table`."""

from collections.abc import Callable, Sequence

import pytest

from ric0_trio.protocol import (
    OUTCOMES,
    REFUSALS,
    TRANSITIONS,
    Action,
    CloseCode,
    Codec,
    Effect,
    Input,
    Kick,
    LocalProtocolError,
    Outcome,
    Refused,
    Release,
    ServerSession,
    State,
    Status,
)
from ric0_trio.protocol.states import KICKS, VERDICTS
from ric0_trio.testing import (
    ADMITTED,
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    SERVER_KEY,
    START,
    Plain,
    connect_data,
    give,
    pack,
    request,
    rsa_key,
    server_profile,
    settle,
)
from tests.protocol.cells import done, due
from tests.protocol.pair import LIVE_STATES, server_in, without
from tests.protocol.state_table import TABLE

NEVER = START + 1_000_000
UNSIGNABLE = request("challenge", {"challenge": "no base64"}, 8)
BAD_CHALLENGE = request("challenge", {}, 8)
PROFILE = server_profile(accepted_key_formats=frozenset({SERVER_KEY.public.format}))

Told = Sequence[Effect]
Deed = Callable[[ServerSession, Codec], Told]


# What is done for each row


def gives(plain: Plain) -> Deed:
    return lambda session, codec: give(session, codec, plain)


def gets_late(plain: Plain) -> Deed:
    def deed(session: ServerSession, codec: Codec) -> Told:
        told = session.receive(pack(codec, plain), START)
        return session.handle_timeout(NEVER) if session.question else told

    return deed


def with_proof_wrong(session: ServerSession, codec: Codec) -> Told:
    told = session.receive(pack(codec, CONNECT), START)
    return session.answer(False, START) if session.question else told


def with_verdict(status: Status) -> Deed:
    return lambda session, codec: settle(session, session.receive(pack(codec, CONNECT), START), START, Refused(status))


def with_challenges_spent(session: ServerSession, codec: Codec) -> Told:
    if session.state is State.OPEN:  # elsewhere the way there took the one that there is
        give(session, codec, UNSIGNABLE)
    return give(session, codec, CHALLENGE)


def with_the_budget_spent(session: ServerSession, codec: Codec) -> Told:
    for _ in range(50):
        told = give(session, codec, BAD_CHALLENGE)
        if session.state is State.CLOSED:
            return told
    raise AssertionError("no budget")


def gets_the_wrong_kind(session: ServerSession, codec: Codec) -> Told:
    return session.receive("{}" if codec.payload_type is bytes else b"{}", START)


def gets_what_is_too_big(session: ServerSession, codec: Codec) -> Told:
    size = session.max_message_bytes + 1
    return session.receive(b" " * size if codec.payload_type is bytes else " " * size, START)


def puts_out(code: CloseCode) -> Deed:
    return lambda session, codec: session.kick(Kick(code, "out"), START)


DEEDS: dict[str, Deed] = {
    "S1": with_challenges_spent,
    "S2": gives(UNSIGNABLE),
    "S3": gives(CHALLENGE),
    "S4": gets_late(CHALLENGE),
    "S5": gives(BAD_CHALLENGE),
    "S6": gives(request("connect", connect_data(rsa_key()), 2)),
    "S7": gives(request("connect", connect_data(SERVER_KEY), 2)),
    "S8": gives(request("connect", connect_data(challenge="no base64"), 2)),
    "S9": with_proof_wrong,
    "S10": with_verdict(Status.DISALLOWED_CLIENT),
    "S11": with_verdict(Status.DISALLOWED_USER),
    "S12": with_verdict(Status.UNRECOGNISED_USER),
    "S13": with_verdict(Status.JOIN_TOKEN_REQUIRED),
    "S14": with_verdict(Status.INVALID_JOIN_TOKEN),
    "S15": with_verdict(Status.ALREADY_CONNECTED),
    "S16": with_verdict(Status.UNKNOWN_ERROR),
    "S17": gives(CONNECT),
    "S18": gets_late(CONNECT),
    "S19": gives(request("connect", {}, 2)),
    "S20": gives(DISCONNECT),
    "S21": gives(request("disconnect", {"reason": 5}, 4)),
    "S22": gives(request("poll", {}, 6)),
    "S23": gives(request("poll", None, 6)),
    "S24": gives(without(request("typing", {}, type="message"), "conversation")),
    "S25": gives(request("poll", {}, 1, type="reply", status="success")),
    "S26": gives({}),
    "S27": gets_the_wrong_kind,
    "S28": gets_what_is_too_big,
    "S29": with_the_budget_spent,
    "S30": lambda session, codec: session.handle_timeout(NEVER),
    "S31": puts_out(CloseCode.BANNED),
    "S32": puts_out(CloseCode.KICKED),
    "S33": puts_out(CloseCode.REPLACED),
    "S34": puts_out(CloseCode.TRY_AGAIN_LATER),
    "S35": lambda session, codec: session.shutdown(START),
    "S36": lambda session, codec: session.connection_lost(START),
}


@pytest.mark.parametrize("state", LIVE_STATES)
@pytest.mark.parametrize("row", TABLE)
def test_cell(codec: Codec, row: str, state: State) -> None:
    limits = {"challenges": 1} if row == "S1" else {}
    session = server_in(state, codec, PROFILE, **limits)

    told = DEEDS[row](session, codec)

    assert done(codec, told, state, session.state) == due(row, state)
    assert (session.state is State.CLOSED) == ("close" in due(row, state) or "CLOSED" in due(row, state))
    left = state is State.CONNECTED and session.state is not State.CONNECTED
    assert [effect for effect in told if isinstance(effect, Release)] == [Release()] * left


@pytest.mark.parametrize("late", [b"signature", ADMITTED])
def test_a_question_that_is_late_cannot_be_told_from_another(codec: Codec, late: object) -> None:
    """`no answer in time` is one row, though `connect` asks two questions: both end alike."""
    session = server_in(State.CHALLENGED, codec)
    told = session.receive(pack(codec, CONNECT), START)
    if late is ADMITTED:
        told = session.answer(True, START)
    assert len(told) == 1
    told = session.handle_timeout(NEVER)
    assert done(codec, told, State.CHALLENGED, session.state) == due("S18", State.CHALLENGED)


# The tables themselves


def test_every_input_has_an_action_in_every_live_state() -> None:
    assert list(TRANSITIONS) == list(Input)
    assert all(tuple(row) == LIVE_STATES for row in TRANSITIONS.values())


def test_every_action_is_used_and_has_outcomes() -> None:
    assert {action for row in TRANSITIONS.values() for action in row.values()} == set(Action) == set(OUTCOMES)
    assert {outcome for results in OUTCOMES.values() for outcome in results} == set(Outcome)


def test_an_action_with_nothing_to_find_out_has_one_outcome() -> None:
    assert all(list(results) == [Outcome.DONE] or Outcome.DONE not in results for results in OUTCOMES.values())


def test_every_close_ends_the_connection() -> None:
    for results in OUTCOMES.values():
        assert all(result.state is State.CLOSED for result in results.values() if result.close is not None)


def test_what_needs_authentication_alone_may_be_ignored_without_a_close() -> None:
    lenient = [action for action, results in OUTCOMES.items() if any(one.may_stay_open for one in results.values())]
    assert lenient == [Action.CLOSE_UNAUTHENTICATED]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (Input.CHALLENGE, Input.BAD_CHALLENGE),
        (Input.CONNECT, Input.BAD_CONNECT),
        (Input.DISCONNECT, Input.BAD_DISCONNECT),
        (Input.OTHER_REQUEST, Input.BAD_OTHER_REQUEST),
    ],
)
def test_a_bad_request_is_answered_where_a_good_one_is(good: Input, bad: Input) -> None:
    for state in LIVE_STATES:
        is_answered = TRANSITIONS[good][state] is not Action.CLOSE_UNAUTHENTICATED
        assert TRANSITIONS[bad][state] is (Action.REFUSE_INVALID if is_answered else Action.CLOSE_UNAUTHENTICATED)


def test_every_verdict_and_every_kick_has_its_outcome() -> None:
    assert set(VERDICTS) == REFUSALS
    for status, outcome in VERDICTS.items():
        assert OUTCOMES[Action.CHECK][outcome].reply is status
    assert set(KICKS.values()) == set(OUTCOMES[Action.PUT_OUT])
    for code, outcome in KICKS.items():
        close = OUTCOMES[Action.PUT_OUT][outcome].close
        assert close is not None
        assert close.code is code


@pytest.mark.parametrize("state", [*LIVE_STATES, State.CLOSED])
def test_nobody_is_put_out_with_another_code(codec: Codec, state: State) -> None:
    session = server_in(state, codec)
    with pytest.raises(LocalProtocolError, match="1000"):
        session.kick(Kick(CloseCode.NORMAL, "bye"), START)
    assert session.state is state
