"""A session that is written down behaves as one that is not, and the transcript keeps its bounds."""

import gc
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import to_builtins

from ric0_trio.protocol import (
    Codec,
    Kick,
    LocalProtocolError,
    ServerSession,
    SessionLimits,
    Sign,
    State,
)
from ric0_trio.protocol.effects import CloseCode
from ric0_trio.protocol.keys import decode_base64, decode_challenge, encode_base64
from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    DISCONNECT,
    NONCE,
    SERVER_KEY,
    START,
    connect_data,
    pack,
    request,
    server_profile,
)
from ric0_trio.transcript import RecordedSession, StandIns
from ric0_trio.transcript.conceal import MAX_VALUES
from ric0_trio.transcript.format import MAX_WITHHELD_BYTES, Header
from ric0_trio.transcript.playback import Playback
from tests.protocol.given import payloads
from tests.protocol.pair import CODECS, answer_to, server
from tests.transcripts.recorded import STAND_INS, MemorySink, converse, record

JSON = CODECS["json"]
KICK = Kick(CloseCode.KICKED, "enough")


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_it_does_what_a_session_does(codec: Codec, data: st.DataObject) -> None:
    sessions: tuple[ServerSession, RecordedSession] = (server(codec), record(codec, MemorySink()))
    now = START
    for _ in range(data.draw(st.integers(1, 8))):
        now += data.draw(st.sampled_from([0, 0.1, 6, 20]))
        plain, recorded = sessions
        what = data.draw(st.sampled_from(["receive", "receive", "receive", "timeout", "kick", "shutdown", "lost"]))
        payload = data.draw(payloads(codec, [CHALLENGE, CONNECT, DISCONNECT]))
        told = []
        for session in sessions:
            if session.question is not None:
                told.append(session.answer(answer_to(session.question), now))
                continue
            match what:
                case "receive":
                    told.append(session.receive(payload, now))
                case "timeout":
                    told.append(session.handle_timeout(now))
                case "kick":
                    told.append(session.kick(KICK, now))
                case "shutdown":
                    told.append(session.shutdown(now))
                case "lost":
                    told.append(session.connection_lost(now))
        assert told[0] == told[1]
        for name in ("state", "user", "question", "deadline", "max_message_bytes"):
            assert getattr(plain, name) == getattr(recorded, name)


def test_misuse_is_raised_and_not_written() -> None:
    sink = MemorySink()
    session = record(JSON, sink)
    session.receive(pack(JSON, CHALLENGE), START)
    written = sink.written
    with pytest.raises(LocalProtocolError):
        session.receive(pack(JSON, CHALLENGE), START)
    with pytest.raises(LocalProtocolError):
        session.answer(True, START)
    with pytest.raises(LocalProtocolError):
        session.kick(KICK, START - 1)
    assert sink.written == written


def test_a_time_out_that_does_nothing_is_not_written() -> None:
    sink = MemorySink()
    session = record(JSON, sink)
    session.handle_timeout(START + 1)
    assert len(sink.lines) == 1
    session.handle_timeout(START + 10)
    assert [line.get("in") for line in sink.lines[1:]] == ["timeout", None]


def test_it_ends_with_the_last_answer() -> None:
    sink = MemorySink()
    session = record(JSON, sink)
    session.receive(pack(JSON, CHALLENGE), START)
    session.connection_lost(START)
    assert sink.ended == []
    assert isinstance(session.question, Sign)
    session.answer(session.question.answer(SERVER_KEY), START)
    assert sink.ended == [None]
    assert sink.lines[-1] == {"end": "over"}
    written = sink.written
    session.connection_lost(START + 1)
    session.kick(KICK, START + 1)
    session.handle_timeout(START + 1)
    session.shutdown(START + 1)
    session.receive("{}", START + 1)
    assert sink.written == written


@pytest.mark.parametrize("max_bytes", range(1000, 6000, 250))
def test_it_is_cut_at_its_bound(max_bytes: int) -> None:
    sink = MemorySink()
    session = record(JSON, sink, max_bytes=max_bytes)
    converse(session, [pack(JSON, plain) for plain in (CHALLENGE, CONNECT, DISCONNECT)])
    assert len(sink.written) <= max_bytes
    replayed = sink.replay()
    assert replayed.difference is None
    if sink.ended == [None]:
        assert replayed.end == "over"
    else:
        assert sink.ended == ["max_transcript_bytes"]
        assert (replayed.end, replayed.cut_why) == ("cut", "max_transcript_bytes")


def test_it_stops_when_nobody_takes_it() -> None:
    for fails_after in range(0, 4000, 100):
        sink = MemorySink(fails_after)
        session = record(JSON, sink)
        converse(session, [pack(JSON, plain) for plain in (CHALLENGE, CONNECT, DISCONNECT)])
        assert session.state is State.CLOSED
        if not sink.ended and sink.written:
            assert sink.replay().end == "missing"


def test_a_message_too_large_to_replay() -> None:
    sink = MemorySink()
    session = record(JSON, sink, max_message_bytes_before_auth=2 * MAX_WITHHELD_BYTES)
    session.receive("[" + " " * MAX_WITHHELD_BYTES, START)
    assert sink.ended == [f"a message of more than {MAX_WITHHELD_BYTES} bytes"]


def test_a_line_too_long() -> None:
    sink = MemorySink()
    session = record(JSON, sink, max_message_bytes_before_auth=2 * MAX_WITHHELD_BYTES)
    session.receive(pack(JSON, request("x" * 2_000_000, {})), START)
    assert sink.ended == ["max_transcript_bytes"]


def test_a_message_that_says_something_else_without_its_secrets() -> None:
    """A name that is well-formed with the token in it, and not with what stands for it: the transcript ends."""
    sink = MemorySink()
    for number in range(20):
        token = f"token-{number}-q"
        data = connect_data(join_token=token)
        # The accent stays by itself behind a q, and makes one character of it and most other letters.
        user = {**to_builtins(data["user"]), "name": f"{token}\u0301"}
        converse(record(JSON, sink), [pack(JSON, CHALLENGE), pack(JSON, request("connect", {**data, "user": user}, 2))])
        assert token.encode() not in sink.written
    assert "a message that says something else without its secrets" in sink.ended


def test_a_session_that_would_go_another_way_without_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be, as far as is known; if it is, it is no transcript of what happened, and ends."""
    sink = MemorySink()
    session = record(JSON, sink)
    monkeypatch.setattr(Playback, "play", lambda playback, given: ())
    session.receive(pack(JSON, CHALLENGE), START)
    assert sink.ended == ["without its secrets, the session would have gone another way"]
    assert sink.replay().end == "cut"


def test_a_token_that_is_a_word_of_the_servers() -> None:
    """One of its capabilities: the reply has it, whatever the client calls it."""
    sink = MemorySink()
    data = connect_data(join_token="history")  # noqa: S106
    converse(record(JSON, sink), [pack(JSON, CHALLENGE), pack(JSON, request("connect", data, 2))])
    assert sink.replay().difference is None


@given(begin=st.floats(1e9, 4e9), steps=st.lists(st.floats(0, 1e5), max_size=5))
def test_times_are_exact(begin: float, steps: list[float]) -> None:
    header = Header.of(server_profile(), SessionLimits(), JSON, begin)
    now = begin
    for step in steps:
        now += step
        assert begin + header.at(now) == now


# Stand-ins


@given(secret=st.text(max_size=300) | st.binary(max_size=130).map(encode_base64))
def test_a_stand_in_has_the_form_of_the_secret(secret: str) -> None:
    stand_in = STAND_INS.for_text(secret)
    assert stand_in == STAND_INS.for_text(secret)
    assert len(stand_in) == len(secret)
    assert len(stand_in.encode()) == len(secret.encode())
    raw, other = decode_base64(secret), decode_base64(stand_in)
    assert (raw is None) == (other is None)
    assert raw is None or other is None or len(raw) == len(other)
    assert (decode_challenge(secret) is None) == (decode_challenge(stand_in) is None)


def test_a_servers_key_as_a_challenge_stays_one() -> None:
    key = SERVER_KEY.public.key
    assert decode_challenge(key) is None
    assert decode_challenge(STAND_INS.for_text(key)) is None
    assert STAND_INS.for_text(key) != key


def test_another_key_gives_other_stand_ins() -> None:
    others = [StandIns(bytes([number]) * 32).for_text(encode_base64(NONCE)) for number in range(50)]
    assert len(set(others)) == 50
    assert all(one[:8] != other[:8] for one, other in pairwise(others))


# What takes long to write is not written, as others wait meanwhile

TOO_MUCH = ["x"] * MAX_VALUES


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_valid_message_with_too_much_that_is_not_known(codec: Codec) -> None:
    """It is written as far as it is known."""
    sink = MemorySink()
    payload = pack(codec, request("challenge", {**CHALLENGE["data"], "more": TOO_MUCH}))
    converse(record(codec, sink, max_message_bytes_before_auth=len(payload)), [payload])
    told = sink.lines[1]
    assert set((told["message"] if codec is JSON else told["reads"])["data"]) == {"challenge"}
    assert sink.ended == [None]
    assert sink.replay().difference is None


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_bad_message_with_too_much(codec: Codec) -> None:
    sink = MemorySink()
    payload = pack(codec, request("challenge", {"challenge": TOO_MUCH}))
    converse(record(codec, sink, max_message_bytes_before_auth=len(payload)), [payload])
    assert sink.lines[1]["in"] == "receive_withheld"
    assert sink.lines[1]["reads"] == {
        "as": "bad_request",
        "name": "challenge",
        "conversation": 0,
        "problem": "withheld",
    }
    assert sink.replay().difference is None


def as_text(plain: object) -> str:
    return str(pack(JSON, plain))


@pytest.mark.parametrize("depth", [31, 32, 33, 100, 500, 5000])
def test_however_deep_it_is(depth: int) -> None:
    for payload in (
        "[" * depth + "]" * depth,
        '{"type":' * depth + "1" + "}" * depth,
        as_text(CHALLENGE)[:-1] + ',"x":' + "[" * depth + "]" * depth + "}",
        as_text({**CHALLENGE, "conversation": 1})[:-1] + ',"challenge":' + "[" * depth + "]" * depth + "}",
    ):
        sink = MemorySink()
        converse(record(JSON, sink, max_message_bytes_before_auth=100_000), [payload])
        assert sink.ended == [None]
        assert sink.replay().difference is None


def test_a_long_list_is_no_message() -> None:
    sink = MemorySink()
    converse(record(JSON, sink, max_message_bytes_before_auth=100_000), [pack(JSON, TOO_MUCH * 2)])
    assert sink.lines[1]["in"] == "receive_withheld"


def test_no_more_secrets_are_remembered_than_there_is_time_for() -> None:
    sink = MemorySink()
    session = record(JSON, sink, messages_before_auth=100)
    for number in range(30):
        session.receive(pack(JSON, request("challenge", {"challenge": [f"secret-{number:04}"]})), START)
    session.receive(pack(JSON, request("secret-0000, secret-0029", [], 7)), START)
    session.receive(pack(JSON, {**CONNECT, "type": "secret-0000, secret-0029"}), START)
    assert b"secret-0029" not in sink.written
    assert b"secret-0000" in sink.written


# What it leaves in memory


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_what_cannot_be_decoded_is_in_no_cycle(codec: Codec) -> None:
    """It would keep the whole connection until the garbage is collected."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        converse(record(codec, MemorySink()), ["[]"] if codec is JSON else [b"[]"])
        gc.collect()
        left = [item for item in gc.garbage if isinstance(item, RecordedSession)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert left == []


def test_what_is_too_long_for_a_secret_is_not_kept() -> None:
    """A message with such texts may be withheld, so that the bound of the transcript does not bound them."""
    session = record(JSON, MemorySink(), messages_before_auth=100, max_message_bytes_before_auth=64 * 1024)
    many = ",".join(["0"] * MAX_VALUES)
    tracemalloc.start()
    try:
        for number in range(16):
            long = f"{number:06}" + "\N{KEY}" * 10_000
            session.receive(f'{{"challenge": "{long}", "x": [{many}]}}', START)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 400_000  # the last message, and not all sixteen
