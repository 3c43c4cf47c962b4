"""All that can happen to a session, each as a little play: the name says what it shows."""

from ric0_trio.protocol import State
from ric0_trio.testing import DISCONNECT, connect_data, request
from tests.transcripts import of_budgets, of_connect, of_questions, of_secrets, of_states
from tests.transcripts.scenario import BOTH, Scenario
from tests.transcripts.stage import Stage


def _whole_session(stage: Stage) -> None:
    stage.go_to(State.DISCONNECTED)
    stage.tell(request("connect", connect_data(), 6), request("sing", {}, 8), DISCONNECT)
    stage.pass_deadline()
    stage.lose()


SCENARIOS: dict[str, Scenario] = {
    "a whole session": Scenario(_whole_session, BOTH),
    **of_states.SCENARIOS,
    **of_connect.SCENARIOS,
    **of_budgets.SCENARIOS,
    **of_questions.SCENARIOS,
    **of_secrets.SCENARIOS,
}
