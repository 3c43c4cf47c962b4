"""What each input does in each state (the rows of docs/protocol.md), and how each state ends."""

from functools import partial
from typing import Any

from ric0_trio.protocol import CloseCode, Kick, State
from ric0_trio.testing import (
    CHALLENGE,
    CONNECT,
    connect_data,
    request,
)
from tests.protocol.pair import LIVE_STATES, without
from tests.transcripts.scenario import SIZES, SMALL, Play, Scenario
from tests.transcripts.stage import Stage

KICKED = Kick(CloseCode.KICKED, "enough")


def _say(plain: object, stage: Stage) -> None:
    stage.tell(plain)


def _send(payload: str | bytes, stage: Stage) -> None:
    stage.send(payload)


def _pass_deadline(stage: Stage) -> None:
    if stage.session.deadline is not None:
        stage.pass_deadline()


def _flood(stage: Stage) -> None:
    for _ in range(4):
        stage.tell(CHALLENGE)


ROWS: dict[str, tuple[Play, dict[str, Any]]] = {
    "challenge": (partial(_say, CHALLENGE), {}),
    "connect": (partial(_say, CONNECT), {}),
    "disconnect": (partial(_say, request("disconnect", {"reason": "that was all"}, 4)), {}),
    "another request": (partial(_say, request("sing", {}, 4)), {}),
    "message": (partial(_say, without(request("hello", {}, type="message"), "conversation")), {}),
    "reply": (partial(_say, request("hello", {}, 1, type="reply", status="success")), {}),
    "bad request": (partial(_say, request("connect", connect_data(), 7)), {}),
    "bad request of another name": (partial(_say, request("sing", [], 4)), {}),
    "undecodable": (partial(_say, request("connect", connect_data(), type="demand")), {}),
    "wrong kind": (partial(_send, b"binary"), {}),
    "too big": (partial(_send, "x" * 1501), SIZES),
    "over budget": (_flood, {**SMALL, "messages_per_s": 0.001}),
    "deadline": (_pass_deadline, {}),
}


def _play_row(state: State, play: Play, stage: Stage) -> None:
    stage.go_to(state)
    play(stage)
    stage.lose()


def _kick(stage: Stage) -> None:
    stage.kick(KICKED)


ENDS: dict[str, tuple[Play, ...]] = {
    "kicked": (_kick,),
    "shut down": (Stage.shut_down,),
    "lost": (Stage.lose,),
    "kicked twice, then shut down": (_kick, _kick, Stage.shut_down),
}


def _end(state: State, ends: tuple[Play, ...], stage: Stage) -> None:
    stage.go_to(state)
    for end in ends:
        end(stage)
    stage.tell(CHALLENGE)  # nobody hears of it
    stage.lose()


SCENARIOS = {
    **{
        f"{state.value.lower()} - {row}": Scenario(partial(_play_row, state, play), limits=limits)
        for row, (play, limits) in ROWS.items()
        for state in LIVE_STATES
    },
    **{
        f"{state.value.lower()} - {name}": Scenario(partial(_end, state, ends))
        for name, ends in ENDS.items()
        for state in LIVE_STATES
    },
}
