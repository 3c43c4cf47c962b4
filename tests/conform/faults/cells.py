"""A fault for each cell of the table of states: there, and nowhere else, the server does something else."""

import math
from itertools import product
from typing import ClassVar

from tests.conform.faults.seeding import seeds
from tests.conform.reference import keys
from tests.conform.reference.envelopes import BadRequest, Other, Request
from tests.conform.reference.session import Close, Deeds, Session, State

ROWS = {
    "S1": "a `challenge` past the budget of challenges",
    "S2": "a `challenge` that may not be signed",
    "S3": "a `challenge` that is signed",
    "S5": "a bad `challenge`",
    "S6": "a `connect` with a key of an unknown format",
    "S7": "a `connect` with the server's key",
    "S8": "a `connect` whose proof is no base64",
    "S9": "a `connect` whose proof does not verify",
    "S17": "a good `connect`",
    "S19": "a bad `connect`",
    "S20": "a `disconnect`",
    "S21": "a bad `disconnect`",
    "S22": "another request",
    "S23": "another bad request",
    "S24": "a `message`",
    "S25": "a `reply`",
    "S26": "what is no valid envelope",
    "S27": "a message of the wrong kind",
    "S28": "a message over the size limit",
    "S29": "a message past a budget",
    "S30": "the deadline to authenticate",
}


class Cell(Session):
    """Finds out which row of the table each input is in, and spoils what is done in one cell."""

    row: ClassVar[str]
    column: ClassVar[State]
    seen = ""
    """The row of what is being dealt with."""
    answered: Request | BadRequest = BadRequest("x", 0)
    """What a reply would repeat."""

    def receive(self, payload: str | bytes, now: float) -> Deeds:
        state, self.seen, self.answered = self.state, "", BadRequest("x", 0)
        return self.spoil(state, super().receive(payload, now))

    def spoil(self, state: State, deeds: Deeds) -> Deeds:
        if (self.seen, state) != (self.row, self.column):
            return deeds
        match deeds:
            case []:
                return [Close(1008, "not here")]
            case [Close(code=1008)] if self.is_ignored:
                return self.reply(self.answered, "invalid_message")
            case [Close()]:
                self.deadline = math.inf
                return []
        return self.reply(self.answered, "unknown_error")

    @property
    def is_ignored(self) -> bool:
        """Whether what matters in the cell is that there is no reply."""
        return self.row in ("S20", "S21", "S22", "S23", "S24", "S25")

    # Which row it is

    def take_request(self, request: Request) -> Deeds:
        self.answered = request
        match request.name:
            case "challenge":
                is_good = self.identity.read_challenge(request.data["challenge"]) is not None
                self.seen = "S1" if self.challenges_left == 0 else "S3" if is_good else "S2"
            case "connect":
                self.seen = self.row_of_connect(request)
            case name:
                self.seen = "S20" if name == "disconnect" else "S22"
        return super().take_request(request)

    def row_of_connect(self, request: Request) -> str:
        key, proof = request.data["user"]["pubkey"], request.data["challenge"]
        if not keys.is_known(key):
            return "S6"
        if self.identity.is_own(key):
            return "S7"
        if keys.decode(proof) is None:
            return "S8"
        return "S17" if self.identity.is_proof(key, proof) else "S9"

    def take_bad_request(self, request: BadRequest) -> Deeds:
        self.answered = request
        self.seen = {"challenge": "S5", "connect": "S19", "disconnect": "S21"}.get(request.name, "S23")
        return super().take_bad_request(request)

    def take_other(self, other: Other) -> Deeds:
        self.seen = "S24" if other.plain["type"] == "message" else "S25"
        return super().take_other(other)

    def malformed(self) -> Deeds:
        self.seen = "S26"
        return super().malformed()

    def wrong_kind(self, payload: str | bytes) -> Deeds:
        self.seen = "S27"
        return super().wrong_kind(payload)

    def over_budget(self) -> Deeds:
        self.seen = "S29"
        return super().over_budget()

    def too_big(self, now: float) -> Deeds:
        deeds = super().too_big(now)
        self.seen = self.seen if self.seen == "S29" else "S28"
        return self.spoil(self.state, deeds)

    def time_out(self) -> Deeds:
        self.seen = "S30"
        return self.spoil(self.state, super().time_out())


def spoil_cell(row: str, state: State) -> None:
    wrong = f"In {state.name}, what is done about {ROWS[row]} is wrong."
    marks = {"__doc__": wrong, "row": row, "column": state}
    seeds(f"{row}-{state.name}")(type(f"Spoils{row}In{state.name.capitalize()}", (Cell,), marks))


for row, state in product(ROWS, State):
    if (row, state) != ("S30", State.CONNECTED):  # no deadline is set there: `EndsUsers` sets one
        spoil_cell(row, state)
