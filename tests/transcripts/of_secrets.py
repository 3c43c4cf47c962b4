"""What is not written as it came."""

import re

import bson

from ric0_trio.protocol import State
from ric0_trio.testing import (
    CONNECT,
    challenge_data,
    connect_data,
    pack,
    request,
)
from tests.transcripts.scenario import BOTH, TOKEN, Scenario
from tests.transcripts.stage import Stage


def _unknown_keys(stage: Stage) -> None:
    odd = {"proof": connect_data()["challenge"], "retries": 3, "nested": {"token": TOKEN}}
    stage.tell(request("challenge", {**challenge_data(), **odd}, 0, extra=odd))
    stage.tell(request("connect", {**connect_data(), **odd}, 2))
    stage.lose()


def _secret_in_public(stage: Stage) -> None:
    stage.go_to(State.CHALLENGED)
    stage.tell(request("connect", connect_data(join_token=TOKEN), 2), request(TOKEN, {}, 4))
    stage.tell(request("disconnect", {"reason": f"my token was {TOKEN}"}, 6))
    stage.lose()


def _cut_short(stage: Stage) -> None:
    whole = pack(stage.codec, CONNECT)
    stage.send(whole[: len(whole) // 2])
    stage.lose()


def _exotic(stage: Stage) -> None:
    stage.send(bson.encode(request("challenge", {"challenge": re.compile("secret")}, 6)))
    stage.lose()


def _text(stage: Stage) -> None:
    stage.send("text")
    stage.lose()


SCENARIOS = {
    "concealed - unknown keys": Scenario(_unknown_keys, BOTH),
    "concealed - a token said in public": Scenario(_secret_in_public),
    "withheld - a payload cut short": Scenario(_cut_short, BOTH),
    "withheld - a type that JSON has not": Scenario(_exotic, ("bson",)),
    "withheld - text where binary is due": Scenario(_text, ("bson",)),
}
