"""Deadlines, and questions: answered in time, too late, or when the connection is over."""

from functools import partial
from typing import Any

from ric0_trio.protocol import Admit, Refused, Sign, State, Status, Verify
from ric0_trio.testing import CHALLENGE, CONNECT, START
from tests.transcripts.of_states import KICKED
from tests.transcripts.scenario import Play, Scenario
from tests.transcripts.stage import Stage


def _message_at_the_deadline(stage: Stage) -> None:
    stage.wait(9.875)
    stage.tell(CHALLENGE)
    stage.lose()


def _question_stops_the_clock(stage: Stage) -> None:
    stage.wait(6)
    stage.ask(CHALLENGE, Sign)
    stage.wait(4.5)
    stage.answer()
    stage.pass_deadline()
    assert stage.now == START + 14.5
    stage.lose()


def _open_question(plain: object, until: Any, end: Play, stage: Stage) -> None:
    stage.go_to(State.CHALLENGED if plain is CONNECT else State.OPEN)
    stage.ask(plain, until)
    end(stage)


def _too_late(stage: Stage) -> None:
    """The answer comes after the time for it, and nobody has looked at the clock."""
    stage.wait(5)
    stage.answer()
    stage.lose()


def _timed_out(stage: Stage) -> None:
    stage.pass_deadline()
    stage.wait(1)
    stage.answer()
    stage.lose()


def _in_time(stage: Stage) -> None:
    stage.wait(4.875)
    stage.settle()
    stage.lose()


def _ended(how: Play, stage: Stage) -> None:
    how(stage)
    stage.answer()
    stage.lose()


def _kick(stage: Stage) -> None:
    stage.kick(KICKED)


def _lost_and_refused(stage: Stage) -> None:
    stage.lose()
    stage.answer(Refused(Status.DISALLOWED_USER, "banned"))


ENDS_OF_QUESTIONS: dict[str, Play] = {
    "in time": _in_time,
    "too late": _too_late,
    "after the time-out": _timed_out,
    "after a kick": partial(_ended, _kick),
    "after a shutdown": partial(_ended, Stage.shut_down),
    "after the loss": partial(_ended, Stage.lose),
}
QUESTIONS = {"signature": (CHALLENGE, Sign), "proof": (CONNECT, Verify), "verdict": (CONNECT, Admit)}


SCENARIOS = {
    "deadline - a message at that moment": Scenario(_message_at_the_deadline),
    "deadline - a question stops the clock": Scenario(_question_stops_the_clock),
    **{
        f"{question} - {name}": Scenario(partial(_open_question, plain, until, end))
        for question, (plain, until) in QUESTIONS.items()
        for name, end in ENDS_OF_QUESTIONS.items()
    },
    "verdict - refused after the loss": Scenario(partial(_open_question, CONNECT, Admit, _lost_and_refused)),
}
