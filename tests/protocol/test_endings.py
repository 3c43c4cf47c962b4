"""How a server's connection ends, at every point; and what its embedder must not do."""

from collections.abc import Callable, Sequence

import pytest

from ric0_trio.protocol import (
    Admit,
    Admitted,
    Close,
    CloseCode,
    Codec,
    Effect,
    Kick,
    LocalProtocolError,
    Refused,
    Release,
    Send,
    ServerSession,
    Sign,
    State,
    Status,
    Verify,
)
from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    NONCE,
    START,
    USER_KEY,
    give,
    pack,
    request,
)
from tests.protocol.pair import LIVE_STATES, answer_to, server, server_in

BANNED = Kick(CloseCode.BANNED, "banned")
LATE = START + 5  # when an open question's time is over

End = Callable[[ServerSession, float], tuple[Effect, ...]]
ENDINGS: dict[str, tuple[End, tuple[Effect, ...]]] = {
    "banned": (lambda s, now: s.kick(BANNED, now), (Close(CloseCode.BANNED, "banned"),)),
    "kicked": (lambda s, now: s.kick(Kick(CloseCode.KICKED, ""), now), (Close(CloseCode.KICKED, ""),)),
    "replaced": (lambda s, now: s.kick(Kick(CloseCode.REPLACED, "x"), now), (Close(CloseCode.REPLACED, "x"),)),
    "shutdown": (lambda s, now: s.shutdown(now), (Close(CloseCode.GOING_AWAY, "the server is going away"),)),
    "lost": (lambda s, now: s.connection_lost(now), ()),
}

# A point is a live state, or a question that is open in one.
POINTS: dict[str, tuple[State, tuple[object, ...]]] = {
    **{state.value: (state, ()) for state in LIVE_STATES},
    "Sign in OPEN": (State.OPEN, (CHALLENGE,)),
    "Sign in CONNECTED": (State.CONNECTED, (CHALLENGE,)),
    "Verify in CHALLENGED": (State.CHALLENGED, (CONNECT,)),
    "Verify in DISCONNECTED": (State.DISCONNECTED, (CONNECT,)),
    "Admit in CHALLENGED": (State.CHALLENGED, (CONNECT, True)),
    "Admit in DISCONNECTED": (State.DISCONNECTED, (CONNECT, True)),
}


def session_at(point: str, codec: Codec) -> ServerSession:
    state, steps = POINTS[point]
    session = server_in(state, codec)
    for step in steps:
        if step is True:
            session.answer(True, START)
        else:
            session.receive(pack(codec, step), START)
    return session


def releases(effects: Sequence[Effect]) -> list[Effect]:
    return [effect for effect in effects if isinstance(effect, Release)]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_an_end_at_every_point(codec: Codec, point: str, ending: str) -> None:
    session = session_at(point, codec)
    end, closes = ENDINGS[ending]
    given_back = (Release(),) if session.state is State.CONNECTED else ()
    assert end(session, START) == (*given_back, *closes)
    assert (session.user, session.deadline) == (None, None)
    assert session.state is State.CLOSED


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("first", ENDINGS)
@pytest.mark.parametrize("second", ENDINGS)
def test_a_second_end_gives_nothing(codec: Codec, point: str, first: str, second: str) -> None:
    session = session_at(point, codec)
    ENDINGS[first][0](session, START)
    assert ENDINGS[second][0](session, START) == ()
    assert session.handle_timeout(START + 1_000_000) == ()
    assert session.receive(pack(codec, CHALLENGE), START + 1_000_000) == ()


@pytest.mark.parametrize("point", [point for point in POINTS if " in " in point])
@pytest.mark.parametrize("ending", ENDINGS)
def test_an_answer_after_the_end(codec: Codec, point: str, ending: str) -> None:
    session = session_at(point, codec)
    question = session.question
    ENDINGS[ending][0](session, START)
    assert session.question is question
    expected = (Release(),) if isinstance(question, Admit) else ()
    assert session.answer(answer_to(question), START) == expected
    assert (session.question, session.state) == (None, State.CLOSED)
    with pytest.raises(LocalProtocolError, match="no question is open"):
        session.answer(answer_to(question), START)


def test_a_refusal_after_the_end_gives_nothing_back(codec: Codec) -> None:
    session = session_at("Admit in CHALLENGED", codec)
    session.connection_lost(START)
    assert session.answer(Refused(Status.ALREADY_CONNECTED), START) == ()


# Time-outs of questions, told by the adapter before the answer comes, or found with it

LATE_ANSWERS: dict[str, tuple[type[Effect], ...]] = {
    "Sign in OPEN": (Send, Close),
    "Sign in CONNECTED": (Release, Send, Close),
    "Verify in CHALLENGED": (Send, Close),
    "Verify in DISCONNECTED": (Send, Close),
    "Admit in CHALLENGED": (Release, Send, Close),
    "Admit in DISCONNECTED": (Release, Send, Close),
}


@pytest.mark.parametrize("point", LATE_ANSWERS)
def test_an_answer_after_its_time(codec: Codec, point: str) -> None:
    """A place is given back before anything is sent, as sending can fail."""
    session = session_at(point, codec)
    effects = session.answer(answer_to(session.question), LATE)
    assert tuple(type(effect) for effect in effects) == LATE_ANSWERS[point]
    assert session.state is State.CLOSED


@pytest.mark.parametrize("point", LATE_ANSWERS)
def test_an_answer_after_its_time_was_told(codec: Codec, point: str) -> None:
    session = session_at(point, codec)
    question = session.question
    assert len(session.handle_timeout(LATE)) >= 2
    late = session.answer(answer_to(question), LATE)
    assert late == ((Release(),) if isinstance(question, Admit) else ())


def test_a_late_refusal_is_no_longer_told(codec: Codec) -> None:
    session = session_at("Admit in CHALLENGED", codec)
    effects = session.answer(Refused(Status.DISALLOWED_USER, "banned"), LATE)
    assert [type(effect) for effect in effects] == [Send, Close]


# A place taken is given back exactly once

WAYS_OUT: dict[str, Callable[[ServerSession, Codec], Sequence[Effect]]] = {
    "disconnect": lambda s, codec: give(s, codec, request("disconnect", {})),
    "fourth challenge": lambda s, codec: [e for _ in range(4) for e in give(s, codec, CHALLENGE)],
    "undecodable": lambda s, codec: give(s, codec, {}),
    "too big": lambda s, _: s.receive("x" * 100_000, START),
    "late signature": lambda s, codec: (*s.receive(pack(codec, CHALLENGE), START), *s.handle_timeout(LATE)),
    "nothing but the end": lambda *_: (),
}


@pytest.mark.parametrize("way", WAYS_OUT)
@pytest.mark.parametrize("ending", ENDINGS)
def test_one_release_for_one_admission(codec: Codec, way: str, ending: str) -> None:
    session = server_in(State.CONNECTED, codec)
    told = [*WAYS_OUT[way](session, codec), *ENDINGS[ending][0](session, LATE)]
    if session.question is not None:
        told += session.answer(answer_to(session.question), LATE)
    assert len(releases(told)) == 1


def test_each_admission_has_its_own_release(codec: Codec) -> None:
    session = server_in(State.DISCONNECTED, codec)  # the first place is given back
    told = give(session, codec, CONNECT)
    assert releases(told) == []
    assert releases(session.connection_lost(START)) == [Release()]


# What the embedder must not do

WRONG_ANSWERS: list[tuple[str, object]] = [
    *(("Sign in OPEN", wrong) for wrong in (True, "text", None, Admitted(), Refused(Status.DISALLOWED_USER))),
    *(("Verify in CHALLENGED", wrong) for wrong in (b"bytes", 1, None, Admitted(), Refused(Status.DISALLOWED_USER))),
    *(("Admit in CHALLENGED", wrong) for wrong in (b"bytes", True, None, "admitted")),
]


@pytest.mark.parametrize(("point", "wrong"), WRONG_ANSWERS)
def test_an_answer_of_another_kind(codec: Codec, point: str, wrong: object) -> None:
    session = session_at(point, codec)
    question, state = session.question, session.state
    with pytest.raises(LocalProtocolError, match=f"{type(wrong).__name__} is no answer to {type(question).__name__}"):
        session.answer(wrong, START)  # type: ignore[arg-type]
    assert (session.question, session.state) == (question, state)


@pytest.mark.parametrize("status", ["success", "invalid_message", "invalid_challenge", "not_connected"])
def test_a_verdict_may_not_refuse_with_every_status(codec: Codec, status: str) -> None:
    session = session_at("Admit in CHALLENGED", codec)
    with pytest.raises(LocalProtocolError):
        session.answer(Refused(Status(status)), START)


@pytest.mark.parametrize("state", [*LIVE_STATES, State.CLOSED])
@pytest.mark.parametrize("result", [b"signature", True, Admitted()])
def test_an_answer_to_nothing(codec: Codec, state: State, result: bytes | bool | Admitted) -> None:
    session = server_in(state, codec)
    with pytest.raises(LocalProtocolError, match="no question is open"):
        session.answer(result, START)


@pytest.mark.parametrize("point", [point for point in POINTS if " in " in point])
def test_a_message_while_a_question_is_open(codec: Codec, point: str) -> None:
    session = session_at(point, codec)
    question = session.question
    with pytest.raises(LocalProtocolError, match=f"while {type(question).__name__} waits"):
        session.receive(pack(codec, CHALLENGE), START)
    session.answer(answer_to(question), START)  # no harm was done


STEPS_BACK: dict[str, Callable[[ServerSession], object]] = {
    "receive": lambda s: s.receive("", START - 1),
    "answer": lambda s: s.answer(b"", START - 1),
    "handle_timeout": lambda s: s.handle_timeout(START - 1),
    "kick": lambda s: s.kick(BANNED, START - 1),
    "shutdown": lambda s: s.shutdown(START - 1),
    "connection_lost": lambda s: s.connection_lost(START - 1),
}


@pytest.mark.parametrize("step", STEPS_BACK)
def test_time_does_not_step_back(codec: Codec, step: str) -> None:
    session = server(codec)
    with pytest.raises(LocalProtocolError, match="stepped back"):
        STEPS_BACK[step](session)
    assert session.state is State.OPEN


def test_the_questions_answer_themselves_inline(codec: Codec) -> None:
    signing, checking = session_at("Sign in OPEN", codec).question, session_at("Verify in CHALLENGED", codec).question
    assert isinstance(signing, Sign)
    assert isinstance(checking, Verify)
    assert signing.answer(USER_KEY) == USER_KEY.sign(NONCE)
    assert checking.answer()


def test_what_is_sent_is_not_shown(codec: Codec) -> None:
    """A client's `connect` carries a proof and a token; whoever logs effects logs neither."""
    shown = repr(Send("payload with a proof", "connect"))
    assert "proof" not in shown
    assert "connect" in shown
