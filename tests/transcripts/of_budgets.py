"""Every budget, and what is never signed."""

from ric0_trio.protocol import State
from ric0_trio.testing import SERVER_KEY, challenge_data, request
from tests.transcripts.scenario import BOTH, SIZES, SMALL, Scenario
from tests.transcripts.stage import Stage


def _challenges(stage: Stage) -> None:
    for number in range(3):
        stage.tell(request("challenge", challenge_data(bytes([number]) * 16), 2 * number))
    stage.lose()


def _messages_again(stage: Stage) -> None:
    stage.go_to(State.DISCONNECTED)
    for number in range(4):
        stage.tell(request("disconnect", {}, 6 + 2 * number))
    stage.lose()


def _rate_earned_back(stage: Stage) -> None:
    stage.go_to(State.CONNECTED)
    for number in range(4):
        stage.wait(0 if number < 2 else 0.875)
        stage.tell(request("sing", {}, 4 + 2 * number))
    stage.lose()


def _larger_once_connected(stage: Stage) -> None:
    stage.go_to(State.CONNECTED)
    stage.tell(request("sing", {"words": "la " * 400}, 4))
    stage.lose()


def _invalid_challenges(stage: Stage) -> None:
    key = bytes(SERVER_KEY.public)
    for number, challenge in enumerate(("AAAA", "AA=A" * 6, challenge_data(key)["challenge"])):
        stage.tell(request("challenge", {"challenge": challenge}, 2 * number))
    stage.lose()


SCENARIOS = {
    "budget - challenges": Scenario(_challenges, limits={"challenges": 2}),
    "budget - messages after a disconnect": Scenario(_messages_again, limits={"messages_before_auth": 3}),
    "budget - messages a second, earned back": Scenario(_rate_earned_back, limits=SMALL),
    "budget - larger messages once connected": Scenario(_larger_once_connected, limits=SIZES),
    "challenge - what is not signed": Scenario(_invalid_challenges, BOTH),
}
