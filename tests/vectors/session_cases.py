"""What a server does with what it receives, in each state and at each bound: an independent copy of the rules.

Nothing here is read from the code under test: the tables are written from docs/protocol.md.
"""

from tests.vectors import session_steps as steps
from tests.vectors.cases import Vector
from tests.vectors.session_steps import LIMITS, SERVER, Script

ABOUT = (
    "What a server does, step by step, on one connection. At `at` (seconds after the 101) it receives a WebSocket "
    "message, or, where there is none, only time has passed. `reply` is what it sends, null for nothing; `close` the "
    "code that it closes with, null for none; `state` where it stands then. `repeat`: the step comes so many times, "
    "and each time that comes of it. `pad_to`: spaces are added to the text, up to so many bytes. `verdict` is what "
    "the access rules say to a user, if they are asked; success, where there is none. `also_right`, where it is there, "
    "has other outcomes that are allowed as well, in place of `reply`, `close` and `state`: no step follows then."
)
SETTING = {"server": SERVER, "limits": LIMITS}

STATES = ("OPEN", "CHALLENGED", "CONNECTED", "DISCONNECTED")
Outcome = str | int | None
"""The status of a reply, the code of a close, or None for neither."""

TABLE: dict[str, tuple[Outcome, Outcome, Outcome, Outcome]] = {
    "challenge": ("success", "success", "success", "success"),
    "short challenge": ("invalid_challenge", "invalid_challenge", "invalid_challenge", "invalid_challenge"),
    "challenge without data": ("invalid_message", "invalid_message", "invalid_message", "invalid_message"),
    "challenge with odd id": ("invalid_message", "invalid_message", "invalid_message", "invalid_message"),
    "connect": ("invalid_challenge", "success", "already_connected", "success"),
    "connect with wrong proof": ("invalid_challenge", "invalid_challenge", "already_connected", "invalid_challenge"),
    "connect with bad name": ("invalid_message", "invalid_message", "invalid_message", "invalid_message"),
    "disconnect": (1008, 1008, "success", "not_connected"),
    "disconnect without time": (1008, 1008, "invalid_message", "invalid_message"),
    "another request": (1008, 1008, "invalid_message", 1008),
    "another request with odd id": (1008, 1008, "invalid_message", 1008),
    "request without name": (1008, 1008, "invalid_message", 1008),
    "message": (1008, 1008, None, 1008),
    "reply": (1008, 1008, None, 1008),
    "request without id": (1007, 1007, 1007, 1007),
    "nonsense": (1007, 1007, 1007, 1007),
    "other kind": (1003, 1003, 1003, 1003),
}
"""What comes of what, in each of the states. Every 1008 in here is a SHOULD: to ignore what comes is the MUST."""

MOVES = {
    ("challenge", "OPEN"): "CHALLENGED",
    ("connect", "CHALLENGED"): "CONNECTED",
    ("connect", "DISCONNECTED"): "CONNECTED",
    ("disconnect", "CONNECTED"): "DISCONNECTED",
}
"""What leads from a state to another."""


def vectors() -> list[Vector]:
    found = []
    for encoding in ("json", "bson"):
        found += [_cell(encoding, what, state) for what in TABLE for state in STATES]
        found += [*_checks(encoding), *_deadlines(encoding), *_budgets(encoding), *_rates(encoding), *_orders(encoding)]
    return [*found, *_sizes(), *_sizes_first()]


def _cell(encoding: str, what: str, state: str) -> Vector:
    script = Script(encoding)
    script.go_to(state)
    outcome = TABLE[what][STATES.index(state)]
    script.step(what, outcome, MOVES.get((what, state), state))
    if outcome == 1008:
        script.allow_ignoring(state)
    return script.vector(f"In {state}: {steps.SHOWN[what]}.")


def _checks(encoding: str) -> list[Vector]:
    """The checks of `connect`, from the third on: what is told is the first that fails."""
    invalid, disallowed = "invalid_challenge", "disallowed_user"
    found = [
        ("A user's key of a format that nobody knows.", "unknown format", disallowed),
        ("The same, with a proof that is no base64: the format counts.", "unknown format and no proof", disallowed),
        ("The server's own key as the user's.", "server key", disallowed),
        ("The server's own key with a wrong proof: the key counts.", "server key and wrong proof", disallowed),
        ("A proof that is no base64.", "no base64", invalid),
        ("A proof with the last digit's unused bits set.", "unused bits", invalid),
        ("A proof over the nonce, not over the server's key.", "wrong proof", invalid),
        ("A proof over the base64 of the server's key, not over its bytes.", "proof over text", invalid),
        ("A proof for another server.", "proof for another", invalid),
        ("A key of small order, and a proof that anyone can make.", "small order", invalid),
        ("An RSA key, with a proof to it.", "RSA", "success"),
        ("A bot.", "bot", "success"),
    ]
    made = []
    for shows, what, outcome in found:
        script = Script(encoding)
        script.go_to("CHALLENGED")
        script.step(f"connect with {what}", outcome, "CONNECTED" if outcome == "success" else "CHALLENGED")
        made.append(script.vector(shows))
    for verdict in steps.VERDICTS:
        script = Script(encoding)
        script.go_to("CHALLENGED")
        script.step("connect", verdict, "CHALLENGED", verdict={"status": verdict})
        script.step("connect", "success", "CONNECTED")
        made.append(script.vector(f"The access rules say {verdict}, and success the next time."))
    return made


def _deadlines(encoding: str) -> list[Vector]:
    """10 seconds without a connected user, whatever comes meanwhile."""
    silent, late, busy, refused = (Script(encoding) for _ in range(4))
    silent.wait(9.999, None, "OPEN")
    silent.wait(10, 1008, "CLOSED")
    late.step("challenge", "success", "CHALLENGED")
    late.step("connect", 1008, "CLOSED", at=10)
    for second in (3, 6, 9):
        busy.step("challenge", "success", "CHALLENGED", at=second)
    busy.wait(10, 1008, "CLOSED")
    refused.step("challenge", "success", "CHALLENGED", at=3)
    refused.step("connect with wrong proof", "invalid_challenge", "CHALLENGED", at=5)
    refused.step("connect with unknown format", "disallowed_user", "CHALLENGED", at=7)
    refused.step("connect", "disallowed_user", "CHALLENGED", at=9, verdict={"status": "disallowed_user"})
    refused.wait(9.999, None, "CHALLENGED")
    refused.wait(10, 1008, "CLOSED")
    connected, left = Script(encoding), Script(encoding)
    connected.go_to("CONNECTED")
    connected.wait(86_400, None, "CONNECTED")
    connected.step("disconnect", "success", "DISCONNECTED", at=86_400)
    left.step("challenge", "success", "CHALLENGED", at=5)
    left.step("connect", "success", "CONNECTED", at=9)
    left.step("disconnect", "success", "DISCONNECTED", at=60)
    left.wait(69.999, None, "DISCONNECTED")
    left.wait(70, 1008, "CLOSED")
    return [
        silent.vector("Nothing comes for 10 seconds."),
        late.vector("A `connect` that comes with the deadline is too late."),
        busy.vector("What a client sends does not move the deadline."),
        refused.vector("Nor does a `connect` that is refused."),
        connected.vector("A connected user has none."),
        left.vector("After a `disconnect` there are 10 seconds again."),
    ]


def _budgets(encoding: str) -> list[Vector]:
    """8 messages without a connected user; 3 challenges in a connection's life."""
    before, again, challenges, uncounted = (Script(encoding) for _ in range(4))
    before.step("challenge without data", "invalid_message", "OPEN", repeat=8)
    before.step("challenge", 1008, "CLOSED")
    again.go_to("DISCONNECTED")
    again.step("disconnect", "not_connected", "DISCONNECTED", repeat=8)
    again.step("connect", 1008, "CLOSED")
    challenges.step("short challenge", "invalid_challenge", "OPEN")
    challenges.step("challenge", "success", "CHALLENGED")
    challenges.step("connect", "success", "CONNECTED")
    challenges.step("challenge", "success", "CONNECTED")
    challenges.step("challenge", 1008, "CLOSED")
    uncounted.step("challenge without data", "invalid_message", "OPEN", repeat=4)
    uncounted.step("challenge", "success", "CHALLENGED", repeat=3)
    uncounted.step("challenge", 1008, "CLOSED")
    return [
        before.vector("The ninth message without a connected user."),
        again.vector("After a `disconnect` there are 8 messages again."),
        challenges.vector("The fourth challenge, one of them refused and one made when connected."),
        uncounted.vector("A challenge that gets `invalid_message` is a message, and no challenge."),
    ]


def _rates(encoding: str) -> list[Vector]:
    """40 messages at once and 20 a second, while a user is connected."""
    burst, refilled, kept, away = (Script(encoding) for _ in range(4))
    burst.go_to("CONNECTED")
    burst.step("message", None, "CONNECTED", repeat=40)
    burst.step("message", 1008, "CLOSED")
    refilled.go_to("CONNECTED")
    refilled.step("message", None, "CONNECTED", repeat=40)
    refilled.step("message", None, "CONNECTED", at=1, repeat=20)
    refilled.step("message", 1008, "CLOSED", at=1)
    kept.go_to("CONNECTED")
    kept.step("message", None, "CONNECTED", repeat=39)
    kept.step("disconnect", "success", "DISCONNECTED")
    kept.step("connect", "success", "CONNECTED")
    kept.step("message", 1008, "CLOSED")
    away.go_to("CONNECTED")
    away.step("message", None, "CONNECTED", repeat=39)
    away.step("disconnect", "success", "DISCONNECTED")
    away.step("connect", "success", "CONNECTED", at=1)
    away.step("message", None, "CONNECTED", at=1, repeat=20)
    away.step("message", 1008, "CLOSED", at=1)
    return [
        burst.vector("The 41st message at once."),
        refilled.vector("20 messages more a second later, and no 21st."),
        kept.vector("The burst does not begin afresh with another `connect`."),
        away.vector("It is refilled while nobody is connected."),
    ]


def _orders(encoding: str) -> list[Vector]:
    """Of several things that are wrong with one message, the first counts."""
    kind, budget = Script(encoding), Script(encoding)
    kind.step("nonsense of the other kind", 1003, "CLOSED")
    budget.step("challenge without data", "invalid_message", "OPEN", repeat=8)
    budget.step("nonsense of the other kind", 1008, "CLOSED")
    return [
        kind.vector("Nonsense of the other kind: the kind counts."),
        budget.vector("Nonsense of the other kind past the budget: the budget counts."),
    ]


def _sizes() -> list[Vector]:
    """16 KiB without a connected user, 64 KiB with one, counted in bytes."""
    most, over, connected, too_much, wide = (Script("json") for _ in range(5))
    most.step("challenge", "success", "CHALLENGED", pad_to=16_384)
    over.step("challenge", 1009, "CLOSED", pad_to=16_385)
    connected.go_to("CONNECTED")
    connected.step("message", None, "CONNECTED", pad_to=65_536)
    too_much.go_to("CONNECTED")
    too_much.step("message", 1009, "CLOSED", pad_to=65_537)
    wide.step("wide challenge", 1009, "CLOSED", pad_to=16_385)
    left = Script("json")
    left.go_to("DISCONNECTED")
    left.step("connect", 1009, "CLOSED", pad_to=16_385)
    return [
        most.vector("16,384 bytes before a user is connected, the most."),
        over.vector("16,385 bytes before a user is connected."),
        connected.vector("65,536 bytes from a connected user, the most."),
        too_much.vector("65,537 bytes from a connected user."),
        wide.vector("Bytes of UTF-8 are counted, not characters."),
        left.vector("16,385 bytes from a user who has left."),
    ]


def _sizes_first() -> list[Vector]:
    """The size counts before the kind and the envelope."""
    kind, connected, nonsense = Script("bson"), Script("bson"), Script("json")
    kind.step("other kind", 1009, "CLOSED", pad_to=16_385)
    connected.go_to("CONNECTED")
    connected.step("other kind", 1003, "CLOSED", pad_to=65_536)
    nonsense.step("nonsense", 1009, "CLOSED", pad_to=16_385)
    return [
        kind.vector("16,385 bytes of text where binary is due: the size counts."),
        connected.vector("65,536 bytes of text where binary is due, from a connected user: not too much, so the kind."),
        nonsense.vector("16,385 bytes of nonsense: the size counts."),
    ]
