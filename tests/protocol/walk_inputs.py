"""All that a server's session can be given, as the walk has it: each input is a step of a `Watch`."""

from collections.abc import Callable
from functools import partial

from ric0_trio.protocol import REFUSALS, Admitted, CloseCode, Codec, Kick, Refused, Status
from ric0_trio.testing import (
    CHALLENGE,
    SERVER_KEY,
    Plain,
    challenge_data,
    connect_data,
    pack,
    request,
    rsa_key,
    user,
)
from tests.protocol.pair import ED25519_PREFIX, without
from tests.protocol.walk_account import LIMITS, PEOPLE, Given
from tests.protocol.walk_watch import Watch

Step = Callable[[Watch], None]

VERDICT_ROWS = {
    Status.DISALLOWED_CLIENT: "S10",
    Status.DISALLOWED_USER: "S11",
    Status.UNRECOGNISED_USER: "S12",
    Status.JOIN_TOKEN_REQUIRED: "S13",
    Status.INVALID_JOIN_TOKEN: "S14",
    Status.ALREADY_CONNECTED: "S15",
    Status.UNKNOWN_ERROR: "S16",
}
KICK_ROWS = {
    CloseCode.BANNED: "S31",
    CloseCode.KICKED: "S32",
    CloseCode.REPLACED: "S33",
    CloseCode.TRY_AGAIN_LATER: "S34",
}

# A request of each name that is good, and the ways in which a request can be bad
GOOD = {
    "challenge": CHALLENGE,
    "connect": request("connect", connect_data(PEOPLE["Ada"]), 2),
    "disconnect": request("disconnect", {"reason": "going home"}, 4),
    "poll": request("poll", {}, 6),
}
BAD_ROWS = {"challenge": "S5", "connect": "S19", "disconnect": "S21", "poll": "S23"}
FAULTS: dict[str, Plain] = {
    "an odd id": {"conversation": 4294967295},
    "no data": {"data": None},
    "no time": {"time": None},
}
BAD_DATA: dict[str, Plain] = {
    "challenge": {"challenge": 5},
    "connect": connect_data(join_token=7),
    "disconnect": {"reason": 5},
}
PEOPLES_DATA = {
    name: connect_data(key, user=user(key.public, name), challenge="cHJvb2Y=") for name, key in PEOPLE.items()
}


def messages(codec: Codec) -> dict[str, Given]:
    """Give every message, by what a person would call it."""

    def of(plain: Plain, row: str, who: str = "") -> Given:
        asks = plain.get("type") == "request" and row != "S26"
        name = str(plain["name"]) if asks else ""
        return Given(pack(codec, plain), row, name, plain["conversation"] if asks else None, who)

    good = {
        "challenge": of(CHALLENGE, "S3"),
        "challenge, no base64": of(request("challenge", {"challenge": "?"}, 8), "S2"),
        "challenge, a server's key": of(request("challenge", challenge_data(ED25519_PREFIX + bytes(32)), 8), "S2"),
        **{f"connect, {name}": of(request("connect", data, 2), "S17", name) for name, data in PEOPLES_DATA.items()},
        "connect, another format": of(request("connect", connect_data(rsa_key()), 10), "S6"),
        "connect, the server's key": of(request("connect", connect_data(SERVER_KEY), 10), "S7"),
        "connect, no base64": of(request("connect", connect_data(challenge="?"), 10), "S8"),
        "disconnect": of(GOOD["disconnect"], "S20"),
        "another request": of(GOOD["poll"], "S22"),
        "a message": of(without(request("typing", {}, type="message"), "conversation"), "S24"),
        "a reply": of(request("poll", {}, 1, type="reply", status="success"), "S25"),
    }
    bad = {
        f"{name}, {fault}": of(GOOD[name] | change, row)
        for name, row in BAD_ROWS.items()
        for fault, change in FAULTS.items()
    }
    bad |= {f"{name}, bad data": of(request(name, data, 12), BAD_ROWS[name]) for name, data in BAD_DATA.items()}
    bad["a request without a name"] = of(request("", {}, 14), "S23")
    text, binary = ("{", b"{}") if codec.payload_type is str else ("{}", b"\x05")
    right, wrong = (text, binary) if codec.payload_type is str else (binary, text)
    blank = " " if codec.payload_type is str else b" "
    return {
        **good,
        **bad,
        "an object without keys": of({}, "S26"),
        "no usable id": of(CHALLENGE | {"conversation": -2}, "S26"),
        "a message without a time": of({"type": "message", "name": "typing", "data": {}}, "S26"),
        "no encoding": Given(right, "S26"),
        "the wrong kind": Given(wrong, "S27"),
        "too big": Given(blank * (LIMITS.max_message_bytes + 1), "S28"),
    }


def alphabet(codec: Codec) -> dict[str, Step]:
    """Give every input by its name."""
    sent = messages(codec)
    steps: dict[str, Step] = {name: partial(Watch.receive, given=given) for name, given in sent.items()}
    for late in (False, True):
        when = ", late" if late else ""
        steps[f"signed{when}"] = partial(Watch.answer, result=b"signature", row="S3", is_late=late)
        steps[f"verified{when}"] = partial(Watch.answer, result=True, is_late=late)
        steps[f"not verified{when}"] = partial(Watch.answer, result=False, row="S9", is_late=late)
        steps[f"admitted{when}"] = partial(Watch.answer, result=Admitted(), row="S17", is_late=late)
        for status in sorted(REFUSALS):
            row = VERDICT_ROWS[status]
            steps[f"refused, {status}{when}"] = partial(Watch.answer, result=Refused(status), row=row, is_late=late)
    steps["time passes"] = Watch.pass_time
    steps["the deadline"] = Watch.reach_the_deadline
    steps["a message past the deadline"] = partial(Watch.receive_too_late, given=sent["challenge"])
    steps["time steps back"] = Watch.step_back
    for code, row in KICK_ROWS.items():
        steps[f"kicked, {code.name}"] = partial(Watch.kick, cause=Kick(code, "out"), row=row)
    steps["kicked with another code"] = partial(Watch.kick_wrongly, cause=Kick(CloseCode.NORMAL, "out"))
    steps["shut down"] = Watch.shut_down
    steps["lost"] = Watch.lose
    return steps
