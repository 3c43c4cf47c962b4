"""What answers the questions of a session in a test."""

from collections.abc import Callable
from typing import Final

from ric0_trio.protocol import Admit, Admitted, PrivateKey, Question, Sign, Verdict, Verify
from ric0_trio.testing.keys import SERVER_KEY

ADMITTED: Final = Admitted()
"""The verdict of a store that lets everyone in."""

Answer = bytes | bool | Verdict
"""What `session.answer` takes."""

Decision = Verdict | Callable[[Admit], Verdict]
"""Who may join: the same verdict for everybody, or what a function says of each."""


def in_turn(first: Verdict, *others: Verdict) -> Callable[[Admit], Verdict]:
    """The first verdict for whoever asks first, and so on; the last one is for all who come after."""
    last, *rest = reversed((first, *others))
    return lambda _: rest.pop() if rest else last


def decide(decision: Decision, request: Admit) -> Verdict:
    """What a decision is for this user."""
    return decision(request) if callable(decision) else decision


def answer_to(question: Question, verdict: Decision = ADMITTED, key: PrivateKey = SERVER_KEY) -> Answer:
    """Answer here and now, as the simplest adapter does: sign with `key`, verify for real, decide by `verdict`."""
    match question:
        case Sign():
            return question.answer(key)
        case Verify():
            return question.answer()
        case Admit():
            return decide(verdict, question)
