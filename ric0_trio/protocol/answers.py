"""The answers to a session's questions: which of them fit, and what a client is told of a refusal."""

from typing import Final

from ric0_trio.protocol.effects import REFUSALS, Admit, Admitted, Question, Refused, Sign, Verdict, Verify
from ric0_trio.protocol.errors import LocalProtocolError
from ric0_trio.protocol.messages import MAX_SENTENCE_CHARS, RefusalReply, Status

_ANSWERS: Final[dict[type[Question], tuple[type, ...]]] = {
    Sign: (bytes,),
    Verify: (bool,),
    Admit: (Admitted, Refused),
}


def check_answer(question: Question, result: bytes | bool | Verdict) -> None:
    """Raise `LocalProtocolError` unless `result` can be the answer to `question`."""
    if not isinstance(result, _ANSWERS[type(question)]):
        raise LocalProtocolError(f"{type(result).__name__} is no answer to {type(question).__name__}")
    if isinstance(result, Refused) and result.status not in REFUSALS:
        raise LocalProtocolError(f"`connect` cannot be refused with {result.status}")


def explain(verdict: Refused) -> RefusalReply:
    """Give the data of the reply: a reason goes with two statuses alone, cut to what a message may carry."""
    reason = verdict.reason and verdict.reason[:MAX_SENTENCE_CHARS]
    match verdict.status:
        case Status.DISALLOWED_CLIENT:
            return RefusalReply(disallowed_client_reason=reason)
        case Status.DISALLOWED_USER:
            return RefusalReply(disallowed_user_reason=reason)
    return RefusalReply()
